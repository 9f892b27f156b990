import { DEFAULT_ENGINE_IMAGE } from '../../api/engine.ts';
import { resolveSlot, type Slot } from '../hardware/slot.ts';
import { type ReleaseRules, releaseRules } from '../memory/vllm-release.ts';
import type { BatchSettings } from '../memory/working-memory.ts';
import {
  BITSANDBYTES_4BIT_BYTES,
  type CheckpointQuantization,
  GROUPED_4BIT_BYTES,
  packed,
} from '../model/checkpoint-quantization.ts';
import type { ModelFacts } from '../model/model-facts.ts';
import { resolveModel } from '../model/resolve.ts';
import type { MisfitCode, PlanRequest } from '../plan-types.ts';
import { graphStepAbove } from './graph-steps.ts';
import { plannedUtilization } from './utilization.ts';

/** Why there can be no such engine, whatever the memory. */
export interface Misfit {
  code: MisfitCode;
  reason: string;
}

/** A request with everything looked up: what the sum is made from. */
export interface Situation {
  request: PlanRequest;
  model: ModelFacts;
  slot: Slot;
  quantization: CheckpointQuantization | undefined;
  rules: ReleaseRules;
  /** Memory is planned for these; fewer sequences take less. */
  batch: BatchSettings;
  utilization: number;
}

/** Sequences where nobody says how many students an engine carries: 26 students on a slice, 106 on a GPU. */
const SLICE_SEQUENCES = 32;
const WHOLE_SEQUENCES = 128;
/** Long prompts are cut into steps of this size, which keeps the answers of the others flowing; vLLM's own default. */
const BATCHED_TOKENS = 2048;
/** Sequences for each ten students: a second question is often asked while the first is still being answered. */
export const SEQUENCES_PER_TEN_STUDENTS = 12;

/** The release of the image that the operator pins. */
export const PINNED_RELEASE = DEFAULT_ENGINE_IMAGE.split(':v').at(-1) ?? '';

/** Looks everything up. Nothing depends on how many students there are, so that one who enrols restarts no engine. */
export function situationOf(request: PlanRequest): Situation | Misfit {
  const slot = resolveSlot(request.slot);
  if ('code' in slot) return slot;
  const model = resolveModel(request.model);
  if ('code' in model) return model;
  const isDense = !model.isMixtureOfExperts && !model.hasStateLayers;
  const maxNumSeqs = wantedSequences(request, slot);
  return {
    request,
    model,
    slot,
    quantization: quantizationOf(request, model),
    rules: releaseRules(request.vllmVersion, PINNED_RELEASE, isDense),
    batch: {
      maxNumSeqs,
      maxNumBatchedTokens: request.maxNumBatchedTokens ?? Math.max(BATCHED_TOKENS, maxNumSeqs),
      enforceEager: request.enforceEager,
      compileCache: request.compileCache,
    },
    utilization: request.gpuMemoryUtilization ?? plannedUtilization(slot),
  };
}

/** vLLM refuses to start with more sequences than tokens a step. */
function wantedSequences(request: PlanRequest, slot: Slot): number {
  if (request.maxNumSeqs !== undefined) return request.maxNumSeqs;
  const wanted =
    request.studentsPerReplica === undefined
      ? defaultSequences(slot)
      : sequencesForStudents(request.studentsPerReplica);
  return Math.min(wanted, request.maxNumBatchedTokens ?? wanted);
}

/** At least 1.2 for each student, rounded up to a size with a CUDA graph. */
export function sequencesForStudents(students: number): number {
  return graphStepAbove((students * SEQUENCES_PER_TEN_STUDENTS) / 10);
}

function defaultSequences({ sharing }: Slot): number {
  return sharing.kind === 'whole' ? WHOLE_SEQUENCES : SLICE_SEQUENCES;
}

/** What the request asks for over what the checkpoint is; a checkpoint of the same kind knows its own groups. */
function quantizationOf(
  { quantization }: PlanRequest,
  { quantization: ofCheckpoint }: ModelFacts,
): CheckpointQuantization | undefined {
  switch (quantization) {
    case 'None':
      return ofCheckpoint;
    case 'AWQ':
      return ofCheckpoint?.method.includes('awq') ? ofCheckpoint : packed('awq', GROUPED_4BIT_BYTES);
    case 'GPTQ':
      return ofCheckpoint?.method.includes('gptq') ? ofCheckpoint : packed('gptq', GROUPED_4BIT_BYTES);
    case 'FP8':
      return ofCheckpoint ?? packed('fp8', 1);
    case 'BitsAndBytes':
      return ofCheckpoint ?? packed('bitsandbytes', BITSANDBYTES_4BIT_BYTES);
  }
}
