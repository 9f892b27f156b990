import type { ClassroomSpec, EnginePlanStatus } from '../api/classroom.ts';
import type { Confidence, EnginePlan, MisfitCode } from '../gpu/plan-types.ts';
import { planEngine } from '../gpu/planner/plan.ts';
import { planInputOf } from './plan-input.ts';
import type { SlotKnowledge } from './slot.ts';

/** The figures one engine runs with. */
export interface EngineSettings {
  maxModelLen: number;
  maxNumSeqs: number;
  maxNumBatchedTokens: number;
  /** Share of the whole GPU or MIG slice, as vLLM takes it. */
  gpuMemoryUtilization: number;
  /** On each GPU; undefined: vLLM measures at its start what is left. */
  kvCacheMemoryBytes: number | undefined;
  /** Where the GPU cannot compute in the model's own dtype. */
  dtype: 'half' | undefined;
  /** Of the whole model, which a cold start downloads; undefined: nobody knows. */
  weightsMiB: number | undefined;
  /** The extended resource that one engine asks for, and how many of it. */
  resourceName: string;
  resourceCount: number;
  /** Students that one engine carries. */
  studentsPerReplica: number;
}

/** What is known about engines of a spec before one of them is started. */
export type EnginePlanning =
  | { kind: 'fits'; settings: EngineSettings; plan: EnginePlan }
  /** It is not known whether it fits: rules of thumb. */
  | {
      kind: 'unchecked';
      settings: EngineSettings;
      basis: string;
      reason: 'GPUMemoryUnknown' | 'ModelUnknown';
      why: string;
    }
  | { kind: 'unfit'; plan: EnginePlan; code: Exclude<MisfitCode, UnknownCode> };

type UnknownCode = 'UnknownGpu' | 'UnknownModel';

/** Students one engine carries where neither the spec nor a plan says. */
const DEFAULT_STUDENTS_PER_REPLICA = 6;
/** Sequences for ten students: a second question is often asked while the first is still being answered. */
const SEQUENCES_PER_TEN_STUDENTS = 12;
/** Long prompts are cut into steps of this size, which keeps the answers of the others flowing; vLLM's own default. */
const DEFAULT_BATCHED_TOKENS = 2048;
/** Of the GPU, all engines on it together. The rest is for the CUDA contexts, which lie outside vLLM's budget. */
const DEFAULT_UTILISATION_PERCENT = 90;

/**
 * The figures of a class's engines: planned from the memory they have, or, where nobody knows how much that is, by
 * rules of thumb. Nothing here looks at the roster, because a student who enrols must not restart engines.
 *
 * @param resourceName the extended resource that the engines ask for
 */
export function planEngines(spec: ClassroomSpec, slot: SlotKnowledge, resourceName: string): EnginePlanning {
  if (slot.kind === 'unknown') return unchecked(spec, resourceName, 'GPUMemoryUnknown', slot.why);
  const input = planInputOf(spec);
  const plan = planEngine({ ...input, slot: { ...input.slot, ...slot.request } });
  if (plan.fits) return { kind: 'fits', settings: plannedSettings(spec, resourceName, plan), plan };
  switch (plan.code) {
    case 'UnknownGpu':
      return unchecked(spec, resourceName, 'GPUMemoryUnknown', plan.reason);
    case 'UnknownModel':
      return unchecked(spec, resourceName, 'ModelUnknown', plan.reason);
    case undefined:
      throw new Error(`a plan that does not fit has no code: ${plan.reason}`);
    default:
      return { kind: 'unfit', plan, code: plan.code };
  }
}

/** Engines for the active seats, within the bounds of the spec. */
export function replicasFor(
  seats: number,
  studentsPerReplica: number,
  { min, max }: ClassroomSpec['engine']['replicas'],
): number {
  return Math.min(max, Math.max(min, Math.ceil(seats / studentsPerReplica)));
}

/** What the status says of a plan; undefined for one that does not fit. */
export function planStatusOf(planning: EnginePlanning): EnginePlanStatus | undefined {
  if (planning.kind === 'unfit') return undefined;
  const { settings } = planning;
  const figures = {
    maxModelLen: settings.maxModelLen,
    maxNumSeqs: settings.maxNumSeqs,
    maxNumBatchedTokens: settings.maxNumBatchedTokens,
    gpuMemoryUtilizationPercent: Math.max(1, Math.floor(settings.gpuMemoryUtilization * 100)),
    studentsPerReplica: settings.studentsPerReplica,
    resourceName: settings.resourceName,
  };
  return planning.kind === 'unchecked'
    ? { ...figures, basis: shortened(planning.basis) }
    : { ...figures, ...plannedFigures(planning.plan) };
}

function plannedFigures(plan: EnginePlan) {
  const warnings = [...new Set(plan.warnings.map(({ message }) => shortened(message)))].slice(
    0,
    WARNINGS_MAX,
  );
  return {
    kvCacheMemoryMiB: Math.floor(plan.settings.kvCacheMemoryBytes / MIB),
    kvCacheTokens: plan.kvCacheTokens,
    memory: memoryOf(plan),
    confidence: CONFIDENCE[plan.confidence],
    ...(warnings.length === 0 ? {} : { warnings }),
    basis: shortened(`${plan.reason} maxNumSeqs: ${plan.sequenceBasis}. Students: ${plan.studentsBasis}.`),
  };
}

