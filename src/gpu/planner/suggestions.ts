import { capabilityNumber, findGpu, GPUS, type Gpu } from '../hardware/gpu-table.ts';
import { findMigProfile, migGpu } from '../hardware/mig-profiles.ts';
import { CATALOGUE, findInCatalogue } from '../model/catalogue.ts';
import { resolveModel } from '../model/resolve.ts';
import type { EnginePlan, PlanInput, Suggestion } from '../plan-types.ts';
import {
  atOnce,
  type Candidate,
  contextOf,
  correctionOf,
  ONE_SLICE,
  shareOf,
  spanning,
} from './corrections.ts';
import { type Evaluation, evaluate } from './evaluate.ts';
import { isFp8 } from './hard-checks.ts';
import { SMALL_BELOW_MIB } from './utilization.ts';

/** More would not be read. */
const SUGGESTIONS_MAX = 6;
/** A class needs at least so much context. */
const LEAST_CONTEXT = 1024;
const CONTEXT_STEP = 256;

/**
 * The smallest changes that make a plan fit, or carry all students: each is planned again and kept only where it does.
 * Changes of one thing come first; only where none is enough is what cannot stay corrected and more changed beside it,
 * are two made together, then a smaller model or a larger GPU named.
 */
function suggestionsFor(input: PlanInput, plan: Evaluation): Suggestion[] {
  if (isEnough(input, plan) || isUnknown(plan)) return [];
  const single = firstOfEach(input, singleChanges(input, plan));
  if (single.length > 0) return single.slice(0, SUGGESTIONS_MAX);
  const beside = besideCorrection(input, correctionOf(input, plan));
  if (beside.length > 0) return beside;
  const double = firstOfEach(input, doubleChanges(input, plan));
  return [
    ...double.slice(0, SUGGESTIONS_MAX - 2),
    ...firstOfEach(input, [smallerModels(input), largerGpus(input)]),
  ];
}

/** Ends, for what is corrected is right: each correction is made once. */
function besideCorrection(input: PlanInput, correction: Candidate | undefined): Suggestion[] {
  if (correction === undefined) return [];
  const alone = firstOfEach(input, [[correction]]);
  if (alone.length > 0) return alone;
  const corrected = { ...input, ...correction.change };
  return suggestionsFor(corrected, evaluate(corrected)).map((suggestion) => ({
    ...suggestion,
    ...joined(correction, suggestion),
  }));
}

function isUnknown({ code }: Evaluation): boolean {
  return code === 'UnknownGpu' || code === 'UnknownModel' || code === 'InvalidModelFacts';
}

/** It fits, and no student waits for want of an engine. */
function isEnough({ students: all = 0 }: PlanInput, plan: Evaluation): boolean {
  return plan.fits && all <= plan.students * plan.replicas;
}

/** Of each kind, whose smaller changes stand first, the first that does. */
function firstOfEach(input: PlanInput, kinds: readonly (readonly Candidate[])[]): Suggestion[] {
  return kinds.flatMap((candidates) => {
    for (const candidate of candidates) {
      const changed = { ...input, ...candidate.change };
      const plan = evaluate(changed);
      if (!isEnough(changed, plan)) continue;
      return [{ ...candidate, kvCacheTokens: plan.kvCacheTokens, students: plan.students }];
    }
    return [];
  });
}

function singleChanges(input: PlanInput, plan: Evaluation): Candidate[][] {
  return [
    shorterContext(input, plan),
    lighterCache(input),
    fp8Weights(input),
    awqWeights(input),
    fewerTokens(input, plan),
    fewerSequences(input),
    otherShares(input, plan, correctionOf(input, plan)),
    fewerStudents(input),
    fewerSlices(input),
    largerProfiles(input),
    wholeGpu(input),
    moreGpus(input),
    moreEngines(input, plan),
    eager(input),
  ];
}

function doubleChanges(input: PlanInput, plan: Evaluation): Candidate[][] {
  const kinds = [lighterCache, awqWeights, fewerSlices, largerProfiles, wholeGpu, moreGpus].map((kind) =>
    kind(input),
  );
  const [cache = [], weights = [], ...places] = kinds;
  const shorter = (changed: PlanInput) => shorterContext(changed, plan);
  return [
    both(input, weights, shorter),
    both(input, weights, lighterCache),
    both(input, cache, shorter),
    ...places.map((place) => both(input, place, awqWeights)),
    ...places.map((place) => both(input, place, shorter)),
  ];
}

function both(
  input: PlanInput,
  firsts: readonly Candidate[],
  seconds: (changed: PlanInput) => readonly Candidate[],
): Candidate[] {
  return firsts.flatMap((first) =>
    seconds({ ...input, ...first.change }).map((second) => joined(first, second)),
  );
}

