import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Chain, type Link } from '../../../src/gateway/chain.ts';

test('items stay in the order in which they came, whichever are taken out', () => {
  const steps = fc.array(fc.oneof(fc.constant('append' as const), fc.nat()));
  fc.assert(
    fc.property(steps, (all) => {
      const chain = new Chain<number>();
      let expected: Link<number>[] = [];
      for (const [number, step] of all.entries()) {
        if (step === 'append') {
          expected.push(chain.append(number));
          continue;
        }
        const link = expected[step % Math.max(1, expected.length)];
        if (link === undefined) continue;
        chain.remove(link);
        expected = expected.filter((other) => other !== link);
      }
      const items = expected.map(({ item }) => item);
      expect(chain.toArray()).toEqual(items);
      expect([chain.first, chain.last, chain.length]).toEqual([items[0], items.at(-1), items.length]);
    }),
  );
});

test('what was taken out knows nothing of the others: as old garbage it would keep all that came after it', () => {
  const chain = new Chain<string>();
  const [, link] = [chain.append('first'), chain.append('second'), chain.append('third')];
  chain.remove(link);
  expect(link).toEqual({ item: 'second', before: undefined, after: undefined });
});
