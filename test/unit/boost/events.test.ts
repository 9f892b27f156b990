import { describe, expect, test } from '@jest/globals';
import type { Condition } from '../../../src/api/condition.ts';
import { boostEvents } from '../../../src/boost/events.ts';

function boosted(status: 'True' | 'False', reason: string): Condition[] {
  const lastTransitionTime = '2026-09-01T09:00:00Z';
  return [{ type: 'Boosted', status, reason, message: `${reason}, in words.`, lastTransitionTime }];
}

const running = boosted('True', 'BoostRunning');
const over = boosted('False', 'BoostOver');
const paused = boosted('False', 'BoostPaused');

describe('of a boost is told', () => {
  test.each<[name: string, from: Condition[] | undefined, to: Condition[], want: string[]]>([
    [
      'that it began, also of an object that is new',
      undefined,
      running,
      ['BoostStarted: BoostRunning, in words.'],
    ],
    ['nothing of one that has ended long ago', [], over, []],
    ['nothing while it goes on', running, running, []],
    ['that it ended', running, over, ['BoostEnded: BoostOver, in words.']],
    ['that an exam began', running, paused, ['BoostEnded: BoostPaused, in words.']],
    ['that it counts again after an exam', paused, running, ['BoostStarted: BoostRunning, in words.']],
    ['nothing of one that ended in an exam', paused, over, []],
    ['that it was taken away', running, [], ['BoostEnded: The boost was taken away: the usual limits hold.']],
    ['nothing of a rest that was taken away', over, [], []],
  ])('%s', (_, from, to, want) => {
    expect(boostEvents(from, to).map(({ reason, note }) => `${reason}: ${note}`)).toEqual(want);
  });
});
