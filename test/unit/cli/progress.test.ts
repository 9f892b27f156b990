import { expect, test } from '@jest/globals';
import { withProgress } from '../../../src/cli/progress.ts';
import { createFakeClock, settle } from '../../support/fake-clock.ts';

/** What somebody at the terminal sees, in order. */
function watched() {
  const seen: string[] = [];
  const clock = createFakeClock();
  const spin = async (text: string) => {
    seen.push(text);
    return { say: (next: string) => void seen.push(next), stop: () => void seen.push('stopped') };
  };
  return { seen, clock, spin };
}

test('what is done within a second shows nothing', async () => {
  const { seen, clock, spin } = watched();
  expect(await withProgress('Reading', { clock, spin }, async () => 42)).toBe(42);
  await clock.advance(5000);
  expect(seen).toEqual([]);
});

test('what takes longer shows what is being done, how far it is, and leaves no trace', async () => {
  const { seen, clock, spin } = watched();
  const work = Promise.withResolvers<string>();
  const done = withProgress('Reading', { clock, spin }, async (say) => {
    say('1 of 30');
    await clock.sleep(3000);
    say('12 of 30');
    return work.promise;
  });
  await clock.advance(999);
  expect(seen).toEqual([]);
  await clock.advance(1);
  expect(seen).toEqual(['1 of 30']);
  await clock.advance(2000);
  work.resolve('all');
  expect(await done).toBe('all');
  expect(seen).toEqual(['1 of 30', '12 of 30', 'stopped']);
});

test('what fails stops the spinner before the failure is told', async () => {
  const { seen, clock, spin } = watched();
  const work = Promise.withResolvers<never>();
  const done = withProgress('Reading', { clock, spin }, () => work.promise);
  await clock.advance(1000);
  work.reject(new Error('no'));
  await expect(done).rejects.toThrow('no');
  expect(seen.at(-1)).toBe('stopped');
});

test('where no terminal is, nothing moves', async () => {
  const clock = createFakeClock();
  const done = withProgress('Reading', { clock, spin: undefined }, () => clock.sleep(9000));
  await settle();
  expect(clock.pending).toBe(1);
  await clock.advance(9000);
  await done;
});
