import type { EngineStatus } from '../../api/classroom.ts';
import { ENGINE_FAILURE_REASONS } from '../../api/reasons.ts';
import type { GpuObservation } from '../../gpu/nodes/observation.ts';
import { describeFailure } from './describe.ts';

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
