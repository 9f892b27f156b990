import { hasCapability } from '../hardware/slot.ts';
import type { PlanWarning } from '../plan-types.ts';
import type { Capacity } from './capacity.ts';
import { graphStepAbove, isGraphStep } from './graph-steps.ts';
import { isFp8, isPackedAs } from './hard-checks.ts';
import { gib, type MemoryPlan } from './memory-sum.ts';
import { type Situation, sequencesForStudents } from './situation.ts';

/**
 * What works and is still worth knowing.
 *
 * @param capacity no students where nothing fits: then there is nothing to say of theirs
 */
export function warningsOf(
  situation: Situation,
  plan: MemoryPlan,
  capacity: Capacity,
  replicas: number,
): PlanWarning[] {
  return [
    ...sharingWarnings(situation),
    ...gpuWarnings(situation),
    ...modelWarnings(situation),
    ...quantizationWarnings(situation),
    ...memoryWarnings(situation, plan),
    ...sequenceWarnings(situation, capacity),
    ...studentWarnings(situation, capacity, replicas),
  ];
}

/** @see https://docs.nvidia.com/datacenter/cloud-native/gpu-operator/latest/gpu-sharing.html */
function sharingWarnings({ slot, rules }: Situation): PlanWarning[] {
  switch (slot.sharing.kind) {
    case 'whole':
      return [];
    case 'mig':
      return [
        warning(
          'SlicesOnlyCost',
          'MIG slices are for separate models or hard separation. Students of one model are served faster by one engine that has the whole GPU: batching multiplies what the GPU does, slices divide it.',
        ),
      ];
    case 'timeSliced': {
      const start =
        'The slices of a GPU do not protect each other: an engine that runs out of memory can take its neighbours along. Start their engines one after another';
      return [
        warning(
          'SlicesOnlyCost',
          'Time-slices are for separate models. Four of them gave 40 to 47 % of the tokens of one shared engine, at more than twice the latency and four times the memory (H100, Qwen2.5-1.5B, 20 and 40 students). For one model use `sharing: None`.',
        ),
        warning(
          'NoMemoryIsolation',
          rules.pinsCache ? `${start}.` : `${start}: vLLM ${rules.release} cannot pin its KV cache.`,
        ),
      ];
    }
  }
}

/** First release whose images are known to carry no code for Volta. */
const VOLTA_GONE =
  'vLLM images built for CUDA 13 carry no code for compute capability 7.0. Use an older image, or a GPU of 7.5 or later.';

function gpuWarnings(situation: Situation): PlanWarning[] {
  const { slot, request, quantization } = situation;
  const warnings: PlanWarning[] = [];
  if (slot.computeCapability === undefined) {
    const message =
      'Nobody said which GPU this is: whether it can compute in bfloat16 or with fp8 was not checked.';
    warnings.push(warning('GpuNotNamed', message));
  }
  if (!hasCapability(slot, '8.0')) {
    const message = `${slot.name} cannot compute in bfloat16: the engine is started with \`--dtype half\`.`;
    warnings.push(warning('NoBfloat16', message));
  }
  if (!hasCapability(slot, '7.5')) warnings.push(warning('OldGpu', VOLTA_GONE));
  if (!hasCapability(slot, '8.9') && /fp8/.test(quantization?.method ?? '')) {
    const message = `${slot.name} has no fp8 units: weights are packed as fp8, computed in 16 bits. It saves memory and no time.`;
    warnings.push(warning('Fp8WeightsOnly', message));
  }
  if (!hasCapability(slot, '8.9') && isFp8(request.kvCacheDtype)) {
    const message = `Not every attention back end of vLLM has an fp8 KV cache on ${slot.name}: try it before the class.`;
    warnings.push(warning('Fp8CacheUncertain', message));
  }
  if (request.tensorParallel > 1 && slot.link !== 'nvlink') {
    const message = `Without NVLink ${request.tensorParallel} GPUs wait for each other at every layer. One engine on each GPU serves more students where the model fits one.`;
    warnings.push(warning('SlowLink', message));
  }
  return warnings;
}

function modelWarnings({ model, request, rules }: Situation): PlanWarning[] {
  const warnings: PlanWarning[] = model.assumptions.map((assumption) =>
    warning(model.source === 'estimate' ? 'ModelEstimated' : 'ModelAssumed', `${model.name}: ${assumption}.`),
  );
  if (!rules.isKnown) {
    const message = `The release of vLLM cannot be read from ${JSON.stringify(request.vllmVersion)}: ${rules.release} is assumed.`;
    warnings.push(warning('ReleaseUnknown', message));
  }
  if (!rules.isMeasured) {
    const message = `vLLM ${rules.release} was not measured: its figures are carried over from other releases.`;
    warnings.push(warning('ReleaseNotMeasured', message));
  }
  if (request.kvCacheDtype === 'bfloat16') {
    const message =
      "vLLM's help calls `--kv-cache-dtype bfloat16` invalid for models whose cache is not fp8 by default: `auto` takes as much and always works.";
    warnings.push(warning('CacheDtypeUncertain', message));
  }
  if (model.hasVisionTower) {
    const message =
      'This model sees pictures. What their encoder takes at once depends on `--limit-mm-per-prompt`.';
    warnings.push(warning('SeesPictures', message));
  }
  if (model.hasStateLayers) {
    const message =
      'Layers that keep a state instead of a KV cache are counted as if they kept one: the engine will hold more.';
    warnings.push(warning('StateLayers', message));
  }
  return warnings;
}

