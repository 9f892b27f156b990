import { describe, expect, test } from '@jest/globals';
import { isPinned, startedBeside } from '../../../../src/classroom/engine-watch/start-race.ts';
import { type EnginePodOptions, sharingPod } from './engines.ts';

const NOW_MS = Date.parse('2026-09-01T10:00:00Z');

describe('an engine that started from 09:00:00 to 09:01:00 on node-1', () => {
  test.each<[string, EnginePodOptions, EnginePodOptions, boolean]>([
    ['met one that started half a minute later', {}, { started: '09:00:30', ready: '09:01:30' }, true],
    ['met one that still starts', {}, { started: '09:00:30', ready: undefined }, true],
    [
      'met one that ended meanwhile',
      {},
      { started: '09:05:00', ended: { startedAt: '08:00:00', finishedAt: '09:00:20' } },
      true,
    ],
    [
      'met one whose start failed meanwhile',
      {},
      { started: '09:05:00', ended: { startedAt: '09:00:20', finishedAt: '09:02:00' } },
      true,
    ],
    ['did not meet one that answered before', {}, { started: '08:58:00', ready: '08:59:00' }, false],
    ['did not meet one that started afterwards', {}, { started: '09:01:00', ready: '09:02:00' }, false],
    ['did not meet one of another node', {}, { node: 'node-2' }, false],
    ['did not meet one with a GPU of its own', {}, { shares: false }, false],
    ['has a GPU of its own and meets nobody', { shares: false }, {}, false],
    [
      'has a pinned KV cache and does not mind',
      { args: ['m', '--kv-cache-memory-bytes', '2000000000'] },
      {},
      false,
    ],
  ])('%s', (_, own, other, met) => {
    const pod = sharingPod('engine-a', own);
    const neighbour = sharingPod('engine-b', other);
    expect(startedBeside(pod, [pod, neighbour], NOW_MS)).toBe(met ? 'engine-b' : undefined);
  });

  test('does not meet itself', () => {
    const pod = sharingPod('engine-a');
    expect(startedBeside(pod, [pod], NOW_MS)).toBeUndefined();
  });
});

test.each([
  [['m', '--kv-cache-memory-bytes', '1'], true],
  [['m', '--kv-cache-memory-bytes=1'], true],
  [['m', '--kv-cache-memory', '1'], true],
  [['m', '--kv-cache-dtype', 'fp8'], false],
])('%j is pinned: %s', (args, want) => {
  expect(isPinned(sharingPod('engine-a', { args }))).toBe(want);
});
