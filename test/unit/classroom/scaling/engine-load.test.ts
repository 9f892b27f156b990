import { expect, test } from '@jest/globals';
import type { WatchedEngine } from '../../../../src/classroom/engine-watch/board.ts';
import { engineLoad } from '../../../../src/classroom/scaling/engine-load.ts';
import type { Pod } from '../../../../src/kube/resources.ts';
import { containerStatus, enginePod, readyPod } from '../../../support/classroom.ts';

const quiet = (sinceMs: number): WatchedEngine['use'] => ({ kind: 'quiet', sinceMs });
const busy = (requests: number): WatchedEngine['use'] => ({ kind: 'busy', requests });
const silent: WatchedEngine['use'] = { kind: 'unknown', why: 'no answer' };

const a = readyPod('a');
const b = readyPod('b');
const ending = { ...b, metadata: { ...b.metadata, deletionTimestamp: '2026-09-01T09:00:00Z' } };

const failed = enginePod({ status: { containerStatuses: [containerStatus({ restartCount: 1 })] } });
const waiting = enginePod({ spec: {}, status: { containerStatuses: [] } });

test.each<[string, Pod[], Record<string, WatchedEngine['use']>, object]>([
  ['no engine is no load, and says nothing of the past', [], {}, { requests: 0, busy: 0, unknown: 0 }],
  [
    'requests are summed up over those that have some',
    [a, b],
    { a: busy(3), b: busy(4) },
    { requests: 7, busy: 2, unknown: 0 },
  ],
  [
    'all are quiet since the last of them was asked',
    [a, b],
    { a: quiet(10), b: quiet(20) },
    { requests: 0, busy: 0, unknown: 0, quietSinceMs: 20 },
  ],
  [
    'they are not all quiet where one is busy',
    [a, b],
    { a: busy(1), b: quiet(20) },
    { requests: 1, busy: 1, unknown: 0 },
  ],
  [
    'one that does not answer may be busy',
    [a, b],
    { a: silent, b: quiet(20) },
    { requests: 0, busy: 0, unknown: 1 },
  ],
  ['and so may one that was not asked yet', [a], {}, { requests: 0, busy: 0, unknown: 1 }],
  ['one that loads serves nobody', [enginePod()], {}, { requests: 0, busy: 0, unknown: 0, loading: 1 }],
  ['one that has failed before may never load', [failed], {}, { requests: 0, busy: 0, unknown: 0 }],
  ['nor does one load that waits for a node', [waiting], {}, { requests: 0, busy: 0, unknown: 0 }],
  [
    'nor does one that ends',
    [a, ending],
    { a: quiet(10), b: busy(4) },
    { requests: 0, busy: 0, unknown: 0, quietSinceMs: 10 },
  ],
])('%s', (_, pods, uses, want) => {
  const watched = new Map(Object.entries(uses).map(([name, use]) => [name, { use }]));
  expect(engineLoad(pods, watched)).toEqual({ loading: 0, quietSinceMs: undefined, ...want });
});
