import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { chargeOf, type Metered } from '../../../../src/gateway/limits/charge.ts';
import { OUTCOME_KINDS } from '../../../../src/gateway/limits/settlement.ts';

const REPORTED = { promptTokens: 17, completionTokens: 5, cachedTokens: 16 };

/** A request that ran; a case states only what differs. */
const metered = (differs: Partial<Metered>): Metered => ({
  outcome: 'completed',
  reachedEngine: true,
  reported: REPORTED,
  seenTokens: 5,
  expectedPromptTokens: 20,
  reserved: { promptTokens: 60, outputTokens: 100 },
  ...differs,
});

const charged = (promptTokens: number, completionTokens: number, cachedTokens?: number) => ({
  promptTokens,
  completionTokens,
  cachedTokens,
});

describe('what a request is charged', () => {
  test.each<[string, Partial<Metered>, object | undefined, string]>([
    ['complete: as reported', {}, REPORTED, 'reported'],
    [
      'complete, with an explicit zero: zero, however much was seen',
      { reported: charged(0, 0) as Metered['reported'], seenTokens: 9 },
      charged(0, 0),
      'reported',
    ],
    ['complete without any count: the reservation', { reported: undefined }, charged(60, 100), 'reserved'],
    ['refused by the engine: nothing', { outcome: 'refused' }, undefined, 'nothing'],
    ['not answered: nothing', { outcome: 'unanswered', reported: undefined }, undefined, 'nothing'],
    [
      'left while it waited for an engine: nothing',
      { outcome: 'client-left', reachedEngine: false, reported: undefined, seenTokens: 0 },
      undefined,
      'nothing',
    ],
    [
      'left before the first byte: the prompt, as far as can be told',
      { outcome: 'client-left', reported: undefined, seenTokens: 0 },
      charged(20, 0),
      'expected',
    ],
    ['left in the middle: the last count', { outcome: 'client-left' }, REPORTED, 'seen'],
    ['broken off in the middle: the last count', { outcome: 'interrupted' }, REPORTED, 'seen'],
    [
      'broken off, only the prompt was counted: the pieces that came',
      { outcome: 'interrupted', reported: charged(17, 0) as Metered['reported'], seenTokens: 4 },
      charged(17, 4),
      'seen',
    ],
    [
      'broken off, nothing was counted: the expected prompt and the pieces that came',
      { outcome: 'interrupted', reported: undefined, seenTokens: 4 },
      charged(20, 4),
      'expected',
    ],
  ])('%s', (_, differs, usage, basis) => {
    expect(chargeOf(metered(differs))).toEqual({ usage, basis });
  });

  test('an end without an engine costs nothing unless the answer is complete', () => {
    for (const outcome of OUTCOME_KINDS.filter((kind) => kind !== 'completed')) {
      expect(chargeOf(metered({ outcome, reachedEngine: false })).usage).toBeUndefined();
    }
  });

  test('leaving never costs more than staying', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.nat(), (promptTokens, seen, more) => {
        const running = { promptTokens, completionTokens: seen, cachedTokens: undefined };
        const left = chargeOf(metered({ outcome: 'client-left', reported: running, seenTokens: seen }));
        const stayed = chargeOf(metered({ reported: { ...running, completionTokens: seen + more } }));
        expect(left.usage?.completionTokens).toBeLessThanOrEqual(stayed.usage?.completionTokens ?? 0);
        expect(left.usage?.promptTokens).toBe(stayed.usage?.promptTokens);
      }),
    );
  });
});
