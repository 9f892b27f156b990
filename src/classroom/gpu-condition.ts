import type { EngineStatus } from '../api/classroom.ts';
import type { ConditionDraft } from '../api/condition.ts';
import { CLASSROOM_CONDITIONS } from '../api/reasons.ts';
import { type GpuAvailability, gpuAvailability } from '../gpu/nodes/availability-verdict.ts';
import { readGpuPod } from '../gpu/nodes/gpu-pod.ts';
import type { GpuPlacement } from '../gpu/nodes/placement.ts';
import type { ObservedClass } from './observe.ts';

/** Whether there are GPUs for the engines that a class wants. */
export function classGpus(
  { classroom: { metadata }, pods }: Pick<ObservedClass, 'classroom' | 'pods'>,
  placement: GpuPlacement,
  wanted: number,
): GpuAvailability {
  return gpuAvailability(placement, {
    namespace: metadata.namespace ?? '',
    classroom: metadata.name,
    engines: pods.flatMap((pod) => readGpuPod(pod) ?? []),
    wanted,
  });
}

/** The condition GPUAvailable of a class, from what {@link classGpus} found. */
export function gpuAvailableCondition(gpus: GpuAvailability): ConditionDraft {
  return { type: CLASSROOM_CONDITIONS.gpuAvailable, ...gpus };
}

/** Longest message of an engine in the status, in characters. */
const MESSAGE_MAX = 2048;

/**
 * The scheduler says of an engine without a node how many nodes it has ruled out; what keeps it off them, and what to
 * do about it, is better known from the nodes.
 */
export function withUnschedulableCause(
  engines: readonly EngineStatus[],
  gpus: GpuAvailability | undefined,
): EngineStatus[] {
  return engines.map((engine) => {
    if (engine.state !== 'Scheduling' || gpus?.status !== 'False') return engine;
    return { ...engine, message: gpus.message.slice(0, MESSAGE_MAX) };
  });
}
