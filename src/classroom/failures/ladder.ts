import type { MemorySetting, MemoryStep } from '../../api/engine-failures.ts';
import { ENGINE_FAILURE_REASONS, type EngineFailureReason } from '../../api/reasons.ts';
import type { Diagnosis } from './diagnose.ts';

/** What decides how much GPU memory an engine takes. */
export interface MemoryFigures {
  maxNumBatchedTokens: number;
  maxNumSeqs: number;
  maxModelLen: number;
  /** Share of the whole GPU or MIG slice, 0 to 1. */
  gpuMemoryUtilization: number;
}

/** A step before it is given a time. */
export type StepDraft = Omit<MemoryStep, 'time'>;

/**
 * Why these four, and in this order: fewer tokens a step free activations and cost only the speed of long prompts;
 * fewer sequences free CUDA graphs and the sampler's buffers and cost throughput; a shorter context is felt by
 * students, and lets the KV cache be smaller; a smaller share of the GPU makes it smaller.
 */
const RUNGS: Readonly<Partial<Record<EngineFailureReason, readonly MemorySetting[]>>> = {
  [ENGINE_FAILURE_REASONS.outOfGPUMemoryAtStart]: [
    'MaxNumBatchedTokens',
    'MaxNumSeqs',
    'MaxModelLen',
    'GPUMemoryUtilization',
  ],
  [ENGINE_FAILURE_REASONS.outOfGPUMemory]: [
    'MaxNumBatchedTokens',
    'MaxNumSeqs',
    'MaxModelLen',
    'GPUMemoryUtilization',
  ],
  [ENGINE_FAILURE_REASONS.samplerOutOfMemory]: ['MaxNumSeqs', 'GPUMemoryUtilization'],
  // A smaller share would make the cache smaller still.
  [ENGINE_FAILURE_REASONS.kvCacheTooSmall]: ['MaxModelLen'],
  [ENGINE_FAILURE_REASONS.weightsDoNotFit]: ['MaxNumBatchedTokens'],
};

/** Below these an engine is of no use to a class, or nothing more is freed. */
const FLOORS: MemoryFigures = {
  maxNumBatchedTokens: 512,
  maxNumSeqs: 8,
  maxModelLen: 2048,
  gpuMemoryUtilization: 0.05,
};
/** Each step costs a start of minutes: so few that a class knows within the hour. */
const MOST_STEPS: Readonly<Record<MemorySetting, number>> = {
  MaxNumBatchedTokens: 2,
  MaxNumSeqs: 2,
  MaxModelLen: 2,
  GPUMemoryUtilization: 4,
};
/** One twentieth of a GPU's share: 1.1 GiB of an A10, more than an engine exceeds its budget by. */
const UTILIZATION_FACTOR = 0.95;
/** vLLM captures CUDA graphs for multiples of this. */
const SEQUENCES_MULTIPLE = 8;
const CONTEXT_MULTIPLE = 256;

/**
 * The next step down for an engine that ran out of GPU memory with these figures; undefined when nothing is left.
 * Every step lowers exactly one figure, no figure goes below its floor, and each is lowered a few times at most: so
 * the ladder ends. The same input gives the same step.
 *
 * @param taken steps since the spec last changed
 */
export function nextStep(
  diagnosis: Pick<Diagnosis, 'reason' | 'details'>,
  figures: MemoryFigures,
  taken: readonly Pick<MemoryStep, 'setting'>[],
): StepDraft | undefined {
  for (const setting of RUNGS[diagnosis.reason] ?? []) {
    if (taken.filter((step) => step.setting === setting).length >= MOST_STEPS[setting]) continue;
    const [from, to] = lowered(setting, figures, diagnosis);
    if (to < from) return { setting, from: String(from), to: String(to), reason: diagnosis.reason };
  }
  return undefined;
}

/** What a setting is, and what it would be a step down; the same when it is at its floor. */
function lowered(
  setting: MemorySetting,
  figures: MemoryFigures,
  diagnosis: Pick<Diagnosis, 'details'>,
): [from: number, to: number] {
  const { maxNumBatchedTokens, maxNumSeqs, maxModelLen, gpuMemoryUtilization } = figures;
  switch (setting) {
    case 'MaxNumBatchedTokens': {
      // vLLM refuses fewer tokens a step than sequences.
      const floor = Math.max(FLOORS.maxNumBatchedTokens, maxNumSeqs);
      return [maxNumBatchedTokens, Math.max(floor, Math.floor(maxNumBatchedTokens / 2))];
    }
    case 'MaxNumSeqs': {
      const half = Math.floor(maxNumSeqs / 2 / SEQUENCES_MULTIPLE) * SEQUENCES_MULTIPLE;
      return [maxNumSeqs, Math.max(FLOORS.maxNumSeqs, half)];
    }
    case 'MaxModelLen':
      return [maxModelLen, shorterContext(maxModelLen, Number(diagnosis.details.most))];
    case 'GPUMemoryUtilization': {
      const to = Math.floor(gpuMemoryUtilization * UTILIZATION_FACTOR * 1000) / 1000;
      return [gpuMemoryUtilization, Math.max(FLOORS.gpuMemoryUtilization, to)];
    }
  }
}

