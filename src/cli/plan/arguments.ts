import { type Parsed, type Program, parseCommandLine, type Texts } from '../../command-line/parse.ts';
import { type ClassFile, parseClassFile } from './class-file.ts';
import { EXAMPLES } from './examples.ts';
import { type ModelConfig, type PlanFiles, parseModelConfig } from './input.ts';
import { PLAN_FLAGS, type PlanOptions, planOptionsSchema } from './options.ts';
import { subjectFaults } from './subject-faults.ts';

/** What `plan` was asked: flags, and the content of the files they name. */
export interface PlanArguments {
  readonly options: PlanOptions;
  readonly files: PlanFiles;
}

/** The command line of `plan`. */
export const PLAN: Program<typeof planOptionsSchema> = {
  name: 'kubectl classroom plan',
  description:
    'Says whether a model fits a GPU, how many students an engine carries and with which arguments it is started. Needs no cluster, unless a class of it is named, or --nodes.',
  schema: planOptionsSchema,
  flags: PLAN_FLAGS,
  epilogue: [
    '',
    'Exit codes: 0 it fits, 3 it does not fit (the plan is printed all the same), 2 flags or files cannot be used.',
    '',
    'Examples:',
    ...EXAMPLES.map(({ about, command }) => `  # ${about}\n  ${command}\n`),
  ].join('\n'),
};

/**
 * Reads flags and files; all that is wrong is told at once.
 *
 * @param argv without `plan`
 * @param readText may throw
 */
export function parsePlanArguments(
  argv: readonly string[],
  readText: (path: string) => string,
): Parsed<PlanArguments> {
  let files: PlanFiles = {};
  const parsed = parseCommandLine(PLAN, argv, undefined, (given) => {
    const classFile = readClass(given, readText);
    const modelConfig = readModelConfig(given, readText);
    files = { classFile: classFile.content, modelConfig: modelConfig.content };
    const faults = [...classFile.faults, ...modelConfig.faults, ...subjectFaults(given, files)];
    return { texts: new Map(), faults };
  });
  return parsed.kind === 'run' ? { ...parsed, options: { options: parsed.options, files } } : parsed;
}

/** What a flag's file holds; undefined where the flag is absent, or the file cannot be used. */
interface Read<Content> {
  content?: Content;
  faults: string[];
}

function readClass({ from }: Texts, readText: (path: string) => string): Read<ClassFile> {
  if (from === undefined) return { faults: [] };
  const text = attempt('--from', from, readText);
  if (text.content === undefined) return { faults: text.faults };
  const file = parseClassFile(text.content);
  return 'faults' in file
    ? { faults: file.faults.map((fault) => `--from ${from}: ${fault}`) }
    : { content: file, faults: [] };
}

function readModelConfig(
  { modelConfig, from }: Texts,
  readText: (path: string) => string,
): Read<ModelConfig> {
  if (modelConfig === undefined) return { faults: [] };
  if (modelConfig === '-' && from === '-') {
    return { faults: ["--from and --model-config must not both be '-': there is one standard input"] };
  }
  return attempt('--model-config', modelConfig, (path) => parseModelConfig(readText(path)));
}

function attempt<Content>(flag: string, path: string, read: (path: string) => Content): Read<Content> {
  try {
    return { content: read(path), faults: [] };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { faults: [`${flag} ${path} cannot be read: ${why}`] };
  }
}