function quantizationWarnings({ model, request, quantization }: Situation): PlanWarning[] {
  const warnings: PlanWarning[] = [];
  if (quantization?.isUnknown === true) {
    const message = `How ${quantization.method} packs weights is not known: they count as unpacked.`;
    warnings.push(warning('QuantizationUnknown', message));
  }
  const packedAs = packedOtherwise({ model, request });
  if (packedAs !== undefined) {
    const message = `${model.name} is packed as ${packedAs}, so vLLM refuses ${request.quantization}. Leave the quantisation out: the checkpoint says it.`;
    warnings.push(warning('CheckpointPackedOtherwise', message));
  } else if (needsPackedCheckpoint({ model, request, quantization })) {
    const message = `vLLM reads ${request.quantization} from a checkpoint that is packed so, and ${model.name} is not: set \`model.id\` to one whose name says ${request.quantization}.`;
    warnings.push(warning('CheckpointNotPacked', message));
  }
  return warnings;
}

/** How the checkpoint is packed, as far as its name or the catalogue says, where something else is asked for. */
function packedOtherwise({ model, request }: Pick<Situation, 'model' | 'request'>): string | undefined {
  if (model.quantization === undefined || request.quantization === 'None') return undefined;
  return isPackedAs(model.quantization, request.quantization) ? undefined : model.quantization.method;
}

function needsPackedCheckpoint({
  model,
  request,
  quantization,
}: Pick<Situation, 'model' | 'request' | 'quantization'>): boolean {
  const isReadFromCheckpoint = request.quantization === 'AWQ' || request.quantization === 'GPTQ';
  return isReadFromCheckpoint && quantization !== model.quantization;
}

function memoryWarnings({ slot, model }: Situation, { memory, physical }: MemoryPlan): PlanWarning[] {
  const { heldBackMiB, kvCacheMiB } = memory;
  if (heldBackMiB <= 0 || kvCacheMiB <= 0) return [];
  const isFull = physical.underLoadMiB >= physical.availableMiB;
  const why = isFull
    ? `the engine takes more than its budget, and ${slot.name} would run out of memory under load`
    : `what ${model.name} takes is not known exactly`;
  return [
    warning(
      'CacheHeldBack',
      `${gib(heldBackMiB)} are kept from the KV cache, which gets ${gib(kvCacheMiB)}: ${why}.`,
    ),
  ];
}

function sequenceWarnings({ request, batch }: Situation, capacity: Capacity): PlanWarning[] {
  const { maxNumSeqs } = capacity;
  const warnings: PlanWarning[] = [];
  if (request.maxNumSeqs !== undefined && !isGraphStep(maxNumSeqs)) {
    const better = graphStepAbove(maxNumSeqs);
    const message = `Batches of up to ${maxNumSeqs} have no CUDA graph of their own and run slower: use ${better}.`;
    warnings.push(warning('NoCudaGraph', message));
  }
  const { studentsPerReplica } = request;
  const wanted = studentsPerReplica === undefined ? 0 : sequencesForStudents(studentsPerReplica);
  if (maxNumSeqs < wanted) {
    const cause = request.maxNumSeqs === undefined ? `: ${capacity.sequenceBasis}` : '';
    const message = `${maxNumSeqs} sequences are few for ${studentsPerReplica} students${cause}. With ${wanted} the engine serves all at once; too few cost up to a factor of five (40 students on 10 sequences, H100).`;
    warnings.push(warning('FewSequences', message));
  }
  if (batch.maxNumBatchedTokens > LONG_STEP_TOKENS) {
    const message = `Steps of ${batch.maxNumBatchedTokens} tokens make the answers of the others stutter while a long prompt is read; 2048 is usual.`;
    warnings.push(warning('LongSteps', message));
  }
  return warnings;
}

/** vLLM's own default on large GPUs. */
const LONG_STEP_TOKENS = 8192;

function studentWarnings(
  { request }: Situation,
  { students, fullLengthSequences }: Capacity,
  replicas: number,
): PlanWarning[] {
  if (students === 0) return [];
  const warnings: PlanWarning[] = [];
  const all = request.students ?? 0;
  if (all > students * replicas) {
    const message = `${all} students are more than ${replicas} × ${students}: some will wait. Allow more engines, or make room for more students on each.`;
    warnings.push(warning('StudentsWait', message));
  }
  if (request.studentsPerReplica !== undefined && fullLengthSequences < request.studentsPerReplica) {
    const message = `With ${request.studentsPerReplica} students and requests of ${request.maxModelLen} tokens the KV cache holds only ${fullLengthSequences.toFixed(1)} at once: the others wait, or are computed again.`;
    warnings.push(warning('CacheShort', message));
  }
  return warnings;
}

function warning(code: string, message: string): PlanWarning {
  return { code, message };
}
