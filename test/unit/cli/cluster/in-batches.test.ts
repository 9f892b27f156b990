import { expect, test } from '@jest/globals';
import { inBatches } from '../../../../src/cli/cluster/in-batches.ts';

const SEATS = Array.from({ length: 30 }, (_, index) => index);

test('no more than eight requests are under way together, and all is done', async () => {
  let underWay = 0;
  let most = 0;
  const counts: number[] = [];
  const { done, error } = await inBatches(
    SEATS,
    async () => {
      most = Math.max(most, ++underWay);
      await Promise.resolve();
      underWay -= 1;
    },
    (count) => counts.push(count),
  );
  expect({ most, done, error }).toEqual({ most: 8, done: SEATS, error: undefined });
  expect(counts).toEqual([8, 16, 24, 30]);
});

test('what fails lets its batch end, and no other begins', async () => {
  const tried: number[] = [];
  const { done, error } = await inBatches(SEATS, async (seat) => {
    tried.push(seat);
    if (seat === 9 || seat === 12) throw new Error(`seat ${seat}`);
  });
  expect(tried).toEqual(SEATS.slice(0, 16));
  expect(done).toEqual(SEATS.slice(0, 16).filter((seat) => seat !== 9 && seat !== 12));
  expect(error).toEqual(new Error('seat 9'));
});
