import { MIG_PROFILE } from '../../api/gpu.ts';
import { closest } from '../../command-line/closest.ts';
import type { Texts } from '../../command-line/parse.ts';
import { findGpu, GPUS } from '../../gpu/hardware/gpu-table.ts';
import { resolveSlot } from '../../gpu/hardware/slot.ts';
import { CATALOGUE } from '../../gpu/model/catalogue.ts';
import { resolveModel } from '../../gpu/model/resolve.ts';
import type { PlanFiles } from './input.ts';
import { listOf } from './list.ts';

/**
 * What is wrong with how model and GPU are named, without the values that their schema refuses. A file that cannot be
 * used has its own fault: what it would have said is not asked for.
 */
export function subjectFaults(given: Texts, files: PlanFiles): string[] {
  return [
    ...sourceFaults(given),
    ...modelFaults(given, files),
    ...gpuFaults(given, files),
    ...migFaults(given, files),
  ];
}

/** What says the same thing twice. */
function sourceFaults(given: Texts): string[] {
  const { class: name, from, modelConfig, model = '', nodes } = given;
  const instead = {
    gpu: '--gpu',
    memoryMib: '--memory-mib',
    slicesPerGpu: '--slices-per-gpu',
    migProfile: '--mig-profile',
  };
  const named = Object.entries(instead).filter(([field]) => nodes === 'true' && given[field] !== undefined);
  return [
    ...(name !== undefined && from !== undefined
      ? ['--from and the name of a class must not be used together']
      : []),
    ...(modelConfig !== undefined && listOf(model).length > 1
      ? ['--model must name one model: --model-config describes one']
      : []),
    ...named.map(([, flag]) => `${flag} and --nodes must not be used together: the nodes say what they have`),
  ];
}

function modelFaults({ model, modelConfig, from, class: name }: Texts, files: PlanFiles): string[] {
  if (isUnusable(modelConfig, files.modelConfig)) return [];
  if (modelConfig !== undefined) {
    return refusal(`--model-config ${modelConfig}`, resolveModel({ id: model, config: files.modelConfig }));
  }
  if (model === '') return [];
  if (model !== undefined) return listOf(model).flatMap(namedModelFaults);
  if (files.classFile !== undefined) {
    const found = resolveModel(files.classFile.classroom.spec.model);
    return modelRefusal(
      `--from ${from}: spec.model`,
      found,
      ', or state what is known of it in `model.facts`',
    );
  }
  return from === undefined && name === undefined
    ? ['--model, --model-config, --from or the name of a class must say which model the engine loads']
    : [];
}

function namedModelFaults(model: string): string[] {
  const meant = closest(
    model,
    CATALOGUE.flatMap(({ hubIds, name }) => [...hubIds, name]),
  );
  return modelRefusal(`--model ${model}${question(meant)}`, resolveModel({ id: model }));
}

/** @param otherwise what else would do, after the advice */
function modelRefusal(place: string, answer: ReturnType<typeof resolveModel>, otherwise = ''): string[] {
  const isUnknown = 'code' in answer && answer.code === 'UnknownModel';
  const advice = isUnknown ? ` Give its config.json with --model-config${otherwise}.` : '';
  return refusal(place, answer).map((fault) => `${fault}${advice}`);
}

function gpuFaults(given: Texts, { classFile }: PlanFiles): string[] {
  const { gpu, memoryMib, from, class: name, nodes } = given;
  if (memoryMib !== undefined || gpu === '') return [];
  if (gpu !== undefined) return listOf(gpu).flatMap(namedGpuFaults);
  if (name !== undefined || nodes === 'true' || isUnusable(from, classFile)) return [];
  const { product, memoryMiB } = classFile?.classroom.spec.gpu ?? {};
  if (memoryMiB !== undefined) return [];
  return product === undefined
    ? ['--gpu or --memory-mib must say where the engine runs, such as --gpu A10']
    : refusal(`--from ${from}: spec.gpu.product`, resolveSlot({ gpu: product }));
}

function namedGpuFaults(gpu: string): string[] {
  const meant = closest(
    gpu,
    GPUS.map(({ name }) => name),
  );
  return refusal(`--gpu ${gpu}${question(meant)}`, resolveSlot({ gpu }));
}

function migFaults({ gpu, migProfile, slicesPerGpu }: Texts, { classFile }: PlanFiles): string[] {
  if (migProfile === undefined || !MIG_PROFILE.test(migProfile)) return [];
  if (slicesPerGpu !== undefined && slicesPerGpu !== '1') {
    return ['--mig-profile and --slices-per-gpu must not be used together: a GPU is shared in one way'];
  }
  // Only a GPU of the table says which profiles it has.
  const name = gpu ?? classFile?.classroom.spec.gpu.product;
  if (name === undefined || findGpu(name) === undefined) return [];
  return refusal(`--mig-profile ${migProfile}`, resolveSlot({ gpu: name, migProfile }));
}

/** The flag is there, and nothing came of it. */
function isUnusable(path: string | undefined, content: unknown): boolean {
  return path !== undefined && content === undefined;
}

function refusal(place: string, answer: object): string[] {
  return 'reason' in answer ? [`${place}: ${answer.reason}`] : [];
}

function question(meant: string | undefined): string {
  return meant === undefined ? '' : ` (did you mean ${meant}?)`;
}
