import type { Classroom, ClassroomSpec } from '../api/classroom.ts';
import { parseClassroom } from '../api/parse.ts';
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
import { engineDeployment } from './children/deployment.ts';
import { modelCacheClaim } from './children/model-cache.ts';
import { engineNetworkPolicy } from './children/network-policy.ts';
import { outgoingPorts } from './children/outgoing-ports.ts';
import { enginePodDisruptionBudget } from './children/pod-disruption-budget.ts';
import { engineService } from './children/service.ts';
import { engineServiceAccount } from './children/service-account.ts';
import { earliestAfter } from './earliest.ts';
import { isHeld, retryAtMs, stepsFor } from './failures/record.ts';
import { specHash } from './failures/spec-hash.ts';
import type { ObservedChild, ObservedClass } from './observe.ts';
import { ownershipOf } from './ownership.ts';
import { type Refusal, refusalOf, unreadable } from './refusal.ts';
import { type PlannedRollout, planRollout } from './rollout/plan-rollout.ts';
import { rolledOutOf } from './rollout/rolled-out.ts';
import { type ClassHours, classHours } from './scaling/class-scaling.ts';

/** One object as it should be. */
export interface ChildIntent {
  resource: Resource<KubeObject>;
  object: KubeObject;
}

/** What there should be: as the spec says, or with the engines of before where it is refused (`rollout`). */
export interface WantedPlan extends PlannedRollout {
  kind: 'wanted';
  spec: ClassroomSpec;
  /** Students who may work now. */
  activeSeats: number;
  /** When the class is open, and its engines up. */
  hours: ClassHours;
  /** Stands for what the spec says of model, GPU and engines; of one that is refused, for what the last one said. */
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

/** The spec cannot be acted on, nor is there anything to go on with; everything stays as it is. */
export interface WithheldPlan {
  kind: 'withheld';
  refusal: Refusal;
  /** When the class opens or closes meanwhile (epoch ms). */
  nextLookAtMs: number | undefined;
}

export type Plan = WantedPlan | WithheldPlan;

/** Why the spec of a class cannot be acted on; undefined: it can. */
export function refusalIn(plan: Plan): Refusal | undefined {
  if (plan.kind === 'withheld') return plan.refusal;
  return plan.rollout.kind === 'refused' ? plan.rollout.refusal : undefined;
}

type PlanSettings = Pick<
  OperatorSettings,
  'gatewayPeer' | 'operatorPeer' | 'prometheusPeer' | 'rolloutIdleMs'
>;

/** What a class needs, from what is there and the time. Pure. */
export function plan(observed: ObservedClass, settings: PlanSettings, nowMs: number): Plan {
  const parsed = parseClassroom(observed.classroom);
  if (!parsed.ok) return { kind: 'withheld', refusal: unreadable(parsed.issues), nextLookAtMs: undefined };
  const { classroom } = parsed;
  const { spec } = classroom;
  const refusal = refusalOf(spec);
  if (refusal !== undefined && !goesOn(refusal, classroom, observed)) {
    const { validUntilMs } = openingOf(timetableInputOf(classroom), nowMs);
    return { kind: 'withheld', refusal, nextLookAtMs: validUntilMs };
  }

  const failures = failureState(observed.classroom, spec, { isRefused: refusal !== undefined, nowMs });
  const activeSeats = observed.seats.filter((seat) => isActive(seat, nowMs)).length;
  const { steps } = failures;
  const hours = classHours(classroom, nowMs);
  const planned = planRollout({
    observed,
    classroom,
    refusal,
    activeSeats,
    steps,
    nowMs,
    idleMs: settings.rolloutIdleMs,
    hours,
  });
  const { engines, rollout, pause } = planned;
  const foundations = foundationsOf(observed, classroom, planned, settings);
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

/**
 * Whether engines that were rolled out before go on by the timetable: those of a class that meets once a week must not
 * keep their GPUs, nor be missing at the next session, because a person has mistyped an argument.
 */
function goesOn({ reason }: Refusal, classroom: Classroom, { deployment }: ObservedClass): boolean {
  return reason === 'ArgumentDenied' && rolledOutOf(classroom, deployment) !== undefined;
}

/** What the engines in force stand on: while a change waits, the ones that run keep their way out. */
function foundationsOf(
  observed: ObservedClass,
  classroom: Classroom,
  { engines }: PlannedRollout,
  settings: PlanSettings,
): ChildIntent[] {
  const ports = outgoingPorts(engines?.rolledOut.template);
  const modelCache = modelCacheClaim(classroom, classroom.spec, observed.modelCache);
  return [
    { resource: serviceAccounts, object: engineServiceAccount(classroom) },
    ...(modelCache === undefined ? [] : [{ resource: persistentVolumeClaims, object: modelCache }]),
    { resource: networkPolicies, object: engineNetworkPolicy(classroom, settings, ports) },
    { resource: services, object: engineService(classroom) },
    { resource: podDisruptionBudgets, object: enginePodDisruptionBudget(classroom, isGivingWay(observed)) },
  ];
}

/**
 * What follows from the failures that the status tells of; a step or a hold is recorded before it is acted on. Engines
 * that go on while the spec is refused are those that the record is about.
 */
function failureState(
  classroom: Classroom,
  spec: ClassroomSpec,
  { isRefused, nowMs }: { isRefused: boolean; nowMs: number },
) {
  const record = classroom.status?.failures;
  const hash = (isRefused ? record?.specHash : undefined) ?? specHash(classroom, spec);
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
