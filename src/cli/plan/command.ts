import { tellWhy } from '../../command-line/parse.ts';
import { planEngine } from '../../gpu/planner/plan.ts';
import { withCluster } from '../cluster/command.ts';
import type { Runnable, Terminal } from '../command.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import type { Machine } from '../machine.ts';
import { render } from '../output.ts';
import { withProgress } from '../progress.ts';
import { PLAN, type PlanArguments, parsePlanArguments } from './arguments.ts';
import { EXAMPLES } from './examples.ts';
import { planInput } from './input.ts';
import { listOf } from './list.ts';
import { type ComparedGpu, type Comparison, compare, comparisonTable } from './matrix.ts';
import { planTable } from './table.ts';

/** `kubectl classroom plan`. */
export const planCommand: Runnable = {
  usage: { ...PLAN, examples: EXAMPLES },
  async run(argv, machine) {
    const parsed = parsePlanArguments(argv, machine.readText);
    if (parsed.kind !== 'run') return notRun(parsed, machine);
    const { class: name, nodes } = parsed.options.options;
    return name === undefined && !nodes
      ? planOffline(parsed.options, machine)
      : planOnCluster(parsed.options, machine);
  },
};

/**
 * `kubectl classroom plan`: the memory planner without a cluster.
 *
 * @param argv what follows `plan`
 */
export function plan(argv: readonly string[], terminal: Terminal): ExitCode {
  const parsed = parsePlanArguments(argv, terminal.readText);
  return parsed.kind === 'run' ? planOffline(parsed.options, terminal) : notRun(parsed, terminal);
}

function notRun(parsed: Parameters<typeof tellWhy>[0], terminal: Terminal): ExitCode {
  tellWhy(parsed, terminal);
  return parsed.kind === 'print' ? EXIT_CODES.done : EXIT_CODES.usage;
}

function planOffline({ options, files }: PlanArguments, terminal: Terminal): ExitCode {
  const { models, gpus } = comparedBy(options);
  if (models.length > 1 || gpus.length > 1) {
    return showComparison(compare(options, files, { models, gpus }), { options, files }, terminal);
  }
  const result = planEngine(planInput(options, files));
  terminal.stdout.write(render(result, options.output, planTable));
  return result.fits ? EXIT_CODES.done : EXIT_CODES.doesNotFit;
}

/** What the flags name; undefined stands for what the class says. */
function comparedBy({ model, gpu }: PlanArguments['options']): {
  models: readonly (string | undefined)[];
  gpus: readonly ComparedGpu[];
} {
  const each = (text: string | undefined) => (text === undefined ? [undefined] : listOf(text));
  return { models: each(model), gpus: each(gpu).map((name) => ({ by: 'Flag', gpu: name })) };
}

/** Something fits: there is a choice. */
function showComparison(
  comparison: Comparison,
  { options, files }: PlanArguments,
  terminal: Terminal,
): ExitCode {
  const students = options.students ?? files.classFile?.students;
  const asTable = (it: Comparison): string => comparisonTable(it, students !== undefined);
  terminal.stdout.write(render(comparison, options.output, asTable));
  return comparison.plans.some(({ fits }) => fits) ? EXIT_CODES.done : EXIT_CODES.doesNotFit;
}

async function planOnCluster({ options, files }: PlanArguments, machine: Machine): Promise<ExitCode> {
  // It asks a cluster: help and plans without one get along without HTTP.
  const { classOfCluster, gpusOfNodes, planClass } = await import('./from-cluster.ts');
  return withCluster(options, machine, async (cluster) => {
    const { class: name, nodes } = options;
    const classFile =
      name === undefined
        ? files.classFile
        : await withProgress('Reading the class', machine, () => classOfCluster(cluster, name));
    const known = { ...files, classFile };
    const { models, gpus } = comparedBy(options);
    const compared = nodes
      ? await withProgress('Reading the nodes', machine, () => gpusOfNodes(cluster))
      : gpus;
    if (classFile === undefined || nodes || models.length > 1 || compared.length > 1) {
      const comparison = compare(options, known, { models, gpus: compared });
      return showComparison(comparison, { options, files: known }, machine);
    }
    const result = await withProgress('Reading the nodes', machine, () =>
      planClass(options, { ...known, classFile }, cluster),
    );
    const text = render(result, options.output, (it) => `${planTable(it)}\n${it.gpuAvailability.message}\n`);
    machine.stdout.write(text);
    return result.fits ? EXIT_CODES.done : EXIT_CODES.doesNotFit;
  });
}
