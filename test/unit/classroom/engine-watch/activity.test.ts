import { describe, expect, test } from '@jest/globals';
import { instanceOf } from '../../../../src/classroom/engine-container.ts';
import { activityOf } from '../../../../src/classroom/engine-watch/activity.ts';
import { createEngineBoard, type WatchedEngine } from '../../../../src/classroom/engine-watch/board.ts';
import type { Activity } from '../../../../src/classroom/rollout/activity.ts';
import { sharingPod } from './engines.ts';

const KEY = 'python-101/python-101';
const [a, b, loading] = [sharingPod('a'), sharingPod('b'), sharingPod('c', { ready: undefined })];

function activity(uses: Record<string, WatchedEngine['use']>): Activity {
  const board = createEngineBoard();
  const pods = [a, b, loading];
  board.put(
    KEY,
    new Map(
      pods.flatMap((pod) => {
        const use = uses[pod.metadata.name];
        return use === undefined
          ? []
          : [[instanceOf(pod), { health: 'Well', kvCacheTokens: 1, use }] as const];
      }),
    ),
  );
  return activityOf(KEY, pods, board);
}

const quiet = (sinceMs: number) => ({ kind: 'quiet', sinceMs }) as const;

describe('the engines of a class are', () => {
  test.each<[string, Record<string, WatchedEngine['use']>, object]>([
    ['quiet since the last of them is', { a: quiet(10), b: quiet(30) }, { kind: 'quiet', sinceMs: 30 }],
    ['busy when one is', { a: quiet(10), b: { kind: 'busy', requests: 1 } }, { kind: 'busy' }],
    [
      'busy when one is and another does not say',
      { a: { kind: 'unknown', why: 'late' }, b: { kind: 'busy', requests: 1 } },
      { kind: 'busy' },
    ],
    [
      'unknown when one does not say',
      { a: { kind: 'unknown', why: 'late' }, b: quiet(10) },
      { kind: 'unknown', why: 'engine a: late' },
    ],
    [
      'unknown when one was not asked yet',
      { a: quiet(10) },
      { kind: 'unknown', why: 'engine b: it has not been asked yet' },
    ],
  ])('%s', (_, uses, want) => {
    expect(activity(uses)).toEqual(want);
  });

  test('unknown when none has started', () => {
    expect(activityOf(KEY, [loading], createEngineBoard()).kind).toBe('unknown');
  });
});
