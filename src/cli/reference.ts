import { cell } from '../markdown/table.ts';
import { columnOf, ROSTER_FIELDS, type RosterField } from '../student/roster/columns.ts';
import { CONNECTION_FLAGS } from './cluster/flags.ts';
import type { Command, Terminal, Usage } from './command.ts';
import { COMMANDS } from './commands.ts';
import { EXIT_CODE_MEANINGS } from './exit-codes.ts';
import { flagRow } from './flag-row.ts';
import { planReference } from './plan/reference.ts';
import { REPORT_FIELDS } from './status/report-fields.ts';

/** A command with the words that lead to it, such as `keys export`. */
interface Documented {
  readonly name: string;
  readonly usage: Usage;
}

/** It has a chapter of its own, written by hand. */
const IN_DETAIL = 'plan';

/** Every command that has no commands below it. */
async function leavesOf(commands: readonly Command[], before = ''): Promise<Documented[]> {
  const leaves = await Promise.all(
    commands.map(async (command): Promise<Documented[]> => {
      const { usage } = await command.load();
      const name = before + command.name;
      return usage.commands === undefined ? [{ name, usage }] : leavesOf(usage.commands, `${name} `);
    }),
  );
  return leaves.flat();
}

const LEAVES = await leavesOf(COMMANDS);

/**
 * What `docs/cli.md` says that the code knows, by placeholder.
 *
 * @param readText of files that the examples name, from the root of the repository
 */
export function cliReference(readText: Terminal['readText']): Record<string, string> {
  return {
    commands: COMMANDS.map(({ name, summary }) => `| \`${name}\` | ${summary} |`).join('\n'),
    'connection-flags': Object.values(CONNECTION_FLAGS).map(flagRow).join('\n'),
    'command-chapters': LEAVES.filter(({ name }) => name !== IN_DETAIL)
      .map(chapter)
      .join('\n'),
    'exit-codes': EXIT_CODE_MEANINGS.map(([code, meaning]) => `| ${code} | ${meaning} |`).join('\n'),
    'status-fields': Object.entries(REPORT_FIELDS)
      .map(([field, about]) => `| \`${field}\` | ${cell(about)} |`)
      .join('\n'),
    'roster-columns': ROSTER_FIELDS.map(rosterRow).join('\n'),
    ...planReference(readText),
  };
}

function rosterRow(field: RosterField): string {
  const { aliases, about } = columnOf(field);
  return `| \`${field}\` | ${aliases.map((word) => `\`${word}\``).join(', ')} | ${cell(about)} |`;
}

function chapter({ name, usage }: Documented): string {
  const { description, flags, examples } = usage;
  const rows = Object.entries(flags).flatMap(([field, flag]) =>
    field in CONNECTION_FLAGS ? [] : [flagRow(flag)],
  );
  const table = ['| flag | default | meaning |', '|---|---|---|', ...rows, ''];
  const commands = examples.flatMap(({ about, command }) => [`# ${about}`, command]);
  const shown = ['```sh', ...commands, '```', ''];
  return [
    `### ${name}`,
    '',
    description,
    '',
    ...(rows.length === 0 ? [] : table),
    ...(examples.length === 0 ? [] : shown),
  ].join('\n');
}
