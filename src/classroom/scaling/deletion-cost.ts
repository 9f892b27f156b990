import { isOtherUid } from '../../kube/apply.ts';
import { KubeApiError } from '../../kube/errors.ts';
import { type Deployment, type Pod, pods } from '../../kube/resources.ts';
import type { ClassroomDependencies } from '../dependencies.ts';
import type { WatchedEngine } from '../engine-watch/board.ts';
import { isOfDeployment, isStarted } from '../engine-watch/engines.ts';
import type { ObservedClass } from '../observe.ts';

/**
 * Of pods that are all ready, a ReplicaSet deletes those first that cost less; a pod without the annotation costs 0.
 *
 * @see https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/#pod-deletion-cost
 */
export const DELETION_COST_ANNOTATION = 'controller.kubernetes.io/pod-deletion-cost';

/** What it costs to lose an engine whose work is not known: more than any that says what it does. */
const UNKNOWN_COST = 10_000;

export interface CostChange {
  readonly pod: Pod;
  readonly cost: number;
}

/**
 * The costs to be written before engines go, so that those go that have the least to do. None where none goes, or all
 * do: pods are not written to as load changes.
 *
 * @param replicas engines wanted now
 */
export function costChanges(
  {
    classroom,
    pods: own,
    watched,
    deployment,
  }: Pick<ObservedClass, 'classroom' | 'pods' | 'watched' | 'deployment'>,
  replicas: number,
): CostChange[] {
  if (replicas === 0 || replicas >= replicasOf(deployment)) return [];
  return own
    .filter((pod) => isStarted(pod) && isOfDeployment(pod, classroom.metadata.name))
    .map((pod) => ({ pod, cost: costOf(watched.get(pod.metadata.name)) }))
    .filter(({ pod, cost }) => cost !== writtenCost(pod));
}

function replicasOf(deployment: Deployment | undefined): number {
  return deployment?.spec?.replicas ?? 0;
}

function costOf(engine: WatchedEngine | undefined): number {
  switch (engine?.use.kind) {
    case 'busy':
      return Math.min(engine.use.requests, UNKNOWN_COST - 1);
    case 'quiet':
      return 0;
    case 'unknown':
    case undefined:
      return UNKNOWN_COST;
  }
}

function writtenCost({ metadata }: Pod): number {
  return Number(metadata.annotations?.[DELETION_COST_ANNOTATION] ?? 0);
}

type CostDependencies = Pick<ClassroomDependencies, 'metrics'> & {
  client: Pick<ClassroomDependencies['client'], 'mergePatch'>;
};

/**
 * Writes these costs, before the Deployment asks for fewer engines.
 *
 * @throws KubeApiError for failures that another try may mend
 */
export async function preferIdleToGo(
  observed: ObservedClass,
  replicas: number,
  { client, metrics }: CostDependencies,
  signal: AbortSignal,
): Promise<void> {
  for (const { pod, cost } of costChanges(observed, replicas)) {
    const { name, namespace, uid } = pod.metadata;
    const annotations = { [DELETION_COST_ANNOTATION]: String(cost) };
    try {
      await client.mergePatch(pods, { name, namespace }, { metadata: { uid, annotations } }, { signal });
    } catch (error) {
      // One that went meanwhile costs nothing.
      if (error instanceof KubeApiError && (error.isNotFound || isOtherUid(error))) continue;
      throw error;
    }
    metrics.objectWritten({ kind: pods.kind, verb: 'apply' });
  }
}
