import { isDeepStrictEqual } from 'node:util';
import { type Classroom, type ClassroomStatus, classrooms } from '../api/classroom.ts';
import { findCondition } from '../api/condition.ts';
import { CLASSROOM_CONDITIONS } from '../api/reasons.ts';
import { boostEndMs } from '../boost/condition.ts';
import { KubeApiError } from '../kube/errors.ts';
import { apiVersionOf, type KubeObject, keyOf, refOfKey } from '../kube/object.ts';
import type { OperatorController, ReconcilePass } from '../reconcile/controller.ts';
import { STATUS_FIELD_MANAGER } from '../reconcile/field-managers.ts';
import { type ApplyOutcome, apply } from './apply.ts';
import { connect } from './connect.ts';
import type { ClassroomDependencies } from './dependencies.ts';
import { shortenEndsOfLoading } from './engine-watch/loading-ends.ts';
import { createEngineRestarts } from './engine-watch/restart.ts';
import { type ObservedClass, observe } from './observe.ts';
import { type Plan, plan, refusalIn, type WantedPlan } from './plan.ts';
import { createGivenTurns } from './rollout/give-turns.ts';
import { createClockWarnings } from './scaling/clock-warnings.ts';
import { preferIdleToGo } from './scaling/deletion-cost.ts';
import { removeLeftLeases } from './scaling/left-leases.ts';
import type { NeedHistory } from './scaling/need-history.ts';
import { status } from './status.ts';
import { transitions } from './transitions.ts';
import { createWrittenStatus } from './written-status.ts';

/** A foreign object of a name we need is in no cache: only looking again shows that it is gone. */
const PROBLEM_RETRY_MS = 10_000;

/**
 * Turns Classrooms into engines: observe → plan → apply → status. Killed between any two writes it converges when run
 * again; where everything is as wanted it writes nothing.
 */
export function createClassroomController(dependencies: ClassroomDependencies): OperatorController {
  const { informers, clock, settings, events } = dependencies;
  const written = createWrittenStatus();
  /** Of each class how many engines it needed of late. An operator that begins anew counts what runs as needed. */
  const needs = new Map<string, NeedHistory>();
  const turns = createGivenTurns(dependencies);
  const restarts = createEngineRestarts(dependencies);
  const clocks = createClockWarnings(dependencies);

  return {
    name: 'classroom',
    connect: (enqueue) => connect(informers, dependencies, enqueue),
    keys: () => informers.classrooms.list(settings.watchNamespace).map(({ metadata }) => keyOf(metadata)),
    async reconcile(key, signal) {
      const seen = observe(refOfKey(key), informers, dependencies, needs.get(key));
      if (seen === undefined) {
        written.forget(key);
        needs.delete(key);
        clocks.forget(key);
        return {};
      }
      const observed = { ...seen, classroom: written.current(seen.classroom) };
      const nowMs = clock.now();
      clocks.tell(key, observed.classroom, observed.demandLeases, nowMs);
      const planned = plan(observed, settings, nowMs);
      const outcome =
        planned.kind === 'wanted' ? await carryOut(planned, observed, dependencies, signal) : undefined;
      if (planned.kind === 'wanted' && planned.engines !== undefined) {
        needs.set(key, planned.engines.scaling.history);
      }
      // No engine starts before all that it stands on is there.
      const isBlocked = outcome !== undefined && outcome.problems.length > 0;
      const turnAtMs = isBlocked ? undefined : await turns.carryOut(observed.classroom, signal);
      const next = status({ observed, plan: planned, outcome, settings, nowMs });
      await writeStatus(dependencies, observed.classroom, next, signal);
      written.remember(seen.classroom, next);
      for (const event of transitions(observed.classroom.status, next, outcome, planned)) {
        events.record(observed.classroom, event);
      }
      await shortenEndsOfLoading(observed, dependencies, signal);
      const idleMs = isInExam(planned) ? Number.POSITIVE_INFINITY : settings.rolloutIdleMs;
      const repairAtMs = await restarts.carryOut(observed, { idleMs, nowMs }, signal);
      const leaseAtMs = await removeLeftLeases(observed, dependencies, nowMs, signal);
      const boostAtMs = boostEndMs(observed.classroom.spec.boost, nowMs);
      return passOf(planned, outcome, next, nowMs, [turnAtMs, repairAtMs, leaseAtMs, boostAtMs]);
    },
  };
}

/** Then no engine is started anew that works, however quiet it is. */
function isInExam(planned: Plan): boolean {
  return planned.kind === 'wanted' && planned.leave.kind === 'NotYet' && planned.leave.awaited === 'ExamEnd';
}

/** Which engines are to go is said before fewer are asked for. */
async function carryOut(
  planned: WantedPlan,
  observed: ObservedClass,
  dependencies: ClassroomDependencies,
  signal: AbortSignal,
): Promise<ApplyOutcome> {
  await preferIdleToGo(observed, planned.engines?.replicas ?? 0, dependencies, signal);
  return apply(planned, observed.classroom, dependencies, signal);
}

async function writeStatus(
  { client, metrics }: ClassroomDependencies,
  classroom: Classroom,
  next: ClassroomStatus,
  signal: AbortSignal,
): Promise<void> {
  if (isDeepStrictEqual(ownStatus(classroom), next)) return;
  const { name, namespace } = classroom.metadata;
  const metadata = namespace === undefined ? { name } : { name, namespace };
  const object: KubeObject & { status: ClassroomStatus } = {
    apiVersion: apiVersionOf(classrooms),
    kind: classrooms.kind,
    metadata,
    status: next,
  };
  try {
    await client.apply<KubeObject>(classrooms, object, {
      signal,
      subresource: 'status',
      fieldManager: STATUS_FIELD_MANAGER,
    });
  } catch (error) {
    // Deleted a moment ago: there is nothing left to report on, and its objects go with it.
    if (error instanceof KubeApiError && error.isNotFound) return;
    throw error;
  }
  metrics.objectWritten({ kind: classrooms.kind, verb: 'status' });
}

/** The part of the status that this controller writes; the key of the report is another's. */
function ownStatus({ status }: Classroom): ClassroomStatus | undefined {
  if (status === undefined) return undefined;
  const { reportKey: _, ...own } = status;
  return own;
}

function passOf(
  planned: Plan,
  outcome: ApplyOutcome | undefined,
  next: ClassroomStatus,
  nowMs: number,
  looksAtMs: readonly (number | undefined)[],
): ReconcilePass {
  const looks = [planned.nextLookAtMs, ...looksAtMs].filter((atMs) => atMs !== undefined);
  const later = looks.length === 0 ? {} : { requeueAfterMs: Math.min(...looks) - nowMs };
  if (planned.kind === 'withheld') return { ...later, blocked: planned.refusal.message };
  if (outcome !== undefined && outcome.problems.length > 0) {
    const blocked = findCondition(next.conditions, CLASSROOM_CONDITIONS.childrenApplied)?.message ?? '';
    return { blocked, requeueAfterMs: PROBLEM_RETRY_MS };
  }
  const says = (type: string) => findCondition(next.conditions, type)?.message ?? '';
  if (planned.held) return { ...later, blocked: says(CLASSROOM_CONDITIONS.enginesReady) };
  const refusal = refusalIn(planned);
  if (refusal !== undefined) return { ...later, blocked: refusal.message };
  if (planned.planning?.kind === 'unfit') return { ...later, blocked: says(CLASSROOM_CONDITIONS.fits) };
  return later;
}
