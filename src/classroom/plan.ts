import type { ClassroomSpec } from '../api/classroom.ts';
import { describeIssues, type FieldIssue } from '../api/issue.ts';
import { parseClassroom } from '../api/parse.ts';
import { CLASSROOM_REASONS } from '../api/reasons.ts';
import type { StudentQuota } from '../api/student-quota.ts';
import type { KubeObject, Resource } from '../kube/object.ts';
import {
  deployments,
  networkPolicies,
  persistentVolumeClaims,
  podDisruptionBudgets,
  serviceAccounts,
  services,
} from '../kube/resources.ts';
import type { OperatorSettings } from '../reconcile/settings.ts';
import { engineDeployment } from './children/deployment.ts';
import { modelCacheClaim } from './children/model-cache.ts';
import { engineNetworkPolicy } from './children/network-policy.ts';
import { enginePodDisruptionBudget } from './children/pod-disruption-budget.ts';
import { engineService } from './children/service.ts';
import { engineServiceAccount } from './children/service-account.ts';
import { type EngineSettings, engineSettings } from './engine-settings.ts';
import { deniedArguments } from './extra-args.ts';
import type { ObservedChild, ObservedClass } from './observe.ts';
import { ownershipOf } from './ownership.ts';

/** One object as it should be. */
export interface ChildIntent {
  resource: Resource<KubeObject>;
  object: KubeObject;
}

/** The spec makes sense: what there should be. */
export interface WantedPlan {
  kind: 'wanted';
  spec: ClassroomSpec;
  engine: EngineSettings;
  /** What the engines stand on; applied first. */
  foundations: ChildIntent[];
  /** Applied only when all foundations are there: no engine runs without its network policy. */
  deployment: ChildIntent;
  delete: ObservedChild[];
  /** When time alone changes the plan (epoch ms): the next seat that ends. */
  nextLookAtMs: number | undefined;
}

/** The spec cannot be acted on; everything stays as it is. */
export interface WithheldPlan {
  kind: 'withheld';
  reason: 'ArgumentDenied' | 'SpecUnreadable';
  /** What, why, what next. */
  message: string;
}

export type Plan = WantedPlan | WithheldPlan;

/** What a class needs, from what is there and the time. Pure. */
export function plan(
  observed: ObservedClass,
  settings: Pick<OperatorSettings, 'gatewayPeer' | 'operatorPeer' | 'prometheusPeer'>,
  nowMs: number,
): Plan {
  const parsed = parseClassroom(observed.classroom);
  if (!parsed.ok) return unreadable(parsed.issues);
  const { classroom } = parsed;
  const { spec } = classroom;
  const denied = deniedArguments(spec.engine.extraArgs);
  if (denied.length > 0) return argumentsDenied(denied);

  const engine = engineSettings(spec, observed.seats.filter((seat) => isActive(seat, nowMs)).length);
  const modelCache = modelCacheClaim(classroom, spec, observed.modelCache);
  const foundations: ChildIntent[] = [
    { resource: serviceAccounts, object: engineServiceAccount(classroom) },
    ...(modelCache === undefined ? [] : [{ resource: persistentVolumeClaims, object: modelCache }]),
    { resource: networkPolicies, object: engineNetworkPolicy(classroom, settings) },
    { resource: services, object: engineService(classroom) },
    { resource: podDisruptionBudgets, object: enginePodDisruptionBudget(classroom) },
  ];
  const deployment = { resource: deployments, object: engineDeployment(classroom, spec, engine) };
  return {
    kind: 'wanted',
    spec,
    engine,
    foundations,
    deployment,
    delete: unwanted(observed, [...foundations, deployment]),
    nextLookAtMs: nextExpiryMs(observed.seats, nowMs),
  };
}

/** Whether a student may work now. */
export function isActive(seat: StudentQuota, nowMs: number): boolean {
  const { access, expiresAt } = seat.spec;
  // A seat that an older CRD let in may have null here, which is no end.
  return access !== 'Suspended' && !(Date.parse(expiresAt ?? '') <= nowMs);
}

function nextExpiryMs(seats: readonly StudentQuota[], nowMs: number): number | undefined {
  const expiries = seats
    .map((seat) => Date.parse(seat.spec.expiresAt ?? ''))
    .filter((expiryMs) => expiryMs > nowMs);
  return expiries.length === 0 ? undefined : Math.min(...expiries);
}

/** Objects that this class controls and no longer wants. Claims stay: they hold what took hours to download. */
function unwanted(observed: ObservedClass, wanted: readonly ChildIntent[]): ObservedChild[] {
  const names = new Set(wanted.map((intent) => `${intent.object.kind}/${intent.object.metadata.name}`));
  return observed.children.filter(
    ({ object }) =>
      object.kind !== 'PersistentVolumeClaim' &&
      object.metadata.deletionTimestamp === undefined &&
      ownershipOf(observed.classroom, object) === 'ours' &&
      !names.has(`${object.kind}/${object.metadata.name}`),
  );
}

function argumentsDenied(denied: ReturnType<typeof deniedArguments>): WithheldPlan {
  const list = denied.map(({ argument, why }) => `'${argument}' (${why})`).join(', ');
  return {
    kind: 'withheld',
    reason: CLASSROOM_REASONS.argumentDenied,
    message: `\`engine.extraArgs\` holds arguments that are not passed on: ${list}. Remove them; for most there is a field of the Classroom. Until then the engines stay as they are.`,
  };
}

function unreadable(issues: readonly FieldIssue[]): WithheldPlan {
  return {
    kind: 'withheld',
    reason: CLASSROOM_REASONS.specUnreadable,
    message: `The object does not follow the schema of this version: ${describeIssues(issues)}. Correct it, or install the CRDs that belong to this operator. Until then the engines stay as they are.`,
  };
}
