import { dirname } from 'node:path';
import { type EnsureOptions, ensureTools } from './ensure.ts';
import { BinariesError } from './errors.ts';
import { CONTROL_PLANE, KUBECONFORM, PROMETHEUS, type ToolSet } from './tool-sets.ts';
import type { Paths, ToolName } from './versions.ts';

export interface SetupOptions {
  /** `--for-tests` provides what only the tests need as well; `--print` prints the path of each program as JSON. */
  readonly arguments: readonly string[];
  readonly ensure: EnsureOptions;
  readonly stdout: { write(text: string): unknown };
}

const KNOWN = ['--for-tests', '--print'];

/** The command `npm run setup`; gives its exit code. Progress and errors go where the progress goes, the result to stdout. */
export async function runSetup({ arguments: args, ensure, stdout }: SetupOptions): Promise<number> {
  const unknown = args.filter((argument) => !KNOWN.includes(argument));
  if (unknown.length > 0) {
    ensure.progress.line(`setup: unknown argument ${unknown.join(' ')}. Known: ${KNOWN.join(', ')}`);
    return 2;
  }
  const sets = args.includes('--for-tests') ? [CONTROL_PLANE, PROMETHEUS, KUBECONFORM] : [CONTROL_PLANE];
  let paths: Partial<Paths<ToolName>> = {};
  try {
    for (const set of sets) {
      const found = await ensureTools<ToolName>(set, ensure);
      paths = { ...paths, ...found };
      if (!args.includes('--print')) stdout.write(`${summary(set, found)}\n`);
    }
    // The list gives the order of the keys.
    const names = sets.flatMap((set): readonly ToolName[] => set.names);
    if (args.includes('--print')) stdout.write(`${JSON.stringify(paths, [...names], 2)}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof BinariesError)) throw error;
    ensure.progress.line(`setup: ${error.message}`);
    return 1;
  }
}

function summary({ title, names }: ToolSet, paths: Paths<ToolName>): string {
  const folders = Map.groupBy(names, (tool) => dirname(paths[tool]));
  const places = [...folders].map(([folder, tools]) => `${tools.join(', ')} in ${folder}`);
  return `${title} ready: ${places.join('; ')}`;
}