/** @param fitting what vLLM estimates would fit; NaN: it does not say */
function shorterContext(maxModelLen: number, fitting: number): number {
  const wanted = fitting > 0 ? Math.min(fitting, maxModelLen) : maxModelLen / 2;
  const rounded = Math.floor(wanted / CONTEXT_MULTIPLE) * CONTEXT_MULTIPLE;
  // An estimate below the floor: at the floor it would fail again in the same way.
  return rounded < FLOORS.maxModelLen && fitting > 0 ? maxModelLen : Math.max(FLOORS.maxModelLen, rounded);
}

/** Whether an engine with these figures runs with every step that was taken. */
export function honours(
  figures: MemoryFigures,
  steps: readonly Pick<MemoryStep, 'setting' | 'to'>[],
): boolean {
  return steps.every(({ setting, to }) => figures[FIGURE_OF[setting]] <= Number(to));
}

const FIGURE_OF = {
  MaxNumBatchedTokens: 'maxNumBatchedTokens',
  MaxNumSeqs: 'maxNumSeqs',
  MaxModelLen: 'maxModelLen',
  GPUMemoryUtilization: 'gpuMemoryUtilization',
} as const satisfies Record<MemorySetting, keyof MemoryFigures>;

/** A setting that the memory of an engine follows, beside the four of the ladder. */
interface Lowerable extends MemoryFigures {
  /** On each GPU; undefined: vLLM measures what is left. */
  kvCacheMemoryBytes: number | undefined;
}

/**
 * The planned settings with the steps taken: no figure is higher than a step says. A smaller share of the GPU takes
 * what it gives up from the KV cache, where that is pinned; other steps leave the cache as planned, so that what they
 * free stays free.
 *
 * @param gpuMemoryBytes what CUDA sees of one GPU or MIG slice; undefined: not known
 */
export function lowerSettings<S extends Lowerable>(
  settings: S,
  steps: readonly Pick<MemoryStep, 'setting' | 'to'>[],
  gpuMemoryBytes: number | undefined,
): S {
  const cap = (setting: MemorySetting, planned: number): number =>
    Math.min(planned, ...steps.filter((step) => step.setting === setting).map(({ to }) => Number(to)));
  const gpuMemoryUtilization = cap('GPUMemoryUtilization', settings.gpuMemoryUtilization);
  const maxNumBatchedTokens = cap('MaxNumBatchedTokens', settings.maxNumBatchedTokens);
  return {
    ...settings,
    maxNumBatchedTokens,
    // vLLM refuses more sequences than tokens a step.
    maxNumSeqs: Math.min(cap('MaxNumSeqs', settings.maxNumSeqs), maxNumBatchedTokens),
    maxModelLen: cap('MaxModelLen', settings.maxModelLen),
    gpuMemoryUtilization,
    kvCacheMemoryBytes: smallerCache(
      settings.kvCacheMemoryBytes,
      settings.gpuMemoryUtilization - gpuMemoryUtilization,
      gpuMemoryBytes,
    ),
  };
}

function smallerCache(
  plannedBytes: number | undefined,
  givenUp: number,
  gpuMemoryBytes: number | undefined,
): number | undefined {
  if (plannedBytes === undefined || givenUp <= 0) return plannedBytes;
  const rest = gpuMemoryBytes === undefined ? 0 : plannedBytes - givenUp * gpuMemoryBytes;
  // Half is left in any case: an engine whose cache then holds no request says so itself.
  return Math.floor(Math.max(rest, plannedBytes / 2));
}

/** The flags that carry the figures of an engine. */
const FLAGS = {
  maxNumBatchedTokens: '--max-num-batched-tokens',
  maxNumSeqs: '--max-num-seqs',
  maxModelLen: '--max-model-len',
  gpuMemoryUtilization: '--gpu-memory-utilization',
} as const satisfies Record<keyof MemoryFigures, string>;

/** The figures that an engine runs with, from its arguments; undefined when one of them is not stated. */
export function figuresOf(args: readonly string[]): MemoryFigures | undefined {
  const value = (flag: string): number => Number(args[args.indexOf(flag) + 1] ?? Number.NaN);
  const figures: MemoryFigures = {
    maxNumBatchedTokens: value(FLAGS.maxNumBatchedTokens),
    maxNumSeqs: value(FLAGS.maxNumSeqs),
    maxModelLen: value(FLAGS.maxModelLen),
    gpuMemoryUtilization: value(FLAGS.gpuMemoryUtilization),
  };
  return Object.values(figures).some((figure) => Number.isNaN(figure)) ? undefined : figures;
}
