import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ClassroomStatus, EngineStatus } from '../../../../src/api/classroom.ts';
import type { WatchedEngine } from '../../../../src/classroom/engine-watch/board.ts';
import { SILENCE_MS } from '../../../../src/classroom/engine-watch/record.ts';
import { type RepairInput, repairsDue } from '../../../../src/classroom/engine-watch/repairs.ts';
import type { Pod } from '../../../../src/kube/resources.ts';
import { merged } from '../../../support/builders.ts';
import { containerStatus } from '../../../support/classroom.ts';
import { sharingPod } from './engines.ts';

const NOW_MS = Date.parse('2026-09-01T10:00:00Z');
const IDLE_MS = 300_000;

const busy: WatchedEngine = { health: 'Well', kvCacheTokens: 273_616, use: { kind: 'busy', requests: 1 } };
const quietFor = (ms: number): WatchedEngine => ({ ...busy, use: { kind: 'quiet', sinceMs: NOW_MS - ms } });
const idle = quietFor(IDLE_MS);

/** A class whose engines should hold 389,952 tokens and compute 32 requests of 4,096 at once. */
function statusOf(engines: readonly EngineStatus[]): ClassroomStatus {
  return {
    engines: [...engines],
    plan: {
      maxModelLen: 4096,
      maxNumSeqs: 32,
      maxNumBatchedTokens: 2048,
      gpuMemoryUtilizationPercent: 45,
      kvCacheTokens: 389_952,
      resourceName: 'nvidia.com/gpu.shared',
      basis: '',
    },
  };
}

/** Lost 30 % to a race: enough is left for all requests that are computed at once. */
const raced = (name: string, kvCacheTokens = 273_616): EngineStatus => ({
  name,
  state: 'Ready',
  node: 'node-1',
  kvCacheTokens,
  startedBeside: 'other',
});
/** Lost 72 %: the requests that are computed at once have no room. */
const TOO_SMALL = 109_200;

function input(difference: Partial<RepairInput> & { pods: readonly Pod[] }): RepairInput {
  return {
    enginePods: difference.pods,
    watched: new Map(difference.pods.map(({ metadata }) => [metadata.name, idle])),
    isMeasured: () => true,
    status: statusOf(difference.pods.map(({ metadata }) => raced(metadata.name))),
    nodesInTurn: new Set(),
    idleMs: IDLE_MS,
    nowMs: NOW_MS,
    ...difference,
  };
}

const namesOf = (difference: Parameters<typeof input>[0]): string[] =>
  repairsDue(input(difference)).now.map(({ pod, cause }) => `${pod.metadata.name} ${cause}`);

const [a, b, elsewhere] = [sharingPod('a'), sharingPod('b'), sharingPod('c', { node: 'node-2' })];

const waitingFor = (reason: string, lastState?: { terminated: { exitCode: number } }): Pod =>
  merged(b, {
    status: {
      conditions: [{ type: 'Ready', status: 'False' }],
      containerStatuses: [
        containerStatus({
          state: { waiting: { reason } },
          ...(lastState === undefined ? {} : { lastState }),
        }),
      ],
    },
  });

describe('a race is repaired', () => {
  test('one engine of a node at a time, those of other nodes meanwhile', () => {
    expect(namesOf({ pods: [a, b, elsewhere] })).toEqual(['a StartRace', 'c StartRace']);
  });

  test('when the engine is idle, and not before', () => {
    const watched = new Map([['a', quietFor(IDLE_MS - 20_000)]]);
    expect(repairsDue(input({ pods: [a], watched }))).toEqual({ now: [], lookAtMs: NOW_MS + 20_000 });
  });

  test.each<[string, WatchedEngine]>([
    ['answers', busy],
    ['does not say what it does', { ...busy, use: { kind: 'unknown', why: 'late' } }],
  ])('not while it %s', (_, engine) => {
    expect(repairsDue(input({ pods: [a], watched: new Map([['a', engine]]) }))).toEqual({
      now: [],
      lookAtMs: undefined,
    });
  });

  test('at once where what is computed at once has no room', () => {
    const watched = new Map([['a', busy]]);
    expect(namesOf({ pods: [a], watched, status: statusOf([raced('a', TOO_SMALL)]) })).toEqual([
      'a StartRace',
    ]);
  });

  test('with time to finish the answers that are running', () => {
    expect(repairsDue(input({ pods: [a] })).now[0]?.gracePeriodSeconds).toBeUndefined();
  });

  test.each<[string, Pod]>([
    ['starts', sharingPod('b', { ready: undefined })],
    ['ends', merged(b, { metadata: { deletionTimestamp: '2026-09-01T10:01:00Z' } })],
    [
      'ends again and again: each new start would meet one of its own',
      waitingFor('CrashLoopBackOff', { terminated: { exitCode: 1 } }),
    ],
  ])('not while another engine on the node %s', (_, other) => {
    expect(repairsDue(input({ pods: [a], enginePods: [a, other] }))).toEqual({
      now: [],
      lookAtMs: NOW_MS + 10_000,
    });
  });

  test('also where another engine on the node can never start', () => {
    expect(namesOf({ pods: [a], enginePods: [a, waitingFor('ImagePullBackOff')] })).toEqual(['a StartRace']);
  });

  test('not before every engine on the node has said what it measured', () => {
    expect(namesOf({ pods: [a], enginePods: [a, b], isMeasured: (pod) => pod !== b })).toEqual([]);
  });

  test('not on a node on which an engine was just deleted', () => {
    expect(namesOf({ pods: [a, elsewhere], nodesInTurn: new Set(['node-1']) })).toEqual(['c StartRace']);
  });

  test.each<[string, ClassroomStatus | undefined]>([
    ['is not written down', undefined],
    ['was another engine’s', statusOf([raced('gone')])],
    ['never was', statusOf([{ ...raced('a'), startedBeside: undefined }])],
  ])('not where it %s', (_, status) => {
    expect(namesOf({ pods: [a], status })).toEqual([]);
  });
});