/** The second wins where both change the same. */
function joined(first: Candidate, second: Candidate): Candidate {
  const isReplaced = Object.keys(first.change).every((key) => key in second.change);
  return {
    message: isReplaced
      ? second.message
      : `${first.message.replace(/\.$/, '')}, and ${lowerFirst(second.message)}`,
    change: { ...first.change, ...second.change },
  };
}

/** The longest context that does, found by halving the interval. */
function shorterContext(input: PlanInput, plan: Evaluation): Candidate[] {
  const current = plan.settings.maxModelLen;
  const does = (maxModelLen: number) => isEnough(input, evaluate({ ...input, maxModelLen }));
  let low = 0;
  let high = Math.ceil(current / CONTEXT_STEP);
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (does(middle * CONTEXT_STEP)) low = middle;
    else high = middle;
  }
  const maxModelLen = low * CONTEXT_STEP;
  if (maxModelLen < LEAST_CONTEXT) return [];
  return [contextOf(maxModelLen)];
}

function lighterCache(input: PlanInput): Candidate[] {
  const { kvCacheDtype = 'auto' } = input;
  if (isFp8(kvCacheDtype) || !isAtLeast(capabilityOf(input), '8.9')) return [];
  return [{ message: 'Keep the KV cache in fp8 (`--kv-cache-dtype fp8`).', change: { kvCacheDtype: 'fp8' } }];
}

function fp8Weights(input: PlanInput): Candidate[] {
  const change: Candidate = { message: 'Use fp8 weights.', change: { quantization: 'FP8' } };
  return isUnpacked(input) && isAtLeast(capabilityOf(input), '8.9') ? [change] : [];
}

function awqWeights(input: PlanInput): Candidate[] {
  const message = 'Use an AWQ checkpoint of the model (4 bits a weight).';
  return isUnpacked(input) && isAtLeast(capabilityOf(input), '7.5')
    ? [{ message, change: { quantization: 'AWQ' } }]
    : [];
}

function isUnpacked(input: PlanInput): boolean {
  return evaluate(input).model.packedAs === undefined;
}

function capabilityOf({ slot }: PlanInput): string | undefined {
  return slot.computeCapability ?? findGpu(slot.gpu ?? '')?.computeCapability;
}

function fewerTokens(input: PlanInput, plan: Evaluation): Candidate[] {
  return [2048, 1024, 512]
    .filter((step) => step < plan.settings.maxNumBatchedTokens && step >= (input.maxNumSeqs ?? 0))
    .map((maxNumBatchedTokens) => ({
      message: `Compute at most ${maxNumBatchedTokens} tokens in one step.`,
      change: { maxNumBatchedTokens },
    }));
}

function fewerSequences({ maxNumSeqs = 0 }: PlanInput): Candidate[] {
  return [128, 64, 32, 16, 8].filter((step) => step < maxNumSeqs).map(atOnce);
}

/** Sequences are planned for them, and take memory. */
function fewerStudents({ studentsPerReplica = 0 }: PlanInput): Candidate[] {
  return [100, 50, 25, 10, 5]
    .filter((students) => students < studentsPerReplica)
    .map((students) => ({
      message: `Let an engine carry ${students} students.`,
      change: { studentsPerReplica: students },
    }));
}

/** Small slices keep more room, and time-slices leave the neighbours theirs. */
function otherShares({ slot }: PlanInput, plan: Evaluation, correction: Candidate | undefined): Candidate[] {
  const corrected = correction?.change.gpuMemoryUtilization;
  const { totalMiB } = plan.memory;
  const larger = slot.slicesPerGPU !== undefined || totalMiB < SMALL_BELOW_MIB ? [] : [0.9, 0.95];
  return [
    ...(corrected === undefined ? [] : [corrected]),
    ...larger.filter((share) => share > plan.settings.gpuMemoryUtilization),
  ].map(shareOf);
}

/** The most slices that do. */
function fewerSlices({ slot }: PlanInput): Candidate[] {
  const { slicesPerGPU = 0 } = slot;
  const fewer = Array.from({ length: Math.max(0, slicesPerGPU - 2) }, (_, index) => slicesPerGPU - 1 - index);
  return fewer.map((slices) => ({
    message: `Cut the GPU into ${slices} time-slices instead of ${slicesPerGPU}.`,
    change: { slot: { ...slot, slicesPerGPU: slices } },
  }));
}

