import type { EnginePlan, PlanInput } from '../../gpu/plan-types.ts';
import { planEngine } from '../../gpu/planner/plan.ts';
import { counted } from '../status/counted.ts';
import { type Row, textTable } from '../text-table.ts';
import { type PlanFiles, planInput } from './input.ts';
import type { PlanOptions } from './options.ts';

/** A GPU that is compared with others: by the name of a flag, or as nodes tell it. */
export type ComparedGpu =
  | { readonly by: 'Flag'; readonly gpu: string | undefined }
  | { readonly by: 'Node'; readonly slot: PlanInput['slot'] };

/** A model on a GPU: of a plan what tells it from others. */
export type ComparedPlan = Pick<
  EnginePlan,
  'fits' | 'code' | 'reason' | 'students' | 'replicas' | 'kvCacheTokens' | 'confidence'
> & { readonly model: string; readonly gpu: string };

/** Every model on every GPU. */
export interface Comparison {
  readonly plans: readonly ComparedPlan[];
}

/**
 * Plans every model on every GPU, all else as the flags and the class say.
 *
 * @param models undefined: that of the class, or of the config.json
 */
export function compare(
  options: PlanOptions,
  files: PlanFiles,
  { models, gpus }: { models: readonly (string | undefined)[]; gpus: readonly ComparedGpu[] },
): Comparison {
  return {
    plans: models.flatMap((model) =>
      gpus.map((gpu) => comparedPlan(planEngine(inputOf({ ...options, model }, files, gpu)))),
    ),
  };
}

function inputOf(options: PlanOptions, files: PlanFiles, compared: ComparedGpu): PlanInput {
  switch (compared.by) {
    case 'Flag':
      return planInput({ ...options, gpu: compared.gpu }, files);
    case 'Node':
      return { ...planInput({ ...options, gpu: undefined }, files), slot: compared.slot };
  }
}

function comparedPlan(plan: EnginePlan): ComparedPlan {
  const { fits, code, reason, students, replicas, kvCacheTokens, confidence } = plan;
  return {
    model: plan.model.name,
    gpu: plan.gpu.name,
    fits,
    ...(code === undefined ? {} : { code }),
    reason,
    students,
    replicas,
    kvCacheTokens,
    confidence,
  };
}

/** A row a model, a column a GPU. @param withEngines whether it was said how many students there are */
export function comparisonTable({ plans }: Comparison, withEngines: boolean): string {
  const gpus = [...new Set(plans.map(({ gpu }) => gpu))];
  const rows = [...Map.groupBy(plans, ({ model }) => model)].map(([model, ofModel]): Row => {
    const cells = gpus.map((gpu) =>
      cellOf(
        ofModel.find((plan) => plan.gpu === gpu),
        withEngines,
      ),
    );
    return [model, ...cells];
  });
  return [
    'Students that one engine carries:\n\n',
    textTable(['MODEL', ...gpus], rows),
    '\n',
    ...(plans.some(({ confidence }) => confidence === 'low') ? ['~ is an estimate.\n'] : []),
    'Why, and with which arguments: the same with one model and one GPU.\n',
  ].join('');
}

function cellOf(plan: ComparedPlan | undefined, withEngines: boolean): string {
  if (plan === undefined) return '<none>';
  const { fits, code, students, replicas, confidence } = plan;
  if (!fits) return `no: ${code}`;
  const engines = withEngines ? `, ${counted(replicas, 'engine')}` : '';
  return `${confidence === 'low' ? '~' : ''}${students}${engines}`;
}
