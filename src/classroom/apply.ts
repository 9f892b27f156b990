import type { Classroom } from '../api/classroom.ts';
import { NameConflictError } from '../kube/apply.ts';
import { KubeApiError } from '../kube/errors.ts';
import type { KubeObject } from '../kube/object.ts';
import type { OperatorDependencies } from '../reconcile/controller.ts';
import { childKinds, describeChild } from './kinds.ts';
import { ownershipOf } from './ownership.ts';
import type { ChildIntent, WantedPlan } from './plan.ts';

/** An object that could not be brought to what is wanted, and why. */
export interface ChildProblem {
  kind: 'conflict' | 'leftover' | 'refused';
  /** `Deployment python-101-engine`. */
  child: string;
  /** What the API server said, of a refusal. */
  detail: string;
}

/** What applying a plan did. */
export interface ApplyOutcome {
  /** Objects that were made or changed. */
  written: string[];
  deleted: string[];
  problems: ChildProblem[];
}

type ApplyDependencies = Pick<OperatorDependencies, 'applier' | 'client' | 'informers' | 'metrics'>;

/**
 * Brings the cluster to the plan: what the engines stand on, then the engines, then away with what is not wanted.
 * Conflicts and refusals come back as problems; nothing foreign is written to.
 *
 * @throws KubeApiError for failures that another try may mend
 */
export async function apply(
  plan: WantedPlan,
  classroom: Classroom,
  dependencies: ApplyDependencies,
  signal: AbortSignal,
): Promise<ApplyOutcome> {
  const outcome: ApplyOutcome = { written: [], deleted: [], problems: [] };
  for (const intent of plan.foundations) {
    await applyChild(intent, classroom, dependencies, signal, outcome);
  }
  // What is missing keeps engines from starting, and none from being stopped.
  const startsNone = plan.held || plan.engines?.replicas === 0;
  if (outcome.problems.length > 0 && !startsNone) return outcome;
  if (plan.deployment !== undefined) {
    await applyChild(plan.deployment, classroom, dependencies, signal, outcome);
  }
  await deleteUnwanted(plan, dependencies, signal, outcome);
  return outcome;
}

async function applyChild(
  intent: ChildIntent,
  classroom: Classroom,
  dependencies: ApplyDependencies,
  signal: AbortSignal,
  outcome: ApplyOutcome,
): Promise<void> {
  const { resource, object } = intent;
  const { metrics } = dependencies;
  const observed = cachedNamesake(intent, dependencies);
  try {
    const { outcome: result } = await dependencies.applier.apply(resource, object, { observed, signal });
    if (result === 'unchanged') return;
    metrics.objectWritten({ kind: resource.kind, verb: 'apply' });
    outcome.written.push(describeChild(intent));
  } catch (error) {
    if (error instanceof NameConflictError) {
      metrics.nameConflict({ kind: resource.kind });
      outcome.problems.push(conflictOf(intent, classroom, observed));
      return;
    }
    if (!isRefusal(error)) throw error;
    outcome.problems.push({ kind: 'refused', child: describeChild(intent), detail: error.message });
  }
}

function cachedNamesake(intent: ChildIntent, dependencies: ApplyDependencies): KubeObject | undefined {
  const kind = childKinds(dependencies.informers).find(({ resource }) => resource === intent.resource);
  return kind?.cache.get(intent.object.metadata);
}

/** The cache only follows objects with our label, so what it does not know is somebody else's. */
function conflictOf(
  intent: ChildIntent,
  classroom: Classroom,
  observed: KubeObject | undefined,
): ChildProblem {
  const leftover = observed !== undefined && ownershipOf(classroom, observed) === 'leftover';
  return { kind: leftover ? 'leftover' : 'conflict', child: describeChild(intent), detail: '' };
}

/** Answers that stay the same until a person changes something: validation, rights, quota, a namespace that ends. */
function isRefusal(error: unknown): error is KubeApiError {
  return error instanceof KubeApiError && [400, 403, 404, 405, 413, 415, 422].includes(error.status);
}

async function deleteUnwanted(
  plan: WantedPlan,
  dependencies: ApplyDependencies,
  signal: AbortSignal,
  outcome: ApplyOutcome,
): Promise<void> {
  for (const child of plan.delete) {
    const { name, namespace, uid } = child.object.metadata;
    const deleted = await dependencies.client.delete(
      child.resource,
      namespace === undefined ? { name } : { namespace, name },
      { signal, propagationPolicy: 'Background', ...(uid === undefined ? {} : { uid }) },
    );
    if (!deleted) continue;
    dependencies.metrics.objectWritten({ kind: child.resource.kind, verb: 'delete' });
    outcome.deleted.push(describeChild(child));
  }
}
