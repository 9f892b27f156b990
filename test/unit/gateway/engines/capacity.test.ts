import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  adjustWindow,
  type EngineLoad,
  type EngineWindow,
  fits,
  openWindow,
  windowOf,
} from '../../../../src/gateway/engines/capacity.ts';

const calm: EngineLoad = { running: 4, waiting: 0, kvUsage: 0.5, kvTokens: 10_000 };

function requestsAfter(loads: readonly EngineLoad[], planned = 16): number {
  const window = loads.reduce<EngineWindow>(
    (before, load) => adjustWindow(before, load, planned, 0),
    openWindow(planned),
  );
  return windowOf(window, planned);
}

describe('how many requests an engine is given', () => {
  test.each<[string, EngineLoad[], number]>([
    ['as planned, while nothing is known', [], 16],
    ['as planned, while none waits in it', [calm, calm], 16],
    ['as planned, after one moment of waiting: a step had to end', [{ ...calm, waiting: 3 }, calm], 16],
    [
      'fewer by those that wait, when some do twice in a row',
      [
        { ...calm, running: 16, waiting: 3 },
        { ...calm, running: 16, waiting: 3 },
      ],
      13,
    ],
    ['at once fewer, with a full cache', [{ ...calm, running: 16, waiting: 1, kvUsage: 0.99 }], 12],
    [
      'fewer than it has, not than was planned',
      [
        { ...calm, waiting: 1 },
        { ...calm, running: 7, waiting: 1 },
      ],
      7,
    ],
    [
      'fewer by a quarter at most',
      [
        { ...calm, running: 2, waiting: 14 },
        { ...calm, running: 2, waiting: 14 },
      ],
      12,
    ],
    ['never none', Array.from({ length: 50 }, () => ({ ...calm, running: 0, waiting: 9 })), 1],
    [
      'no more while the cache is full',
      [
        { ...calm, running: 16, waiting: 9, kvUsage: 1 },
        { ...calm, kvUsage: 0.97 },
      ],
      12,
    ],
  ])('%s', (_, loads, expected) => {
    expect(requestsAfter(loads)).toBe(expected);
  });

  test('not fewer and fewer while what it was given before waits in it: it is soon as many as it computes', () => {
    let window = openWindow(64);
    let inFlight = 60;
    const bounds = Array.from({ length: 30 }, () => {
      const [running, waiting] = [Math.min(4, inFlight), Math.max(0, inFlight - 4)];
      window = adjustWindow(window, { ...calm, running, waiting }, 64, inFlight);
      // Four end until the next look, and what the bound allows is given.
      inFlight = Math.max(inFlight - 4, windowOf(window, 64));
      return windowOf(window, 64);
    });
    expect(Math.min(...bounds)).toBeGreaterThanOrEqual(4);
    expect(Math.max(...bounds.slice(20))).toBeLessThanOrEqual(5);
  });

  test('comes back to what was planned, one at a time', () => {
    const busy = { ...calm, running: 16, waiting: 4 };
    const back = Array.from({ length: 5 }, (_, i) =>
      requestsAfter([busy, busy, ...Array.from({ length: i }, () => calm)]),
    );
    expect(back).toEqual([12, 13, 14, 15, 16]);
  });

  test('property: always between 1 and what was planned', () => {
    const load = fc.record({
      running: fc.nat({ max: 300 }),
      waiting: fc.nat({ max: 300 }),
      kvUsage: fc.double({ min: 0, max: 1, noNaN: true }),
      kvTokens: fc.constant(undefined),
    });
    fc.assert(
      fc.property(fc.array(load, { maxLength: 50 }), fc.integer({ min: 1, max: 512 }), (loads, planned) => {
        const requests = requestsAfter(loads, planned);
        expect(requests).toBeGreaterThanOrEqual(1);
        expect(requests).toBeLessThanOrEqual(planned);
      }),
    );
  });
});

describe('whether one more fits', () => {
  const used = { requests: 3, kvTokens: 600 };
  test.each<[string, Parameters<typeof fits>, boolean]>([
    ['below both bounds', [used, 400, 4, 1_000, 1], true],
    ['one token too many', [used, 401, 4, 1_000, 1], false],
    ['one request too many', [used, 1, 3, 1_000, 1], false],
    ['an engine that does not tell its tokens', [used, 1_000_000, 4, undefined, 1], true],
    ['larger than the cache, on an empty engine', [{ requests: 0, kvTokens: 0 }, 2_000, 4, 1_000, 1], true],
    ['half of the engine is for others', [used, 1, 6, undefined, 0.5], false],
    ['half of the tokens are for others', [used, 1, 100, 1_000, 0.5], false],
    ['a small share is still one request', [{ requests: 0, kvTokens: 0 }, 1, 4, undefined, 0.01], true],
  ])('%s', (_, args, expected) => {
    expect(fits(...args)).toBe(expected);
  });
});
