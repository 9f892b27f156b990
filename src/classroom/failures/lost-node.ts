import type { EngineStatus } from '../../api/classroom.ts';
import { ENGINE_FAILURE_REASONS } from '../../api/reasons.ts';
import type { GpuObservation } from '../../gpu/nodes/observation.ts';
import { describeFailure } from './describe.ts';

/** Kubernetes' own default is five minutes; an engine is loaded elsewhere in less. */
const PATIENCE_SECONDS = 60;

/**
 * How long an engine stays bound to a node that does not answer, after the 50 s in which Kubernetes notices: longer
 * than a kubelet takes to restart.
 *
 * @see https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/#taint-based-evictions
 */
export const LOST_NODE_TOLERATIONS = ['not-ready', 'unreachable'].map((condition) => ({
  key: `node.kubernetes.io/${condition}`,
  operator: 'Exists',
  effect: 'NoExecute',
  tolerationSeconds: PATIENCE_SECONDS,
}));

/**
 * Of an engine on a node that does not answer, its pod says only that it fails, or is to end, for ever. The node knows
 * better. An engine that still answers is left as it is, and what is on a node that is gone Kubernetes removes.
 */
export function withLostNodes(engines: readonly EngineStatus[], gpus: GpuObservation): EngineStatus[] {
  return engines.map((engine) => {
    const cause = engine.state === 'Ready' ? undefined : whatIsLost(engine.node, gpus);
    if (cause === undefined) return engine;
    const reason = ENGINE_FAILURE_REASONS.nodeLost;
    const state = engine.state === 'Stopping' ? 'Stopping' : 'Failing';
    return { ...engine, state, reason, message: describeFailure({ reason, cause, details: {} }) };
  });
}

function whatIsLost(name: string | undefined, gpus: GpuObservation): string | undefined {
  if (name === undefined || gpus.kind === 'Unknown') return undefined;
  const node = gpus.nodes.find((one) => one.name === name);
  return node?.ready === false ? `node ${name} does not answer` : undefined;
}
