import type { ClassroomSpec } from '../api/classroom.ts';
import { kvCacheDtypeSchema, type PlanInput } from '../gpu/plan-types.ts';
import { loraSettings } from './adapters/engine-options.ts';

/**
 * What a class asks of the planner, as far as its spec says. What nodes say about the slot goes before `slot`; how many
 * students there are goes in `students`. The operator and `kubectl classroom plan --from` both start here.
 */
export function planInputOf(spec: ClassroomSpec): PlanInput {
  const { model, gpu, engine, limits } = spec;
  const kvCacheDtype = kvCacheDtypeSchema.safeParse(textAfter('kv-cache-dtype', engine.extraArgs));
  return {
    model: { id: model.id, facts: model.facts },
    slot: slotOf(gpu),
    tensorParallel: gpu.gpusPerEngine,
    quantization: model.quantization,
    kvCacheDtype: kvCacheDtype.data,
    maxModelLen: model.maxModelLen,
    maxNumSeqs: engine.maxNumSeqs,
    maxNumBatchedTokens: engine.maxNumBatchedTokens,
    gpuMemoryUtilization: asShare(engine.gpuMemoryUtilizationPercent),
    enforceEager: textAfter('enforce-eager', engine.extraArgs) !== undefined,
    vllmVersion: releaseOf(engine.image),
    studentsPerReplica: engine.replicas.studentsPerReplica,
    requestsPerStudent: limits.perStudent.concurrentRequests,
    replicas: { min: engine.replicas.min, max: engine.replicas.max },
    lora: loraSettings(spec),
  };
}

function asShare(percent: number | undefined): number | undefined {
  return percent === undefined ? undefined : percent / 100;
}

/** `memoryMiB` of a class is that of one slot, as GPU feature discovery would say it; the planner divides by itself. */
function slotOf({
  sharing,
  product,
  memoryMiB,
  migProfile,
  slicesPerGPU,
}: ClassroomSpec['gpu']): PlanInput['slot'] {
  const slices = sharing === 'TimeSliced' ? slicesPerGPU : undefined;
  return {
    gpu: product,
    labelMemoryMiB: memoryMiB === undefined ? undefined : memoryMiB * (slices ?? 1),
    migProfile: sharing === 'MIG' ? migProfile : undefined,
    slicesPerGPU: slices,
  };
}

/**
 * The release in the tag of an image, such as `0.32.0` of `vllm/vllm-openai:v0.32.0-cu129`; undefined where the tag
 * names none, such as `latest`.
 */
export function releaseOf(image: string): string | undefined {
  return /:v?(\d+\.\d+\.\d+)[^/]*$/.exec(image)?.[1];
}

/** The text after a flag of vLLM, empty where none follows; undefined where the flag is absent. */
function textAfter(flag: string, extraArgs: readonly string[]): string | undefined {
  const at = extraArgs.findIndex((argument) => flagOf(argument) === flag);
  const argument = extraArgs[at];
  if (argument === undefined) return undefined;
  const equals = argument.indexOf('=');
  if (equals >= 0) return argument.slice(equals + 1);
  const next = extraArgs[at + 1] ?? '';
  return next.startsWith('--') ? '' : next;
}

/** vLLM takes `_` for `-` in flags. */
function flagOf(argument: string): string | undefined {
  return argument.startsWith('--')
    ? argument.slice('--'.length).replace(/=.*$/s, '').replaceAll('_', '-')
    : undefined;
}
