import { type EnginePlan, type PlanInput, type PlanRequest, planRequestSchema } from '../plan-types.ts';
import { type Capacity, capacityOf } from './capacity.ts';
import { confidenceOf } from './confidence.ts';
import { memoryArguments, settingsOf } from './engine-arguments.ts';
import { findMisfit } from './hard-checks.ts';
import { gib, type MemoryPlan, memoryMisfit, memoryPlan } from './memory-sum.ts';
import { type Misfit, PINNED_RELEASE, type Situation, situationOf } from './situation.ts';
import { sumLines } from './sum-lines.ts';
import { warningsOf } from './warnings.ts';

/** A plan before changes to it are suggested. */
export type Evaluation = Omit<EnginePlan, 'suggestions'>;

/**
 * Plans one engine as asked.
 *
 * @throws ZodError for a request of the wrong shape
 */
export function evaluate(input: PlanInput): Evaluation {
  const request = planRequestSchema.parse(input);
  const situation = situationOf(request);
  if ('code' in situation) return unplanned(request, situation);
  const plan = memoryPlan(situation);
  const misfit = findMisfit(situation) ?? memoryMisfit(situation, plan);
  return planned(situation, plan, misfit);
}

function planned(situation: Situation, plan: MemoryPlan, misfit: Misfit | undefined): Evaluation {
  const { request, model, slot, rules, quantization } = situation;
  const capacity = capacityOf(situation, plan);
  const students = misfit === undefined ? capacity.students : 0;
  const replicas = replicasFor(request, students);
  const settings = settingsOf(situation, plan, capacity);
  const { confidence, basis } = confidenceOf(situation);
  const { computeCapability } = slot;
  return {
    fits: misfit === undefined,
    ...(misfit === undefined ? { reason: fitInWords(situation, plan, capacity) } : misfit),
    memory: plan.memory,
    physical: plan.physical,
    sum: sumLines(situation, plan, capacity),
    kvCacheBytesPerToken: plan.layout.bytesPerToken,
    kvCacheTokens: capacity.kvCacheTokens,
    fullLengthSequences: capacity.fullLengthSequences,
    maxConcurrentSequences: capacity.maxConcurrentSequences,
    students,
    studentsBasis: capacity.studentsBasis,
    replicas,
    settings,
    sequenceTerm: capacity.sequenceTerm,
    sequenceBasis: capacity.sequenceBasis,
    engineArgs: misfit === undefined ? memoryArguments(situation, settings) : [],
    warnings: warningsOf(situation, plan, { ...capacity, students }, replicas),
    confidence,
    confidenceBasis: basis,
    model: {
      name: model.name,
      source: model.source,
      parameters: model.parameters.total,
      ...(quantization === undefined ? {} : { packedAs: quantization.method }),
    },
    gpu: { name: slot.name, ...(computeCapability === undefined ? {} : { computeCapability }) },
    vllmVersion: rules.release,
  };
}

/** Engines for the students there are; without students stated, one. */
function replicasFor({ students, replicas }: PlanRequest, studentsEach: number): number {
  const wanted = students === undefined || studentsEach === 0 ? 1 : Math.ceil(students / studentsEach);
  return Math.min(replicas.max, Math.max(replicas.min, wanted));
}

function fitInWords({ model, slot, request }: Situation, { memory }: MemoryPlan, capacity: Capacity): string {
  const many = capacity.students === 1 ? '1 student' : `${capacity.students} students`;
  return `${model.name} fits ${slot.name}: ${gib(memory.kvCacheMiB)} of KV cache hold ${capacity.kvCacheTokens} tokens, ${capacity.fullLengthSequences.toFixed(1)} requests of ${request.maxModelLen}; one engine carries ${many}.`;
}

/** Where the GPU or the model is not known there is nothing to add up. */
function unplanned(request: PlanRequest, { code, reason }: Misfit): Evaluation {
  const nothing = {
    totalMiB: 0,
    budgetMiB: 0,
    weightsMiB: 0,
    activationsMiB: 0,
    graphsMiB: 0,
    overheadMiB: 0,
  };
  return {
    fits: false,
    code,
    reason,
    memory: { ...nothing, heldBackMiB: 0, kvCacheMiB: 0 },
    physical: { afterStartMiB: 0, underLoadMiB: 0, availableMiB: 0 },
    sum: [],
    kvCacheBytesPerToken: 0,
    kvCacheTokens: 0,
    fullLengthSequences: 0,
    maxConcurrentSequences: 0,
    students: 0,
    studentsBasis: 'nothing is planned',
    replicas: replicasFor(request, 0),
    settings: {
      maxModelLen: request.maxModelLen,
      maxNumSeqs: request.maxNumSeqs ?? 0,
      maxNumBatchedTokens: request.maxNumBatchedTokens ?? 0,
      gpuMemoryUtilization: request.gpuMemoryUtilization ?? 0,
      kvCacheMemoryBytes: 0,
      tensorParallel: request.tensorParallel,
      enforceEager: request.enforceEager,
      kvCacheDtype: request.kvCacheDtype,
    },
    sequenceTerm: 'default',
    sequenceBasis: 'nothing is planned',
    engineArgs: [],
    warnings: [],
    confidence: 'low',
    confidenceBasis: reason,
    model: { name: request.model.id ?? 'the model', source: 'estimate', parameters: 0 },
    gpu: { name: request.slot.gpu ?? 'unknown' },
    vllmVersion: request.vllmVersion ?? PINNED_RELEASE,
  };
}
