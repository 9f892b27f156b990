import type { ClassroomSpec } from '../api/classroom.ts';

/** The figures one engine runs with. */
export interface EngineSettings {
  maxModelLen: number;
  maxNumSeqs: number;
  maxNumBatchedTokens: number;
  gpuMemoryUtilizationPercent: number;
  /** The extended resource that one engine asks for, and how many of it. */
  resourceName: string;
  resourceCount: number;
  /** Engines for the seats there are, within `engine.replicas`. */
  replicas: number;
  /** Where the figures come from, in words. */
  basis: string;
}

/** Students one engine carries where the spec does not say. */
const DEFAULT_STUDENTS_PER_REPLICA = 6;
/** Sequences for ten students: a second question is often asked while the first is still being answered. */
const SEQUENCES_PER_TEN_STUDENTS = 12;
/** Long prompts are cut into steps of this size, which keeps the answers of the others flowing; vLLM's own default. */
const DEFAULT_BATCHED_TOKENS = 2048;
/** Of the GPU, all engines on it together. The rest is for the CUDA contexts, which lie outside vLLM's budget. */
const DEFAULT_UTILISATION_PERCENT = 90;

/**
 * The figures of a class's engines: those of the spec, and rules of thumb for those it leaves out.
 *
 * This is the seam for the memory planner: it will know the model and the slot, and answer the same question from
 * what fits. Nothing here looks at the roster but `replicas`, because a student who enrols must not restart engines.
 *
 * @param activeSeats students who may work now
 */
export function engineSettings(spec: ClassroomSpec, activeSeats: number): EngineSettings {
  const { engine, gpu, model } = spec;
  const studentsPerReplica = engine.replicas.studentsPerReplica ?? DEFAULT_STUDENTS_PER_REPLICA;
  const maxNumSeqs = engine.maxNumSeqs ?? cappedSequences(spec, studentsPerReplica);
  const maxNumBatchedTokens = engine.maxNumBatchedTokens ?? Math.max(DEFAULT_BATCHED_TOKENS, maxNumSeqs);
  const enginesPerGPU = gpu.slicesPerGPU ?? 1;
  return {
    maxModelLen: model.maxModelLen,
    maxNumSeqs,
    maxNumBatchedTokens,
    gpuMemoryUtilizationPercent:
      engine.gpuMemoryUtilizationPercent ?? Math.floor(DEFAULT_UTILISATION_PERCENT / enginesPerGPU),
    resourceName: resourceName(spec),
    resourceCount: gpu.gpusPerEngine,
    replicas: replicasFor(activeSeats, studentsPerReplica, engine.replicas),
    basis: [
      `${basisOf(spec, studentsPerReplica, enginesPerGPU)}.`,
      'Whether this fits the GPU was not checked.',
      ...crowding(activeSeats, studentsPerReplica, engine.replicas.max),
    ].join(' '),
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

function replicasFor(
  seats: number,
  studentsPerReplica: number,
  bounds: { min: number; max: number },
): number {
  return Math.min(bounds.max, Math.max(bounds.min, Math.ceil(seats / studentsPerReplica)));
}

/**
 * The names that NVIDIA's device plugin advertises: `.shared` for time-slices with `renameByDefault`, and `+` of a
 * MIG profile written as `.`.
 *
 * @see https://github.com/NVIDIA/k8s-device-plugin#shared-access-to-gpus
 */
function resourceName(spec: ClassroomSpec): string {
  const { gpu } = spec;
  if (gpu.resourceName !== undefined) return gpu.resourceName;
  switch (gpu.sharing) {
    case 'None':
      return 'nvidia.com/gpu';
    case 'TimeSliced':
      return 'nvidia.com/gpu.shared';
    case 'MIG':
      return `nvidia.com/mig-${(gpu.migProfile ?? '').replace('+', '.')}`;
  }
}

function basisOf(spec: ClassroomSpec, studentsPerReplica: number, enginesPerGPU: number): string {
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
  return parts.join('; ');
}

/** Too few sequences cost up to a factor of five in throughput (40 students, 10 sequences, H100), so it is said. */
function crowding(seats: number, studentsPerReplica: number, maxReplicas: number): string[] {
  if (seats <= studentsPerReplica * maxReplicas) return [];
  return [
    `${seats} students are more than ${maxReplicas} × ${studentsPerReplica}: some will wait. Raise \`engine.replicas.max\` where there are GPUs, else \`engine.replicas.studentsPerReplica\`.`,
  ];
}

function utilisationBasis(fromSpec: boolean, enginesPerGPU: number): string {
  if (fromSpec) return 'gpuMemoryUtilizationPercent: from the spec';
  return enginesPerGPU === 1
    ? `gpuMemoryUtilizationPercent: ${DEFAULT_UTILISATION_PERCENT} for the one engine of a slot`
    : `gpuMemoryUtilizationPercent: ${DEFAULT_UTILISATION_PERCENT} shared by ${enginesPerGPU} engines`;
}
