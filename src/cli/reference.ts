import type { Terminal } from './command.ts';
import { COMMANDS } from './commands.ts';
import { planReference } from './plan/reference.ts';

/**
 * What `docs/cli.md` says that the code knows, by placeholder.
 *
 * @param readText of files that the examples name, from the root of the repository
 */
export function cliReference(readText: Terminal['readText']): Record<string, string> {
  return {
    commands: COMMANDS.map(({ name, summary }) => `| \`${name}\` | ${summary} |`).join('\n'),
    ...planReference(readText),
  };
}
