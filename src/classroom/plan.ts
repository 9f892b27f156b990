import type { Classroom, ClassroomSpec } from '../api/classroom.ts';
import { describeIssues, type FieldIssue } from '../api/issue.ts';
import { parseClassroom } from '../api/parse.ts';
import { CLASSROOM_REASONS } from '../api/reasons.ts';
import type { StudentQuota } from '../api/student-quota.ts';
import { recordsOf } from '../gpu/node-preparation/record.ts';
import { type KubeObject, keyOf, type Resource } from '../kube/object.ts';
import {
  deployments,
  networkPolicies,
  persistentVolumeClaims,
  podDisruptionBudgets,
  serviceAccounts,
  services,
} from '../kube/resources.ts';
import type { OperatorSettings } from '../reconcile/settings.ts';
import { timetableInputOf } from '../timetable/open-until.ts';
import { openingOf } from '../timetable/opening.ts';
import { isTimeZone } from '../timetable/time-zone.ts';
import { engineDeployment } from './children/deployment.ts';
import { modelCacheClaim } from './children/model-cache.ts';
import { engineNetworkPolicy } from './children/network-policy.ts';
import { outgoingPorts } from './children/outgoing-ports.ts';
import { enginePodDisruptionBudget } from './children/pod-disruption-budget.ts';
import { engineService } from './children/service.ts';
import { engineServiceAccount } from './children/service-account.ts';
import { earliestAfter } from './earliest.ts';
import { deniedArguments } from './extra-args.ts';
import { isHeld, retryAtMs, stepsFor } from './failures/record.ts';
import { specHash } from './failures/spec-hash.ts';
import type { ObservedChild, ObservedClass } from './observe.ts';
import { ownershipOf } from './ownership.ts';
import { type PlannedRollout, planRollout } from './rollout/plan-rollout.ts';
import { type ClassHours, classHours } from './scaling/class-scaling.ts';

/** One object as it should be. */
export interface ChildIntent {
  resource: Resource<KubeObject>;
  object: KubeObject;
}

/** The spec makes sense: what there should be. */
export interface WantedPlan extends PlannedRollout {
  kind: 'wanted';
  spec: ClassroomSpec;
  /** Students who may work now. */
  activeSeats: number;
  /** When the class is open, and its engines up. */
  hours: ClassHours;
  /** Stands for what the spec says of model, GPU and engines. */
  specHash: string;
  /** Whether engines that fail again and again are kept from starting: then there are none for now. */
  held: boolean;
  /** What the engines stand on; applied first. */
  foundations: ChildIntent[];
  /** One that starts engines is applied only when all foundations are there: none runs without its network policy. */
  deployment: ChildIntent | undefined;
  delete: ObservedChild[];
  /** When time alone changes the plan (epoch ms): a seat or a session ends, or engines count as idle. */
  nextLookAtMs: number | undefined;
}

/** The spec cannot be acted on; everything stays as it is. */
export interface WithheldPlan {
  kind: 'withheld';
  reason: 'ArgumentDenied' | 'SpecUnreadable' | 'TimeZoneUnknown';
  /** What, why, what next. */
  message: string;
  /** When the class opens or closes meanwhile (epoch ms). */
  nextLookAtMs: number | undefined;
}

export type Plan = WantedPlan | WithheldPlan;

type PlanSettings = Pick<
  OperatorSettings,
  'gatewayPeer' | 'operatorPeer' | 'prometheusPeer' | 'rolloutIdleMs'
>;

/** What a class needs, from what is there and the time. Pure. */
export function plan(observed: ObservedClass, settings: PlanSettings, nowMs: number): Plan {
  const parsed = parseClassroom(observed.classroom);
  if (!parsed.ok) return unreadable(parsed.issues);
  const { classroom } = parsed;
  const { spec } = classroom;
  const refusal = refusalOf(spec);
  if (refusal !== undefined) {
    const { validUntilMs } = openingOf(timetableInputOf(classroom), nowMs);
    return { kind: 'withheld', ...refusal, nextLookAtMs: validUntilMs };
  }

  const failures = failureState(observed.classroom, spec, nowMs);
  const activeSeats = observed.seats.filter((seat) => isActive(seat, nowMs)).length;
  const { steps } = failures;
  const hours = classHours(classroom, nowMs);
  const planned = planRollout({
    observed,
    classroom,
    activeSeats,
    steps,
    nowMs,
    idleMs: settings.rolloutIdleMs,
    hours,
  });
  const { engines, rollout, pause } = planned;
  // Those of the engines in force: while a change waits, the ones that run keep their way out.
  const ports = outgoingPorts(engines?.rolledOut.template);
  const modelCache = modelCacheClaim(classroom, spec, observed.modelCache);
  const foundations: ChildIntent[] = [
    { resource: serviceAccounts, object: engineServiceAccount(classroom) },
    ...(modelCache === undefined ? [] : [{ resource: persistentVolumeClaims, object: modelCache }]),
    { resource: networkPolicies, object: engineNetworkPolicy(classroom, settings, ports) },
    { resource: services, object: engineService(classroom) },
    { resource: podDisruptionBudgets, object: enginePodDisruptionBudget(classroom, isGivingWay(observed)) },
  ];
  const deployment = engines && {
    resource: deployments,
    object: engineDeployment(classroom, engines.rolledOut, {
      replicas: failures.held ? 0 : engines.replicas,
      isPaused: pause.isPaused,
    }),
  };
  return {
    kind: 'wanted',
    spec,
    activeSeats,
    hours,
    ...planned,
    specHash: failures.specHash,
    held: failures.held,
    foundations,
    deployment,
    delete: unwanted(observed, [...foundations, ...(deployment === undefined ? [] : [deployment])]),
    nextLookAtMs: earliestAfter(nowMs, [
      nextExpiryMs(observed.seats, nowMs),
      rollout.kind === 'wait' ? rollout.lookAtMs : undefined,
      pause.lookAtMs,
      failures.retryAtMs,
      hours.opening.validUntilMs,
      hours.engines.nextChangeMs,
      hours.engines.nextWarmUpMs,
      engines?.scaling.lookAtMs,
    ]),
  };
}

