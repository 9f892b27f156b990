import type { ClassroomSpec } from '../api/classroom.ts';
import type { SuggestedChange } from '../gpu/plan-types.ts';

/**
 * The fields of a Classroom that state a suggested change, such as `model.maxModelLen: 2048`. Nothing for what is not
 * a field's matter: another GPU has to be there before a class can name it.
 */
export function fieldsOf(change: SuggestedChange, { gpu }: Pick<ClassroomSpec, 'gpu'>): string[] {
  const { slot, model, replicas } = change;
  // 0.29 × 100 is a little less than 29.
  const percent = change.gpuMemoryUtilization && Math.floor(change.gpuMemoryUtilization * 100 + 1e-6);
  return [
    field('model.id', model?.id),
    field('model.maxModelLen', change.maxModelLen),
    field('model.quantization', change.quantization),
    ...(slot === undefined ? [] : sharingFields(slot, gpu)),
    field('gpu.gpusPerEngine', change.tensorParallel),
    field('engine.replicas.max', replicas?.max),
    field('engine.replicas.studentsPerReplica', change.studentsPerReplica),
    field('engine.maxNumSeqs', change.maxNumSeqs),
    field('engine.maxNumBatchedTokens', change.maxNumBatchedTokens),
    field('engine.gpuMemoryUtilizationPercent', percent),
    field('engine.extraArgs', extraArgsOf(change)),
  ].flat();
}

function sharingFields(
  { migProfile, slicesPerGPU }: NonNullable<SuggestedChange['slot']>,
  now: ClassroomSpec['gpu'],
): string[] {
  const sharing = migProfile !== undefined ? 'MIG' : slicesPerGPU !== undefined ? 'TimeSliced' : 'None';
  return [
    ...field('gpu.sharing', sharing === now.sharing ? undefined : sharing),
    ...field('gpu.migProfile', migProfile === now.migProfile ? undefined : migProfile),
    ...field('gpu.slicesPerGPU', slicesPerGPU === now.slicesPerGPU ? undefined : slicesPerGPU),
  ];
}

function extraArgsOf({ kvCacheDtype, enforceEager }: SuggestedChange): string | undefined {
  const flags = [
    ...(kvCacheDtype === undefined ? [] : ['--kv-cache-dtype', kvCacheDtype]),
    ...(enforceEager ? ['--enforce-eager'] : []),
  ];
  return flags.length === 0 ? undefined : `[${flags.join(', ')}]`;
}

function field(path: string, value: string | number | undefined): string[] {
  return value === undefined ? [] : [`${path}: ${value}`];
}
