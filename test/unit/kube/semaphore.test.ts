import { expect, test } from '@jest/globals';
import { createSemaphore } from '../../../src/kube/semaphore.ts';

/** Work that says when it began and ends when the test says so. */
function pieces(count: number) {
  const begun: number[] = [];
  const all = Array.from({ length: count }, (_, number) => ({ number, ...Promise.withResolvers<void>() }));
  const works = all.map(({ number, promise }) => () => {
    begun.push(number);
    return promise;
  });
  return {
    begun,
    works,
    end: (number: number) => all[number]?.resolve(),
    fail: (number: number) => all[number]?.reject(new Error('no')),
  };
}

test('no more than its places run at once, and the others follow in order', async () => {
  const semaphore = createSemaphore(2);
  const { begun, works, end } = pieces(4);
  const runs = works.map((work) => semaphore.run(work));
  await Promise.resolve();
  expect([begun, semaphore.waiting]).toEqual([[0, 1], 2]);
  end(1);
  await runs[1];
  await Promise.resolve();
  expect([begun, semaphore.waiting]).toEqual([[0, 1, 2], 1]);
  for (const number of [0, 2, 3]) end(number);
  await Promise.all(runs);
  expect(begun).toEqual([0, 1, 2, 3]);
});

test('work that fails gives its place to the next', async () => {
  const semaphore = createSemaphore(1);
  const { begun, works, end, fail } = pieces(2);
  const [first, second] = works.map((work) => semaphore.run(work));
  fail(0);
  await expect(first).rejects.toThrow('no');
  end(1);
  await second;
  expect(begun).toEqual([0, 1]);
});