/** Profiles with more memory slots, the next larger first. */
function largerProfiles({ slot }: PlanInput): Candidate[] {
  const { migProfile, memoryMiB: _, labelMemoryMiB: __, ...rest } = slot;
  const gpu = findGpu(slot.gpu ?? '');
  if (migProfile === undefined || gpu === undefined) return [];
  const now = findMigProfile(gpu.product, migProfile);
  return (migGpu(gpu.product)?.profiles ?? [])
    .filter(({ profile, memorySlots }) => !profile.includes('+') && memorySlots > (now?.memorySlots ?? 0))
    .toSorted((a, b) => a.memorySlots - b.memorySlots || a.computeSlices - b.computeSlices)
    .map(({ profile, maxInstances }) => ({
      message: `Use MIG slices ${profile}, of which a GPU has at most ${maxInstances}.`,
      change: { slot: { ...rest, migProfile: profile } },
    }));
}

function isShared({ slicesPerGPU, migProfile }: PlanInput['slot']): boolean {
  return slicesPerGPU !== undefined || migProfile !== undefined;
}

/** Of a MIG slice the memory is known; that of its GPU only if the GPU is. */
function wholeGpu({ slot }: PlanInput): Candidate[] {
  const { slicesPerGPU: _sliced, migProfile, ...shared } = slot;
  const { memoryMiB: _, labelMemoryMiB: __, ...named } = shared;
  if (!isShared(slot)) return [];
  if (migProfile !== undefined && findGpu(slot.gpu ?? '') === undefined) return [];
  const message = 'Give one engine the whole GPU (`sharing: None`): the students share it.';
  return [{ message, change: { slot: migProfile === undefined ? shared : named } }];
}

function moreGpus({ slot, tensorParallel = 1 }: PlanInput): Candidate[] {
  if (isShared(slot)) return tensorParallel > 1 ? [ONE_SLICE] : [];
  return [1, 2, 4, 8].filter((gpus) => gpus !== tensorParallel).map(spanning);
}

/** Where it fits and only engines are missing. */
function moreEngines({ students = 0, replicas }: PlanInput, plan: Evaluation): Candidate[] {
  if (!plan.fits) return [];
  const max = Math.ceil(students / plan.students);
  return [{ message: `Allow ${max} engines.`, change: { replicas: { ...replicas, max } } }];
}

function eager({ enforceEager = false }: PlanInput): Candidate[] {
  if (enforceEager) return [];
  const message =
    'Start without torch.compile and CUDA graphs (`--enforce-eager`), which makes answers slower.';
  return [{ message, change: { enforceEager: true } }];
}

/** The largest model of the same family that does. */
function smallerModels({ model }: PlanInput): Candidate[] {
  const own = findInCatalogue(model.id ?? '');
  const family = own?.name.split('-')[0];
  const size = own === undefined ? 0 : sizeOf(own.name);
  return CATALOGUE.filter(({ name }) => name.split('-')[0] === family && sizeOf(name) < size)
    .toSorted((a, b) => sizeOf(b.name) - sizeOf(a.name))
    .flatMap(({ name, hubIds }) => {
      const id = hubIds[0];
      return id === undefined
        ? []
        : [{ message: `Use the smaller model ${name}.`, change: { model: { id } } }];
    });
}

/** Parameters of a model of the catalogue. */
function sizeOf(name: string): number {
  const facts = resolveModel({ id: name });
  return 'code' in facts ? 0 : facts.parameters.total;
}

/** The smallest GPU that does, whole. */
function largerGpus({ slot }: PlanInput): Candidate[] {
  const now = findGpu(slot.gpu ?? '')?.memoryMiB ?? slot.memoryMiB ?? 0;
  const use = isShared(slot) ? 'Give one engine the whole of a larger GPU' : 'Use a larger GPU';
  const isRecent = ({ computeCapability }: Gpu) => isAtLeast(computeCapability, '8.0');
  return GPUS.filter((gpu) => gpu.memoryMiB > now && isRecent(gpu) && !gpu.name.startsWith('RTX'))
    .toSorted((a, b) => a.memoryMiB - b.memoryMiB)
    .map(({ name, memoryMiB }) => ({
      message: `${use}, such as ${name} (${Math.round(memoryMiB / 1024)} GiB).`,
      change: { slot: { gpu: name } },
    }));
}

/** A GPU of which nothing is said counts as a recent one. */
function isAtLeast(capability: string | undefined, least: string): boolean {
  return capability === undefined || capabilityNumber(capability) >= capabilityNumber(least);
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

/** The plan with its suggestions. */
export function withSuggestions(input: PlanInput, plan: Evaluation): EnginePlan {
  return { ...plan, suggestions: suggestionsFor(input, plan) };
}
