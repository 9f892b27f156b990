import type { Runnable } from '../command.ts';
import type { Machine } from '../machine.ts';
import { complete } from './complete.ts';
import { knownOf } from './known.ts';

/**
 * Directives of cobra's completions, which kubectl asks of its plugins:
 * https://github.com/spf13/cobra/blob/main/completions.go (ShellCompDirective)
 */
const DIRECTIVES = { default: 0, noFiles: 4 } as const;

/**
 * Prints what may come next as kubectl reads it from `kubectl_complete-<plugin>`: a candidate a line, with what it is
 * after a tab, and a directive in the last line.
 *
 * @param words after the program's name; the last one is being typed, and may be empty
 * @see https://github.com/kubernetes/kubectl/blob/master/pkg/cmd/plugin_completion.go
 */
export async function printCompletions(
  program: Runnable,
  words: readonly string[],
  machine: Machine,
): Promise<void> {
  const { candidates, files } = await complete(program, words, knownOf(words, machine));
  const lines = candidates.map(({ word, about }) => (about === undefined ? word : `${word}\t${about}`));
  machine.stdout.write([...lines, `:${files ? DIRECTIVES.default : DIRECTIVES.noFiles}`, ''].join('\n'));
}