/** What follows from the failures that the status tells of; a step or a hold is recorded before it is acted on. */
function failureState(classroom: Classroom, spec: ClassroomSpec, nowMs: number) {
  const record = classroom.status?.failures;
  const hash = specHash(classroom, spec);
  const held = isHeld(record, { specHash: hash, nowMs });
  return {
    specHash: hash,
    held,
    steps: stepsFor(record, hash),
    retryAtMs: held ? retryAtMs(record) : undefined,
  };
}

/** Whether a node is being emptied of engines of this class, to be prepared for it. */
function isGivingWay({ classroom, gpus }: ObservedClass): boolean {
  if (gpus.kind === 'Unknown') return false;
  const key = keyOf(classroom.metadata);
  return recordsOf(gpus.nodes).some(({ record }) => record.class === key && record.step === 'Draining');
}

/** Whether a student may work now. */
export function isActive(seat: StudentQuota, nowMs: number): boolean {
  const { access, expiresAt } = seat.spec;
  // A seat that an older CRD let in may have null here, which is no end.
  return access !== 'Suspended' && !(Date.parse(expiresAt ?? '') <= nowMs);
}

function nextExpiryMs(seats: readonly StudentQuota[], nowMs: number): number | undefined {
  return earliestAfter(
    nowMs,
    seats.map((seat) => Date.parse(seat.spec.expiresAt ?? '')),
  );
}

/**
 * Objects that this class controls and no longer wants. Claims stay: they hold what took hours to download. Engines
 * stay too: the only Deployment that is not wanted is one of another name.
 */
function unwanted(observed: ObservedClass, wanted: readonly ChildIntent[]): ObservedChild[] {
  const names = new Set(wanted.map((intent) => `${intent.object.kind}/${intent.object.metadata.name}`));
  return observed.children.filter(
    ({ object }) =>
      object.kind !== 'PersistentVolumeClaim' &&
      !(object.kind === 'Deployment' && object.metadata.name === observed.deployment?.metadata.name) &&
      object.metadata.deletionTimestamp === undefined &&
      ownershipOf(observed.classroom, object) === 'ours' &&
      !names.has(`${object.kind}/${object.metadata.name}`),
  );
}

type Refusal = Pick<WithheldPlan, 'reason' | 'message'>;

/** Why a spec that follows the schema cannot be acted on all the same. */
function refusalOf({ engine, schedule }: ClassroomSpec): Refusal | undefined {
  const denied = deniedArguments(engine.extraArgs);
  if (denied.length > 0) return argumentsDenied(denied);
  if (schedule !== undefined && !isTimeZone(schedule.timeZone)) return timeZoneUnknown(schedule.timeZone);
  return undefined;
}

function argumentsDenied(denied: ReturnType<typeof deniedArguments>): Refusal {
  const list = denied.map(({ argument, why }) => `'${argument}' (${why})`).join(', ');
  return {
    reason: CLASSROOM_REASONS.argumentDenied,
    message: `\`engine.extraArgs\` holds arguments that are not passed on: ${list}. Remove them; for most there is a field of the Classroom. Until then the engines stay as they are.`,
  };
}

function timeZoneUnknown(timeZone: string): Refusal {
  return {
    reason: CLASSROOM_REASONS.timeZoneUnknown,
    message: `\`schedule.timeZone\` is no time zone that this version knows: '${timeZone}'. Write a name of the IANA database, such as Europe/Berlin. Until then the engines stay as they are, and the class opens and closes by UTC.`,
  };
}

function unreadable(issues: readonly FieldIssue[]): WithheldPlan {
  return {
    kind: 'withheld',
    nextLookAtMs: undefined,
    reason: CLASSROOM_REASONS.specUnreadable,
    message: `The object does not follow the schema of this version: ${describeIssues(issues)}. Correct it, or install the CRDs that belong to this operator. Until then the engines stay as they are.`,
  };
}
