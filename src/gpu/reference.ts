import { GPUS } from './hardware/gpu-table.ts';
import { findMigProfile } from './hardware/mig-profiles.ts';
import { type EnginePlan, type PlanInput, planRequestSchema, type Quantization } from './plan-types.ts';
import { planEngine } from './planner/plan.ts';

const CONTEXT_TOKENS = 4096;

interface Model {
  title: string;
  id: string;
  quantization?: Quantization;
}

const MODELS: readonly Model[] = [
  { title: 'Qwen2.5 0.5B', id: 'Qwen/Qwen2.5-0.5B-Instruct' },
  { title: 'Qwen2.5 1.5B', id: 'Qwen/Qwen2.5-1.5B-Instruct' },
  { title: 'Qwen2.5 3B', id: 'Qwen/Qwen2.5-3B-Instruct' },
  { title: 'Qwen2.5 7B AWQ', id: 'Qwen/Qwen2.5-7B-Instruct-AWQ', quantization: 'AWQ' },
  { title: 'Qwen2.5 7B', id: 'Qwen/Qwen2.5-7B-Instruct' },
  { title: 'Llama 3.1 8B', id: 'meta-llama/Llama-3.1-8B-Instruct' },
  { title: 'Qwen2.5 14B AWQ', id: 'Qwen/Qwen2.5-14B-Instruct-AWQ', quantization: 'AWQ' },
  { title: 'Qwen2.5 14B', id: 'Qwen/Qwen2.5-14B-Instruct' },
  { title: 'Qwen2.5 32B AWQ', id: 'Qwen/Qwen2.5-32B-Instruct-AWQ', quantization: 'AWQ' },
  { title: 'Llama 3.3 70B AWQ', id: 'casperhansen/llama-3.3-70b-instruct-awq', quantization: 'AWQ' },
];

const SLOTS: readonly PlanInput['slot'][] = [
  { gpu: 'T4' },
  { gpu: 'A10' },
  { gpu: 'A10', slicesPerGPU: 2 },
  { gpu: 'A10', slicesPerGPU: 4 },
  { gpu: 'L4' },
  { gpu: 'A30', migProfile: '2g.12gb' },
  { gpu: 'A100-40' },
  { gpu: 'A100-40', migProfile: '1g.5gb' },
  { gpu: 'A100-40', migProfile: '3g.20gb' },
  { gpu: 'L40S' },
  { gpu: 'L40S', slicesPerGPU: 2 },
  { gpu: 'H100-80' },
  { gpu: 'H100-80', migProfile: '1g.10gb' },
  { gpu: 'H100-80', migProfile: '2g.20gb' },
  { gpu: 'H100-80', migProfile: '3g.40gb' },
  { gpu: 'H200' },
  { gpu: 'H200', migProfile: '1g.18gb' },
];

interface ClassToStartFrom {
  about: string;
  model: Model;
  slot: PlanInput['slot'];
  students: number;
}

const QWEN_7B: Model = { title: 'Qwen2.5 7B', id: 'Qwen/Qwen2.5-7B-Instruct' };

const CLASSES: readonly ClassToStartFrom[] = [
  { about: 'a seminar on one A10', model: QWEN_7B, slot: { gpu: 'A10' }, students: 8 },
  { about: 'a class of twenty on A10', model: QWEN_7B, slot: { gpu: 'A10' }, students: 20 },
  {
    about: 'the same with 4 bits: more cache on the same GPUs',
    model: { title: 'Qwen2.5 7B AWQ', id: 'Qwen/Qwen2.5-7B-Instruct-AWQ', quantization: 'AWQ' },
    slot: { gpu: 'A10' },
    students: 20,
  },
  {
    about: 'an H100 cut in seven, for groups that must not feel each other',
    model: { title: 'Qwen2.5 1.5B', id: 'Qwen/Qwen2.5-1.5B-Instruct' },
    slot: { gpu: 'H100-80', migProfile: '1g.10gb' },
    students: 35,
  },
  {
    about: 'the same students on the whole H100: room for a larger model',
    model: QWEN_7B,
    slot: { gpu: 'H100-80' },
    students: 35,
  },
];

/** What `docs/gpus.md` says that the planner knows, by placeholder. */
export function gpuReference(): Record<string, string> {
  const { vllmVersion } = planFor(QWEN_7B, { gpu: 'A10' });
  const defaults = planRequestSchema.parse({ model: { id: QWEN_7B.id }, slot: { gpu: 'A10' } });
  return {
    'requests-per-student': String(defaults.requestsPerStudent),
    context: CONTEXT_TOKENS.toLocaleString('en-GB'),
    'vllm-version': vllmVersion,
    'students-table': studentsTable(),
    'classes-table': classesTable(),
  };
}

function studentsTable(): string {
  const head = ['GPU', 'engines a GPU', ...MODELS.map(({ title }) => title)];
  const rows = SLOTS.map((slot) => {
    const plans = MODELS.map((model) => planFor(model, slot));
    return [plans[0]?.gpu.name ?? '', enginesOn(slot), ...plans.map(studentsOf)];
  });
  return table(head, rows);
}

function classesTable(): string {
  const head = [
    'class',
    'model',
    'GPU',
    'students',
    'engines',
    'students an engine',
    '`--max-num-seqs`',
    'KV cache',
  ];
  const rows = CLASSES.map(({ about, model, slot, students }) => {
    const plan = planFor(model, slot, students);
    const { replicas, settings, kvCacheTokens } = plan;
    const tokens = `${kvCacheTokens.toLocaleString('en-GB')} tokens`;
    return [
      about,
      model.title,
      plan.gpu.name,
      students,
      replicas,
      plan.students,
      settings.maxNumSeqs,
      tokens,
    ];
  });
  return table(head, rows);
}

function planFor({ id, quantization }: Model, slot: PlanInput['slot'], students?: number): EnginePlan {
  return planEngine({ model: { id }, quantization, slot, students, maxModelLen: CONTEXT_TOKENS });
}

function studentsOf({ fits, students }: EnginePlan): number | string {
  return fits ? students : '–';
}

function enginesOn({ gpu, migProfile, slicesPerGPU }: PlanInput['slot']): number {
  if (migProfile === undefined) return slicesPerGPU ?? 1;
  const product = GPUS.find(({ name }) => name === gpu)?.product ?? '';
  return findMigProfile(product, migProfile)?.maxInstances ?? 0;
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
