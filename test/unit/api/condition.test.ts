import { describe, expect, test } from '@jest/globals';
import {
  type Condition,
  type ConditionDraft,
  findCondition,
  mergeConditions,
} from '../../../src/api/condition.ts';

const NINE = Date.UTC(2026, 11, 1, 9);
const TEN = Date.UTC(2026, 11, 1, 10);

function draft(difference: Partial<ConditionDraft> = {}): ConditionDraft {
  return {
    type: 'Ready',
    status: 'True',
    reason: 'EnginesReady',
    message: '4 engines answer.',
    ...difference,
  };
}

/** The conditions at nine o'clock, for generation 1. */
function atNine(...drafts: ConditionDraft[]): Condition[] {
  return mergeConditions(undefined, drafts, 1, NINE);
}

describe('the time of a condition', () => {
  test('is that of the first write', () => {
    expect(atNine(draft())).toEqual([
      {
        type: 'Ready',
        status: 'True',
        observedGeneration: 1,
        lastTransitionTime: '2026-12-01T09:00:00Z',
        reason: 'EnginesReady',
        message: '4 engines answer.',
      },
    ]);
  });

  test.each<[name: string, change: Partial<ConditionDraft>, want: string]>([
    ['stays when nothing changes', {}, '2026-12-01T09:00:00Z'],
    ['stays when only the words change', { reason: 'SomeReady', message: '2 of 4.' }, '2026-12-01T09:00:00Z'],
    ['moves when the status changes', { status: 'False', reason: 'NoEngine' }, '2026-12-01T10:00:00Z'],
    ['moves when the status becomes unknown', { status: 'Unknown' }, '2026-12-01T10:00:00Z'],
  ])('%s', (_name, change, want) => {
    const [condition] = mergeConditions(atNine(draft()), [draft(change)], 2, TEN);
    expect(condition).toMatchObject({ ...draft(change), observedGeneration: 2, lastTransitionTime: want });
  });

  test('has whole seconds, as the API server keeps it', () => {
    const [condition] = mergeConditions(undefined, [draft()], 1, NINE + 999);
    expect(condition?.lastTransitionTime).toBe('2026-12-01T09:00:00Z');
  });
});

describe('the list of conditions', () => {
  const fits = draft({ type: 'Fits' });

  test('has the order of the drafts, whatever it was before', () => {
    const merged = mergeConditions(atNine(fits, draft()), [draft(), fits], 1, TEN);
    expect(merged.map(({ type }) => type)).toEqual(['Ready', 'Fits']);
    expect(merged.map(({ lastTransitionTime }) => lastTransitionTime)).toEqual(
      Array(2).fill('2026-12-01T09:00:00Z'),
    );
  });

  test('loses a condition that is no longer drafted', () => {
    expect(mergeConditions(atNine(draft(), fits), [draft()], 1, TEN)).toEqual(atNine(draft()));
  });

  test('is equal to the one before when nothing changed, so that no write is needed', () => {
    const before = atNine(draft(), fits);
    expect(mergeConditions(before, [draft(), fits], 1, TEN)).toEqual(before);
  });

  test('leaves the previous list as it was', () => {
    const before = Object.freeze(atNine(draft()));
    mergeConditions(before, [draft({ status: 'False' })], 2, TEN);
    expect(before).toEqual(atNine(draft()));
  });
});

test('a condition is found by its type', () => {
  const conditions = atNine(draft(), draft({ type: 'Fits', status: 'False' }));
  expect(findCondition(conditions, 'Fits')?.status).toBe('False');
  expect(findCondition(conditions, 'Scheduled')).toBeUndefined();
  expect(findCondition(undefined, 'Ready')).toBeUndefined();
});
