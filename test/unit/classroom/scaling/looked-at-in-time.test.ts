import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Classroom, ClassroomSpecInput } from '../../../../src/api/classroom.ts';
import { mergeConditions } from '../../../../src/api/condition.ts';
import { demandLease } from '../../../../src/api/demand.ts';
import type { WatchedEngine } from '../../../../src/classroom/engine-watch/board.ts';
import type { ObservedClass } from '../../../../src/classroom/observe.ts';
import { openingReport } from '../../../../src/classroom/opening/report.ts';
import { plan, type WantedPlan } from '../../../../src/classroom/plan.ts';
import type { Deployment, Lease, Pod } from '../../../../src/kube/resources.ts';
import { classroom, type Partially, studentQuota } from '../../../support/builders.ts';
import { observedClass, readyPod, settings } from '../../../support/classroom.ts';

/** A Tuesday. */
const DAY = '2026-09-01';
const MINUTE_MS = 60_000;
const MORNING_MS = Date.parse(`${DAY}T07:00:00Z`);
const CLASSROOM = { namespace: 'python-101', name: 'python-101', uid: 'uid-1' };
const STUDENTS_PER_REPLICA = 2;

const minutes = (min: number, max: number) => fc.integer({ min, max });
const clock = (minute: number): string =>
  `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;

const sessions = fc
  .tuple(minutes(8 * 60, 13 * 60), minutes(10, 180))
  .map(([start, length]) => ({ days: ['Tue' as const], start: clock(start), end: clock(start + length) }));

const schedules = fc.record({
  sessions: fc.array(sessions, { minLength: 1, maxLength: 3 }),
  warmUpMinutes: fc.constantFrom(0, 15, 240),
  outsideSessions: fc.constantFrom('Closed' as const, 'Open' as const),
});

const specs: fc.Arbitrary<Partially<ClassroomSpecInput>> = fc
  .record({
    access: fc.constantFrom('Open' as const, 'Exam' as const, 'Closed' as const),
    schedule: fc.option(schedules, { nil: undefined }),
    idle: fc.option(fc.record({ scaleToZeroAfterMinutes: minutes(1, 60) }), { nil: undefined }),
  })
  .map((spec) => ({
    ...spec,
    exam: {},
    engine: { replicas: { min: 0, max: 4, studentsPerReplica: STUDENTS_PER_REPLICA } },
  }));

/** What an engine does: it has requests, or has had none for some minutes. */
const uses = fc.record({ requests: fc.constantFrom(0, 0, 1, 5), quietMinutes: minutes(0, 90) });

const worlds = fc.record({
  spec: specs,
  minute: minutes(0, 8 * 60),
  students: minutes(0, 8),
  openedMinutesAgo: minutes(0, 90),
  /** After the morning. */
  openUntilMinutes: fc.option(minutes(0, 600), { nil: undefined }),
  loadSeconds: minutes(0, 1800),
  uses: fc.array(uses, { maxLength: 4 }),
  demand: fc.option(
    fc.record({ agoMinutes: minutes(0, 60), inFlight: minutes(0, 9), queued: minutes(0, 9) }),
    {
      nil: undefined,
    },
  ),
  knowsHistory: fc.boolean(),
});

type World = typeof worlds extends fc.Arbitrary<infer T> ? T : never;

/** The class as its status says it since it opened or closed. */
function classOf({ spec, openUntilMinutes, loadSeconds, openedMinutesAgo }: World, nowMs: number): Classroom {
  const openUntil = new Date(MORNING_MS + (openUntilMinutes ?? 0) * MINUTE_MS).toISOString();
  const own = classroom({
    metadata: {
      ...CLASSROOM,
      ...(openUntilMinutes === undefined
        ? {}
        : { annotations: { 'gpu-classroom.io/open-until': openUntil } }),
    },
    spec,
  });
  const draft = openingReport(own, nowMs).condition;
  const conditions = mergeConditions(undefined, [draft], 1, nowMs - openedMinutesAgo * MINUTE_MS);
  return { ...own, status: { conditions, lastLoadSeconds: loadSeconds } };
}

function watchedEngine({ requests, quietMinutes }: World['uses'][number], nowMs: number): WatchedEngine {
  const use =
    requests > 0
      ? { kind: 'busy' as const, requests }
      : { kind: 'quiet' as const, sinceMs: nowMs - quietMinutes * MINUTE_MS };
  return { health: 'Well', kvCacheTokens: undefined, use };
}

function leasesOf({ demand }: World, nowMs: number): Lease[] {
  if (demand === undefined) return [];
  const { agoMinutes, ...counts } = demand;
  const said = { ...counts, lastAskedMs: nowMs - agoMinutes * MINUTE_MS, trustedSeconds: 150 };
  return [demandLease(CLASSROOM, '0a1b2c3d', 'gateway-0', said)];
}

function observedAt(world: World, nowMs: number): ObservedClass {
  const pods: Pod[] = world.uses.map((_, index) => readyPod(`python-101-engine-${index}`));
  return observedClass({
    classroom: classOf(world, nowMs),
    seats: Array.from({ length: world.students }, (_, id) =>
      studentQuota({ spec: { student: { id: `s${id}` } } }),
    ),
    pods,
    watched: new Map(
      world.uses.map((use, index) => [`python-101-engine-${index}`, watchedEngine(use, nowMs)]),
    ),
    demandLeases: leasesOf(world, nowMs),
  });
}

function planAt(observed: ObservedClass, nowMs: number): WantedPlan {
  const planned = plan(observed, settings(), nowMs);
  if (planned.kind !== 'wanted') throw new Error(planned.refusal.message);
  return planned;
}

/** What was planned, carried out: as the operator finds it at its next look. */
function carriedOut(observed: ObservedClass, planned: WantedPlan, replicas?: number): ObservedClass {
  const made = planned.deployment?.object as Deployment;
  const deployment = { ...made, spec: { ...made.spec, ...(replicas === undefined ? {} : { replicas }) } };
  return { ...observed, deployment: deployment as Deployment, needHistory: planned.engines?.scaling.history };
}

test('property: time alone changes nothing before the moment at which a class is looked at again', () => {
  fc.assert(
    fc.property(
      worlds,
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 2, maxLength: 2 }),
      (world, shares) => {
        const nowMs = MORNING_MS + world.minute * MINUTE_MS;
        const fresh = observedAt(world, nowMs);
        const running = carriedOut(fresh, planAt(fresh, nowMs), world.uses.length);
        const first = planAt(world.knowsHistory ? running : { ...running, needHistory: undefined }, nowMs);
        const settled = carriedOut(fresh, first);
        const { nextLookAtMs = nowMs + 24 * 60 * MINUTE_MS, engines, hours } = planAt(settled, nowMs);
        expect(engines?.replicas).toBe(first.engines?.replicas);
        for (const share of [...shares, 1]) {
          const laterMs = nowMs + Math.floor((nextLookAtMs - 1 - nowMs) * share);
          const later = planAt(settled, laterMs);
          expect([later.engines?.replicas, later.hours.opening.isOpen]).toEqual([
            engines?.replicas,
            hours.opening.isOpen,
          ]);
        }
      },
    ),
    { numRuns: 60 },
  );
});
