import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ClassroomStatus, EngineStatus } from '../../../../src/api/classroom.ts';
import { measurementReport } from '../../../../src/classroom/engine-watch/as-planned.ts';
import type { WatchedEngine } from '../../../../src/classroom/engine-watch/board.ts';
import { repairsDue } from '../../../../src/classroom/engine-watch/repairs.ts';
import type { Pod } from '../../../../src/kube/resources.ts';
import { sharingPod } from './engines.ts';

const WHOLE = 1000;
const LOAD_MINUTES = 2;
const PLAN = {
  maxModelLen: 10,
  maxNumSeqs: 8,
  maxNumBatchedTokens: 10,
  gpuMemoryUtilizationPercent: 20,
  kvCacheTokens: WHOLE,
  resourceName: 'nvidia.com/gpu.shared',
  basis: '',
};

interface PlayedEngine {
  name: string;
  /** Minutes of the day. */
  startedAt: number;
}

const clockTime = (minute: number): string =>
  `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}:00`;

const podOf = ({ name, startedAt }: PlayedEngine): Pod =>
  sharingPod(name, { started: clockTime(startedAt), ready: clockTime(startedAt + LOAD_MINUTES) });

/** What an engine measured: every other one that started within its start costs it a third. */
function tokensOf(engine: PlayedEngine, engines: readonly PlayedEngine[]): number {
  const beside = engines.filter(
    (other) => other !== engine && Math.abs(other.startedAt - engine.startedAt) < LOAD_MINUTES,
  );
  return Math.max(100, WHOLE - 330 * beside.length);
}

/** Looks, writes the status, and starts anew what is due, until nothing is; every engine is idle. */
function live(engines: PlayedEngine[], isForgetful: (round: number) => boolean) {
  const measured = new Map(engines.map((engine) => [engine.name, tokensOf(engine, engines)]));
  let status: ClassroomStatus = { plan: PLAN };
  let running = engines;
  let restarts = 0;
  let minute = 20 * 60;
  for (let round = 0; round < 100; round++) {
    const nowMs = Date.parse(`2026-09-01T${clockTime(minute)}Z`);
    const pods = running.map(podOf);
    // An operator that begins anew has heard nothing yet.
    const watched = new Map<string, WatchedEngine>(
      isForgetful(round)
        ? []
        : [...measured].map(([name, kvCacheTokens]) => [
            name,
            { health: 'Well', kvCacheTokens, use: { kind: 'quiet', sinceMs: 0 } },
          ]),
    );
    const { repairs, next } = pass({ pods, watched, status, nowMs });
    const settled = JSON.stringify(next) === JSON.stringify(status) && repairs.length === 0;
    if (settled && watched.size > 0) return { restarts, rounds: round, status, measured };
    status = next;
    for (const { pod } of repairs) {
      restarts += 1;
      minute += LOAD_MINUTES + 1;
      measured.delete(pod.metadata.name);
      const renewed = { name: `${pod.metadata.name}x`, startedAt: minute - LOAD_MINUTES };
      running = [...running.filter(({ name }) => name !== pod.metadata.name), renewed];
      measured.set(renewed.name, WHOLE);
    }
  }
  throw new Error('it never settles');
}

interface PassInput {
  pods: readonly Pod[];
  watched: ReadonlyMap<string, WatchedEngine>;
  status: ClassroomStatus;
  nowMs: number;
}

/** As the controller does: what is due follows from the status before, and the new one is written first. */
function pass({ pods, watched, status, nowMs }: PassInput) {
  const engines = pods.map(
    ({ metadata: { name } }): EngineStatus => ({ name, state: 'Ready', node: 'node-1' }),
  );
  const template = { spec: sharingPod('any').spec };
  const report = measurementReport({
    engines,
    pods,
    enginePods: pods,
    watched,
    plan: PLAN,
    template,
    previous: status,
    nowMs,
  });
  const { now } = repairsDue({
    pods,
    enginePods: pods,
    watched,
    isMeasured: ({ metadata }) => watched.get(metadata.name)?.kvCacheTokens !== undefined,
    status,
    nodesInTurn: new Set(),
    idleMs: 1,
    nowMs,
  });
  const next: ClassroomStatus = {
    plan: PLAN,
    engines: report.engines,
    largestKvCache: report.largestKvCache,
  };
  return { repairs: now, next };
}

describe('engines of one GPU that started in any order', () => {
  const starts = fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 6 });

  test('end with all their KV cache, each that lost started anew once, however often the operator begins anew', () => {
    fc.assert(
      fc.property(starts, fc.array(fc.boolean(), { maxLength: 100 }), (minutes, forgets) => {
        const engines = minutes.map((minute, index) => ({ name: `e${index}`, startedAt: 540 + minute }));
        const lost = engines.filter((engine) => tokensOf(engine, engines) < WHOLE * 0.8).length;
        const { restarts, status, measured } = live(engines, (round) => forgets[round] === true);
        expect(restarts).toBe(lost);
        expect([...measured.values()]).toEqual(minutes.map(() => WHOLE));
        expect(status.engines?.some(({ startedBeside }) => startedBeside !== undefined)).toBe(false);
      }),
    );
  });
});
