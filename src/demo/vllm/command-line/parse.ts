import { type FlagDefinition, SERVE_FLAGS } from './flags.ts';

/** What was written on the command line, before it is given a meaning. Keys are the first long name of a flag. */
export interface ParsedCommandLine {
  readonly model: string | undefined;
  /** `true`/`false` for switches and toggles, all values (in order) for the others. */
  readonly flags: ReadonlyMap<string, readonly string[] | boolean>;
}

/** A command line that `vllm` refuses: it prints `message` on standard error and exits with `exitCode`. */
export class CommandLineError extends Error {
  readonly exitCode = 2;
}

const USAGE = `usage: vllm [-h] [-v]
            {chat,complete,serve,launch,bench,collect-env,run-batch} ...
`;
/** First line of what `vllm serve` says of its arguments. */
export const SERVE_USAGE = 'usage: vllm serve [model_tag] [options]\n';

interface FoundFlag {
  readonly flag: FlagDefinition;
  readonly name: string;
  readonly negated: boolean;
}

const longName = (flag: FlagDefinition): string => flag.names.find((name) => name.startsWith('--')) ?? '';

const BY_SPELLING: ReadonlyMap<string, FoundFlag> = new Map(
  SERVE_FLAGS.flatMap((flag) => {
    const name = longName(flag);
    const spellings: [string, FoundFlag][] = flag.names.map((each) => [each, { flag, name, negated: false }]);
    if (flag.kind === 'toggle') {
      spellings.push([name.replace('--', '--no-'), { flag, name, negated: true }]);
    }
    return spellings;
  }),
);

/** An exact spelling, a JSON path under one (`--x.key`), or an unambiguous beginning, as argparse takes it. */
function findFlag(spelling: string): FoundFlag | undefined {
  const exact = BY_SPELLING.get(spelling) ?? BY_SPELLING.get(spelling.replace(/\.[\w.+-]+$/, ''));
  if (exact !== undefined || !spelling.startsWith('--')) return exact;
  const beginnings = [...BY_SPELLING].filter(([name]) => name.startsWith(spelling));
  if (beginnings.length > 1) {
    const matches = beginnings.map(([name]) => name).join(', ');
    throw serveError(`ambiguous option: ${spelling} could match ${matches}`);
  }
  return beginnings[0]?.[1];
}

const serveError = (message: string): CommandLineError =>
  new CommandLineError(`${SERVE_USAGE}vllm serve: error: ${message}\n`);

function checkValue({ flag }: FoundFlag, value: string): void {
  const argument = flag.names.join('/');
  if (flag.choices !== undefined && !flag.choices.includes(value)) {
    const choices = flag.choices.map((choice) => `'${choice}'`).join(', ');
    throw serveError(`argument ${argument}: invalid choice: '${value}' (choose from ${choices})`);
  }
  if (flag.type === 'integer' && !/^[+-]?\d+$/.test(value)) {
    throw serveError(`argument ${argument}: invalid int value: '${value}'`);
  }
  if (flag.type === 'number' && Number.isNaN(Number.parseFloat(value))) {
    throw serveError(`argument ${argument}: invalid float value: '${value}'`);
  }
  if (flag.type === 'size' && value !== 'auto' && !/^-?\d+$|^\d+(\.\d+)?[kKmMgGtT]$/.test(value)) {
    throw serveError(`argument ${argument}: invalid human_readable_int value: '${value}'`);
  }
}

/** A negative number is a value, not a flag. */
const isFlag = (text: string): boolean => /^-{1,2}[A-Za-z]/.test(text);

function takeValues(
  found: FoundFlag,
  inline: string | undefined,
  rest: string[],
): readonly string[] | boolean {
  const { flag, name, negated } = found;
  if (flag.kind === 'switch' || flag.kind === 'toggle') {
    if (inline !== undefined) throw serveError(`argument ${name}: ignored explicit argument '${inline}'`);
    return !negated;
  }
  const values = inline === undefined ? [] : [inline];
  const limit = flag.kind === 'list' ? Number.POSITIVE_INFINITY : 1;
  if (inline === undefined) {
    while (values.length < limit && rest[0] !== undefined && !isFlag(rest[0]))
      values.push(rest.shift() ?? '');
  }
  if (values.length === 0 && flag.kind !== 'optional') {
    const expected = flag.kind === 'list' ? 'at least one argument' : 'one argument';
    throw serveError(`argument ${flag.names.join('/')}: expected ${expected}`);
  }
  for (const value of values) checkValue(found, value);
  return values;
}

/** `--max_model_len=8k` is `--max-model-len 8k`. */
function splitInline(text: string): { spelling: string; inline: string | undefined } {
  const equals = text.indexOf('=');
  const written = equals < 0 ? text : text.slice(0, equals);
  const spelling = written.startsWith('--') ? written.replaceAll('_', '-') : written;
  return { spelling, inline: equals < 0 ? undefined : text.slice(equals + 1) };
}

/**
 * Reads the arguments of `vllm serve` 0.32.0, with or without the word `serve` (the image's entry point has it).
 *
 * @throws {CommandLineError} with vLLM's own text for anything vLLM refuses at this point
 */
export function parseCommandLine(argv: readonly string[]): ParsedCommandLine {
  const rest = argv[0] === 'serve' ? argv.slice(1) : [...argv];
  const flags = new Map<string, readonly string[] | boolean>();
  const positionals: string[] = [];
  const unknown: string[] = [];
  for (let text = rest.shift(); text !== undefined; text = rest.shift()) {
    if (!isFlag(text)) {
      (unknown.length > 0 || positionals.length > 0 ? unknown : positionals).push(text);
      continue;
    }
    const optimization = /^-O(\d)$/.exec(text)?.[1];
    const { spelling, inline } =
      optimization === undefined
        ? splitInline(text)
        : { spelling: '--optimization-level', inline: optimization };
    const found = findFlag(spelling);
    if (found === undefined) {
      unknown.push(text);
      continue;
    }
    flags.set(found.name, takeValues(found, inline, rest));
  }
  if (unknown.length > 0) {
    throw new CommandLineError(`${USAGE}vllm: error: unrecognized arguments: ${unknown.join(' ')}\n`);
  }
  const named = flags.get('--model');
  return { model: positionals[0] ?? (Array.isArray(named) ? named[0] : undefined), flags };
}
