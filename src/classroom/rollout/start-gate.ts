import { API_GROUP } from '../../api/group.ts';
import type { Pod } from '../../kube/resources.ts';

/**
 * Engines that share a GPU by time start one after another: one that measures the GPU's memory while another one takes
 * some gets too small a KV cache, or fails.
 *
 * Each such pod is made with a scheduling gate. The operator lifts the gate of the first in line when no engine is
 * starting, or ending, where this one may come to. All that this rests on is in the API server: an operator that
 * begins anew sees the same line and the same turn.
 *
 * @see https://kubernetes.io/docs/concepts/scheduling-eviction/pod-scheduling-readiness/
 */
export const START_GATE = `${API_GROUP}/start-in-turn`;

/** Marks the pods that start in turn, also when their gate has been lifted. */
export const STARTS_LABEL = `${API_GROUP}/starts`;
export const IN_TURN = 'in-turn';

/** When the operator gave the pod its turn. */
export const TURN_ANNOTATION = `${API_GROUP}/turn-began`;

/** Whether the pod waits for its turn. */
export function waitsForTurn(pod: Pod): boolean {
  return (
    pod.metadata.deletionTimestamp === undefined &&
    (pod.spec?.schedulingGates ?? []).some(({ name }) => name === START_GATE)
  );
}

/** Whether the pod is one of those that start in turn. */
export function startsInTurn(pod: Pod): boolean {
  return pod.metadata.labels?.[STARTS_LABEL] === IN_TURN;
}

/** The patch that lifts the gate and leaves those of others, says when, and refuses a namesake. */
export function liftGate(pod: Pod, nowMs: number): Record<string, unknown> {
  const left = (pod.spec?.schedulingGates ?? []).filter(({ name }) => name !== START_GATE);
  return {
    metadata: {
      uid: pod.metadata.uid,
      annotations: { [TURN_ANNOTATION]: new Date(nowMs).toISOString() },
    },
    spec: { schedulingGates: left.length === 0 ? null : left },
  };
}
