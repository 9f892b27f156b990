import { type FlagDefinition, SERVE_FLAGS } from './flags.ts';
import { SERVE_USAGE } from './parse.ts';

/** Column of argparse's explanations. */
const COLUMN = 24;

/** Whether the arguments ask for help and for nothing else, wherever that stands: no value begins with a dash. */
export function asksForHelp(argv: readonly string[]): boolean {
  return argv.some((text) => text === '-h' || /^--help(=|$)/.test(text));
}

/** Every flag of `vllm serve`, with its choices and default, as `vllm serve --help=all` lays them out. */
export function serveHelp(): string {
  return [SERVE_USAGE, 'options:', ...SERVE_FLAGS.map(describe), ''].join('\n');
}

function describe(flag: FlagDefinition): string {
  const head = `  ${spellingsOf(flag).join(', ')}`;
  if (flag.default === undefined) return head;
  const explained = `(default: ${flag.default})`;
  const fits = head.length < COLUMN - 1;
  return fits ? head.padEnd(COLUMN) + explained : `${head}\n${' '.repeat(COLUMN)}${explained}`;
}

function spellingsOf(flag: FlagDefinition): string[] {
  const value = valueNameOf(flag);
  const spellings = flag.names.map((name) => (value === '' ? name : `${name} ${value}`));
  const negatives = flag.kind === 'toggle' ? flag.names.filter((name) => name.startsWith('--')) : [];
  return [...spellings, ...negatives.map((name) => name.replace('--', '--no-'))];
}

function valueNameOf({ names, kind, choices }: FlagDefinition): string {
  if (kind === 'switch' || kind === 'toggle') return '';
  const [name = ''] = names.filter((each) => each.startsWith('--'));
  const value =
    choices === undefined ? name.slice(2).replaceAll('-', '_').toUpperCase() : `{${choices.join(',')}}`;
  if (kind === 'list') return `${value} [${value} ...]`;
  return kind === 'optional' ? `[${value}]` : value;
}
