import { describe, expect, test } from '@jest/globals';
import { instanceOf } from '../../../../src/classroom/engine-container.ts';
import { createEngineBoard, type WatchedEngine } from '../../../../src/classroom/engine-watch/board.ts';
import { createEngineRestarts, type EngineRestarts } from '../../../../src/classroom/engine-watch/restart.ts';
import type { DeleteOptions, KubeClient } from '../../../../src/kube/client.ts';
import { KubeApiError } from '../../../../src/kube/errors.ts';
import type { ObjectRef } from '../../../../src/kube/object.ts';
import type { Pod } from '../../../../src/kube/resources.ts';
import { classroom } from '../../../support/builders.ts';
import { observedClass } from '../../../support/classroom.ts';
import { createFakeClock, type FakeClock } from '../../../support/fake-clock.ts';
import { sharingPod } from './engines.ts';

const KEY = 'python-101/python-101';
const stalled: WatchedEngine = { health: 'Stalled', kvCacheTokens: 1, use: { kind: 'busy', requests: 1 } };
const idle: WatchedEngine = { health: 'Well', kvCacheTokens: 1000, use: { kind: 'quiet', sinceMs: 0 } };

interface World {
  restarts: EngineRestarts;
  clock: FakeClock;
  deleted: { name: string; options: DeleteOptions }[];
  events: string[];
  carryOut(pods: readonly Pod[], watched: Record<string, WatchedEngine>): Promise<number | undefined>;
}

function world(deleteAnswer: boolean | Error | Promise<boolean> = true, { idleMs = 300_000 } = {}): World {
  const clock = createFakeClock();
  const engineBoard = createEngineBoard();
  const deleted: World['deleted'] = [];
  const events: string[] = [];
  const restarts = createEngineRestarts({
    client: clientThat((ref, options) => {
      if (deleteAnswer instanceof Error) throw deleteAnswer;
      deleted.push({ name: ref.name, options });
      return deleteAnswer;
    }),
    events: { record: (_, { type, reason, note }) => events.push(`${type} ${reason}: ${note}`) },
    metrics: { objectWritten: () => {}, nameConflict: () => {}, keyIssued: () => {} },
    engineBoard,
    clock,
  });
  return {
    restarts,
    clock,
    deleted,
    events,
    carryOut(pods, watched) {
      engineBoard.put(KEY, new Map(pods.flatMap((pod) => boardEntry(pod, watched))));
      const engines = pods.map(({ metadata: { name } }) => ({
        name,
        state: 'Ready' as const,
        kvCacheTokens: 1000,
        startedBeside: 'other',
      }));
      const status = { engines, largestKvCache: { commandHash: 'x', tokens: 1500 } };
      const observed = observedClass({
        classroom: classroom({ status }),
        pods,
        enginePods: pods,
        watched: new Map(Object.entries(watched)),
      });
      return restarts.carryOut(observed, { idleMs, nowMs: clock.now() }, new AbortController().signal);
    },
  };
}

function boardEntry(pod: Pod, watched: Record<string, WatchedEngine>): [string, WatchedEngine][] {
  const engine = watched[pod.metadata.name];
  return engine === undefined ? [] : [[instanceOf(pod), engine]];
}

function clientThat(
  remove: (ref: ObjectRef, options: DeleteOptions) => boolean | Promise<boolean>,
): Pick<KubeClient, 'delete'> {
  return { delete: async (_, ref, options = {}) => remove(ref, options) };
}

const [a, b] = [sharingPod('a'), sharingPod('b')];

describe('an engine is started anew', () => {
  test('by deleting this very pod, with an event that says why', async () => {
    const { carryOut, deleted, events } = world();
    await carryOut([a], { a: stalled });
    expect(deleted).toMatchObject([{ name: 'a', options: { uid: 'uid-of-a', gracePeriodSeconds: 5 } }]);
    expect(events).toEqual([expect.stringMatching(/^Warning EngineRestarted: Engine a has had requests/)]);
  });

  test('in an exam only where it does not work: one that lost a race waits, however quiet it is', async () => {
    const { carryOut, deleted } = world(true, { idleMs: Number.POSITIVE_INFINITY });
    expect(await carryOut([a], { a: idle })).toBeUndefined();
    expect(deleted).toEqual([]);
    await carryOut([a], { a: stalled });
    expect(deleted).toHaveLength(1);
  });

  test('once, though the caches still show it', async () => {
    const { carryOut, deleted, events } = world();
    await carryOut([a], { a: stalled });
    await carryOut([a], { a: stalled });
    expect(deleted).toHaveLength(1);
    expect(events).toHaveLength(1);
  });

  test('and its neighbour on the node not before the caches show it', async () => {
    const { carryOut, deleted, clock } = world();
    await carryOut([a, b], { a: idle, b: idle });
    await carryOut([b], { b: idle });
    expect(deleted.map(({ name }) => name)).toEqual(['a']);
    await clock.advance(30_000);
    await carryOut([b], { b: idle });
    expect(deleted.map(({ name }) => name)).toEqual(['a', 'b']);
  });

  test('and its neighbour on the node not while the API server is being asked', async () => {
    const answer = Promise.withResolvers<boolean>();
    const { carryOut, deleted } = world(answer.promise);
    const first = carryOut([a, b], { a: idle, b: idle });
    await carryOut([b], { b: idle });
    answer.resolve(true);
    await first;
    expect(deleted.map(({ name }) => name)).toEqual(['a']);
  });

  test('without an event where somebody else was faster', async () => {
    const { carryOut, events } = world(false);
    await carryOut([a], { a: stalled });
    expect(events).toEqual([]);
  });

  test('again where the API server did not do it', async () => {
    const { carryOut } = world(
      new KubeApiError({ status: 500, reason: 'InternalError', message: 'because' }),
    );
    await expect(carryOut([a], { a: stalled })).rejects.toThrow('because');
  });

  test('when it has become idle, and the class is looked at then', async () => {
    const { carryOut, clock, deleted } = world();
    const quiet: WatchedEngine = { ...idle, use: { kind: 'quiet', sinceMs: clock.now() } };
    expect(await carryOut([a], { a: quiet })).toBe(clock.now() + 300_000);
    expect(deleted).toEqual([]);
  });

  test('not a pod that somebody else made, whatever its labels say', async () => {
    const { carryOut, deleted } = world();
    const { ownerReferences: _, ...metadata } = a.metadata;
    await carryOut([{ ...a, metadata }], { a: stalled });
    expect(deleted).toEqual([]);
  });

  test('nothing is done where all is well', async () => {
    const { carryOut, deleted } = world();
    expect(
      await carryOut([sharingPod('a', { shares: false })], {
        a: { ...idle, use: { kind: 'busy', requests: 1 } },
      }),
    ).toBeUndefined();
    expect(deleted).toEqual([]);
  });
});
