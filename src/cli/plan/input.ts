import { z } from 'zod';
import { planInputOf } from '../../classroom/plan-input.ts';
import type { PlanInput } from '../../gpu/plan-types.ts';
import type { ClassFile } from './class-file.ts';
import type { EngineOptions } from './options.ts';

/** A Hugging Face `config.json`. */
export type ModelConfig = NonNullable<PlanInput['model']['config']>;

/** The files that the flags name, read. */
export interface PlanFiles {
  readonly classFile?: ClassFile | undefined;
  readonly modelConfig?: ModelConfig | undefined;
}

const modelConfigSchema = z.record(z.string(), z.unknown());

/**
 * @throws Error when the text is no JSON object
 */
export function parseModelConfig(text: string): ModelConfig {
  const parsed = modelConfigSchema.safeParse(JSON.parse(text));
  if (!parsed.success) throw new Error('it is JSON, but no object');
  return parsed.data;
}

/** What the planner is asked: the class of the file, with the flags over it. */
export function planInput(options: EngineOptions, { classFile, modelConfig }: PlanFiles): PlanInput {
  const fromClass = classFile === undefined ? undefined : planInputOf(classFile.classroom.spec);
  return {
    ...fromClass,
    model: modelOf(options, modelConfig, fromClass?.model),
    slot: slotOf(options, fromClass?.slot),
    tensorParallel: tensorParallelOf(options, fromClass?.tensorParallel),
    quantization: options.quantization ?? fromClass?.quantization,
    kvCacheDtype: options.kvCacheDtype ?? fromClass?.kvCacheDtype,
    maxModelLen: options.maxModelLen ?? fromClass?.maxModelLen,
    maxNumSeqs: options.maxNumSeqs ?? fromClass?.maxNumSeqs,
    maxNumBatchedTokens: options.maxNumBatchedTokens ?? fromClass?.maxNumBatchedTokens,
    gpuMemoryUtilization: options.gpuMemoryUtilization ?? fromClass?.gpuMemoryUtilization,
    enforceEager: options.enforceEager || fromClass?.enforceEager,
    vllmVersion: options.vllmVersion ?? fromClass?.vllmVersion,
    students: options.students ?? classFile?.students,
  };
}

/** Another model leaves nothing of the class's: its facts would be wrong. */
function modelOf(
  { model }: EngineOptions,
  config: ModelConfig | undefined,
  fromClass: PlanInput['model'] | undefined,
): PlanInput['model'] {
  if (config !== undefined) return { id: model ?? fromClass?.id, config };
  return model === undefined ? (fromClass ?? {}) : { id: model };
}

/**
 * Another GPU leaves nothing of the class's memory figure, another figure leaves the GPU, and one way of sharing excludes
 * the others.
 */
function slotOf(options: EngineOptions, fromClass: PlanInput['slot'] = {}): PlanInput['slot'] {
  const { gpu, memoryMib, slicesPerGpu, migProfile } = options;
  const memory =
    gpu === undefined && memoryMib === undefined
      ? fromClass
      : { gpu: gpu ?? fromClass.gpu, memoryMiB: memoryMib };
  const sharing = replacesSharing(options)
    ? { slicesPerGPU: slicesPerGpu === 1 ? undefined : slicesPerGpu, migProfile }
    : { slicesPerGPU: fromClass.slicesPerGPU, migProfile: fromClass.migProfile };
  return { ...memory, ...sharing };
}

function tensorParallelOf(options: EngineOptions, fromClass: number | undefined): number | undefined {
  if (options.tensorParallel !== undefined) return options.tensorParallel;
  return replacesSharing(options) ? undefined : fromClass;
}

function replacesSharing({ slicesPerGpu, migProfile, tensorParallel }: EngineOptions): boolean {
  return slicesPerGpu !== undefined || migProfile !== undefined || (tensorParallel ?? 1) > 1;
}