describe('a broken engine is started anew at once', () => {
  const stalled: WatchedEngine = { ...busy, health: 'Stalled' };
  const silent: WatchedEngine = { ...busy, health: 'Silent', use: { kind: 'unknown', why: 'late' } };
  const unreadyFor = (ms: number) =>
    merged(a, {
      status: {
        conditions: [
          { type: 'Ready', status: 'False', lastTransitionTime: new Date(NOW_MS - ms).toISOString() },
        ],
        containerStatuses: [containerStatus({ started: true, ready: false })],
      },
    });
  const status = statusOf([]);

  test('when it stands still, without waiting for answers that never end', () => {
    const { now } = repairsDue(input({ pods: [a, b], status, watched: new Map([['a', stalled]]) }));
    expect(now).toMatchObject([{ pod: a, cause: 'Stalled', gracePeriodSeconds: 5 }]);
    expect(now[0]?.note).toContain('computed no token');
    // Its pod is gone then, and the log with it.
    expect(now[0]?.note).toContain('see to the GPU of node-1');
  });

  test('when neither its node nor the operator hears of it', () => {
    const watched = new Map([['a', silent]]);
    expect(namesOf({ pods: [unreadyFor(SILENCE_MS)], status, watched })).toEqual(['a Silent']);
  });

  test('not when its node misses it for a moment: the operator may never have reached it', () => {
    const watched = new Map([['a', silent]]);
    expect(repairsDue(input({ pods: [unreadyFor(SILENCE_MS - 5_000)], status, watched }))).toEqual({
      now: [],
      lookAtMs: NOW_MS + 5_000,
    });
  });

  test('not when its node does: then the way to it is broken', () => {
    expect(namesOf({ pods: [a], status, watched: new Map([['a', silent]]) })).toEqual([]);
  });

  test('not while it is being ended', () => {
    const ending = merged(a, { metadata: { deletionTimestamp: '2026-09-01T10:01:00Z' } });
    expect(namesOf({ pods: [ending], status, watched: new Map([['a', stalled]]) })).toEqual([]);
  });

  test('and the one beside it, which lost a race, not at the same time', () => {
    const watched = new Map([
      ['a', stalled],
      ['b', idle],
    ]);
    expect(namesOf({ pods: [a, b], watched })).toEqual(['a Stalled']);
  });

  test('once, also where it lost a race', () => {
    expect(namesOf({ pods: [a], watched: new Map([['a', stalled]]) })).toEqual(['a Stalled']);
  });
});

describe('whatever engines do', () => {
  const anyEngine = fc.record({
    node: fc.constantFrom('node-1', 'node-2'),
    kvCacheTokens: fc.constantFrom(TOO_SMALL, 273_616, 389_952),
    startedBeside: fc.constantFrom('other', undefined),
    quietMs: fc.constantFrom(undefined, 0, IDLE_MS),
    ready: fc.constantFrom('09:01:00', undefined),
  });

  test('no engine at work is restarted but one with too small a KV cache, and never two of a node', () => {
    fc.assert(
      fc.property(fc.array(anyEngine, { maxLength: 6 }), (engines) => {
        const pods = engines.map(({ node, ready }, index) => sharingPod(`e${index}`, { node, ready }));
        const watched = new Map(
          engines.map(({ quietMs }, index) => [
            `e${index}`,
            quietMs === undefined ? busy : quietFor(quietMs),
          ]),
        );
        const status = statusOf(
          engines.map(({ kvCacheTokens, startedBeside }, index) => ({
            ...raced(`e${index}`, kvCacheTokens),
            startedBeside,
          })),
        );
        const { now } = repairsDue(input({ pods, watched, status }));
        const nodes = now.map(({ pod }) => pod.spec?.nodeName);
        expect(new Set(nodes).size).toBe(nodes.length);
        for (const { pod } of now) {
          const engine = engines[pods.indexOf(pod)];
          expect(engine?.startedBeside).toBe('other');
          expect(engine?.quietMs === IDLE_MS || engine?.kvCacheTokens === TOO_SMALL).toBe(true);
        }
      }),
    );
  });
});
