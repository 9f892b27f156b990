import { dirname } from 'node:path';
import { type EnsureOptions, ensureBinaries } from './ensure.ts';
import { BinariesError } from './errors.ts';
import { type Binaries, TOOL_NAMES } from './versions.ts';

export interface SetupOptions {
  /** `--print` prints the path of each program as JSON. */
  readonly arguments: readonly string[];
  readonly ensure: EnsureOptions;
  readonly stdout: { write(text: string): unknown };
}

/** The command `npm run setup`; gives its exit code. Progress and errors go where the progress goes, the result to stdout. */
export async function runSetup({ arguments: args, ensure, stdout }: SetupOptions): Promise<number> {
  const unknown = args.filter((argument) => argument !== '--print');
  if (unknown.length > 0) {
    ensure.progress.line(`setup: unknown argument ${unknown.join(' ')}. Known: --print`);
    return 2;
  }
  try {
    const binaries = await ensureBinaries(ensure);
    // The list gives the order of the keys.
    const json = () => JSON.stringify(binaries, [...TOOL_NAMES], 2);
    stdout.write(`${args.includes('--print') ? json() : summary(binaries)}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof BinariesError)) throw error;
    ensure.progress.line(`setup: ${error.message}`);
    return 1;
  }
}

function summary(binaries: Binaries): string {
  const folders = Map.groupBy(TOOL_NAMES, (tool) => dirname(binaries[tool]));
  const places = [...folders].map(([folder, tools]) => `${tools.join(', ')} in ${folder}`);
  return `Control plane ready: ${places.join('; ')}`;
}
