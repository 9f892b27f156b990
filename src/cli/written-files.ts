import { confirm } from './confirm.ts';
import type { Machine } from './machine.ts';
import { problems } from './problems.ts';

/** What a command writes. */
export interface OutputFile {
  readonly path: string;
  readonly text: string;
}

/**
 * Writes files that nobody but their owner may read, after asking whether those that are there may be replaced.
 *
 * @throws CliError when they may not, or cannot be written
 */
export async function writeFiles(
  files: readonly OutputFile[],
  options: { readonly yes: boolean },
  machine: Machine,
): Promise<void> {
  const { privateFiles } = machine;
  const [first, ...more] = await privateFiles.existing(files.map(({ path }) => path));
  if (first !== undefined) {
    const what = more.length === 0 ? first : `${first} and ${more.length} more files`;
    await confirm(`This replaces ${what}.`, options, machine);
  }
  for (const { path, text } of files) {
    try {
      await privateFiles.write(path, text);
    } catch (error) {
      throw problems.notWritten({ path, why: error instanceof Error ? error.message : String(error) });
    }
  }
}
