import { closest } from '../command-line/closest.ts';
import { leadingFlags } from './cluster/leading-flags.ts';
import type { Command, Runnable } from './command.ts';
import { EXIT_CODES } from './exit-codes.ts';

/** Commands under one word, such as `keys export` and `keys rotate`. */
export interface Group {
  /** As typed after `kubectl classroom`; empty: the program itself. */
  readonly name: string;
  /** What help begins with. */
  readonly description: string;
  readonly commands: readonly Command[];
  /** Lines of help on options of its own. */
  readonly options?: readonly string[];
}

/**
 * Runs the command that the first word names, and says what there is when it names none. Flags of the connection may
 * stand before that word, as in `-n school keys export`.
 */
export function groupOf(group: Group): Runnable {
  const { commands, description } = group;
  const run: Runnable['run'] = async (argv, machine) => {
    const before = leadingFlags(argv);
    const [word, ...rest] = argv.slice(before.length);
    switch (word) {
      case '--help':
      case '-h':
      case 'help':
        // `help plan` is `plan --help`.
        if (word === 'help' && rest.length > 0) return run([...rest, '--help'], machine);
        machine.stdout.write(overview(group));
        return EXIT_CODES.done;
      case undefined:
        machine.stderr.write(overview(group));
        return EXIT_CODES.usage;
      default: {
        const command = commands.find(({ name }) => name === word);
        if (command !== undefined) return (await command.load()).run([...before, ...rest], machine);
        machine.stderr.write(unknownCommand(group, word));
        return EXIT_CODES.usage;
      }
    }
  };
  return { usage: { description, flags: {}, examples: [], commands }, run };
}

function titleOf({ name }: Group): string {
  return ['kubectl classroom', name].join(' ').trimEnd();
}

function unknownCommand(group: Group, word: string): string {
  const names = group.commands.map(({ name }) => name);
  const meant = closest(word, names);
  const advice = meant === undefined ? `there is ${names.join(', ')}` : `did you mean ${meant}?`;
  const title = titleOf(group);
  return `error: '${word}' is no command of ${title}: ${advice}\nSee what there is: ${title} --help\n`;
}

function overview(group: Group): string {
  const { commands, description, options = [] } = group;
  const width = Math.max(...commands.map(({ name }) => name.length));
  return [
    `Usage: ${titleOf(group)} <command> [options]`,
    '',
    description,
    '',
    'Commands:',
    ...commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    '',
    'Options:',
    ...options.map((line) => `  ${line}`),
    '  -h, --help     this text; after a command: its flags and examples',
    '',
  ].join('\n');
}