function memoryOf({ memory }: EnginePlan): NonNullable<EnginePlanStatus['memory']> {
  const { totalMiB, budgetMiB, weightsMiB, activationsMiB, graphsMiB, overheadMiB, heldBackMiB, kvCacheMiB } =
    memory;
  return { totalMiB, budgetMiB, weightsMiB, activationsMiB, graphsMiB, overheadMiB, heldBackMiB, kvCacheMiB };
}

const MIB = 1024 * 1024;
/** Bounds of the schema of the status. */
const TEXT_MAX = 1024;
const WARNINGS_MAX = 16;
const CONFIDENCE = { high: 'High', medium: 'Medium', low: 'Low' } as const satisfies Record<
  Confidence,
  string
>;

function shortened(text: string): string {
  return text.length <= TEXT_MAX ? text : `${text.slice(0, TEXT_MAX - 1)}…`;
}

function plannedSettings(
  spec: ClassroomSpec,
  resourceName: string,
  { settings, students, engineArgs, memory }: EnginePlan,
): EngineSettings {
  const { gpuMemoryUtilization, kvCacheMemoryBytes, maxModelLen, maxNumSeqs, maxNumBatchedTokens } = settings;
  return {
    maxModelLen,
    maxNumSeqs,
    maxNumBatchedTokens,
    gpuMemoryUtilization,
    // Releases that do not know the flag measure what is left.
    kvCacheMemoryBytes: engineArgs.includes('--kv-cache-memory-bytes') ? kvCacheMemoryBytes : undefined,
    dtype: settings.dtype,
    weightsMiB: memory.weightsMiB * spec.gpu.gpusPerEngine,
    ...resourceOf(spec, resourceName),
    studentsPerReplica: Math.max(1, spec.engine.replicas.studentsPerReplica ?? students),
  };
}

function unchecked(
  spec: ClassroomSpec,
  resourceName: string,
  reason: 'GPUMemoryUnknown' | 'ModelUnknown',
  why: string,
): EnginePlanning {
  const { engine, gpu, model } = spec;
  const studentsPerReplica = engine.replicas.studentsPerReplica ?? DEFAULT_STUDENTS_PER_REPLICA;
  const maxNumSeqs = engine.maxNumSeqs ?? cappedSequences(spec, studentsPerReplica);
  const enginesPerGPU = gpu.slicesPerGPU ?? 1;
  const percent =
    engine.gpuMemoryUtilizationPercent ?? Math.floor(DEFAULT_UTILISATION_PERCENT / enginesPerGPU);
  const settings: EngineSettings = {
    maxModelLen: model.maxModelLen,
    maxNumSeqs,
    maxNumBatchedTokens: engine.maxNumBatchedTokens ?? Math.max(DEFAULT_BATCHED_TOKENS, maxNumSeqs),
    gpuMemoryUtilization: percent / 100,
    kvCacheMemoryBytes: undefined,
    dtype: undefined,
    weightsMiB: undefined,
    ...resourceOf(spec, resourceName),
    studentsPerReplica,
  };
  return {
    kind: 'unchecked',
    settings,
    basis: thumbBasis(spec, studentsPerReplica, enginesPerGPU),
    reason,
    why,
  };
}

/**
 * Rounds up to a batch size for which vLLM captures a full CUDA graph (1, 2, 4, then every 8): with 10, batches of 9
 * and 10 took 7.4 ms a token and batches of 8 took 6.5 ms on an H100 with vLLM 0.26.
 *
 * @see https://docs.vllm.ai/en/latest/design/cuda_graphs.html
 */
export function cudaGraphStep(sequences: number): number {
  return Math.max(8, Math.ceil(sequences / 8) * 8);
}

/** vLLM refuses to start with more sequences than tokens a step. */
function cappedSequences(spec: ClassroomSpec, studentsPerReplica: number): number {
  const wanted = cudaGraphStep((studentsPerReplica * SEQUENCES_PER_TEN_STUDENTS) / 10);
  return Math.min(wanted, spec.engine.maxNumBatchedTokens ?? wanted);
}

/** One unit of a slice; of whole GPUs as many as an engine spans. */
function resourceOf(
  { gpu }: ClassroomSpec,
  resourceName: string,
): Pick<EngineSettings, 'resourceName' | 'resourceCount'> {
  return { resourceName, resourceCount: gpu.sharing === 'None' ? gpu.gpusPerEngine : 1 };
}

function thumbBasis(spec: ClassroomSpec, studentsPerReplica: number, enginesPerGPU: number): string {
  const { engine } = spec;
  const parts = [
    engine.maxNumSeqs === undefined
      ? `maxNumSeqs: ${studentsPerReplica} students × ${SEQUENCES_PER_TEN_STUDENTS / 10}, rounded up to a CUDA graph size`
      : 'maxNumSeqs: from the spec',
    engine.maxNumBatchedTokens === undefined
      ? "maxNumBatchedTokens: vLLM's default, at least maxNumSeqs"
      : 'maxNumBatchedTokens: from the spec',
    utilisationBasis(engine.gpuMemoryUtilizationPercent !== undefined, enginesPerGPU),
  ];
  return `Rules of thumb. ${parts.join('; ')}.`;
}

function utilisationBasis(fromSpec: boolean, enginesPerGPU: number): string {
  if (fromSpec) return 'gpuMemoryUtilizationPercent: from the spec';
  return enginesPerGPU === 1
    ? `gpuMemoryUtilizationPercent: ${DEFAULT_UTILISATION_PERCENT} for the one engine of a slot`
    : `gpuMemoryUtilizationPercent: ${DEFAULT_UTILISATION_PERCENT} shared by ${enginesPerGPU} engines`;
}
