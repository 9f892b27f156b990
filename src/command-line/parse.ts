import { Argument, Command, CommanderError, Option } from 'commander';
import type { z } from 'zod';

/** Environment variables are the flags in capitals with this prefix: `--log-level` is `GPU_CLASSROOM_LOG_LEVEL`. */
const ENVIRONMENT_PREFIX = 'GPU_CLASSROOM_';

/** Of a process whose command line cannot be used, as of most programs. */
const USAGE_EXIT_CODE = 2;

/** One thing that can be set. */
export interface Flag {
  /** As help shows it: `--workers <n>`, `--once`, `--no-metrics`, or `[mode]` for an argument without a flag. */
  spelling: string;
  about: string;
  /** As it would be written on the command line; the schema reads it like one. Switches need none. */
  default?: string;
}

/** A program as far as its command line goes. */
export interface Program<Schema extends z.ZodObject> {
  name: string;
  description: string;
  /** Reads texts: what is written, or the default. Switches are the texts 'true' and 'false'. */
  schema: Schema;
  /** One for each field of the schema. */
  flags: { readonly [Field in keyof z.infer<Schema>]-?: Flag };
}

/** Why a program does not run. */
export type NotRun =
  /** `--help`: print and end well. */
  | { kind: 'print'; text: string }
  /** Everything that is wrong, for standard error. */
  | { kind: 'refused'; text: string };

/** How a command line was understood. */
export type Parsed<Options> = { kind: 'run'; options: Options } | NotRun;

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads flags and environment; flags win, and empty variables count as absent. All mistakes are reported at once.
 *
 * @param argv without the program's name
 * @param env undefined: the program takes nothing from the environment
 */
export function parseCommandLine<Schema extends z.ZodObject>(
  program: Program<Schema>,
  argv: readonly string[],
  env?: Environment,
): Parsed<z.infer<Schema>> {
  let output = '';
  const fields = fieldsOf(program.flags, env);
  const command = createCommand(program, fields, (text) => {
    output += text;
  });
  try {
    command.parse(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { kind: error.exitCode === 0 ? 'print' : 'refused', text: output };
  }
  const given = Object.fromEntries(fields.flatMap((field) => settingOf(field, command, env)));
  const parsed = program.schema.safeParse(given);
  if (parsed.success) return { kind: 'run', options: parsed.data };
  return { kind: 'refused', text: refusal(parsed.error, fields, given) };
}

/**
 * Says why a program does not run, where help and errors belong.
 *
 * @returns the exit code
 */
export function tellWhy(
  { kind, text }: NotRun,
  { stdout, stderr }: Record<'stdout' | 'stderr', { write(text: string): unknown }>,
): number {
  (kind === 'print' ? stdout : stderr).write(text);
  return kind === 'print' ? 0 : USAGE_EXIT_CODE;
}

interface Field {
  name: string;
  flag: Flag;
  /** What commander makes of it. */
  declared: Option | Argument;
  /** Undefined: the environment does not count. */
  variable: string | undefined;
}

function fieldsOf(flags: Readonly<Record<string, Flag>>, env: Environment | undefined): Field[] {
  return Object.entries(flags).map(([name, flag]) => {
    const { spelling } = flag;
    if (!spelling.startsWith('--')) {
      return { name, flag, declared: new Argument(spelling, aboutOf(flag)), variable: undefined };
    }
    const variable = env === undefined ? undefined : variableOf(spelling);
    return { name, flag, declared: new Option(spelling, aboutOf(flag, variable)), variable };
  });
}

function aboutOf({ about, default: fallback }: Flag, variable?: string): string {
  const end = variable === undefined ? '' : ` [${variable}]`;
  return `${about}${fallback === undefined ? '' : ` (default: ${fallback})`}${end}`;
}

function createCommand(
  { name, description }: Pick<Program<z.ZodObject>, 'name' | 'description'>,
  fields: readonly Field[],
  write: (text: string) => void,
): Command {
  const command = new Command(name)
    .description(description)
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({ writeOut: write, writeErr: write });
  for (const { declared } of fields) {
    if (declared instanceof Option) command.addOption(declared);
    else command.addArgument(declared);
  }
  return command;
}

/** What was written, what the environment says, or the default. */
function settingOf(
  { name, flag, declared, variable }: Field,
  command: Command,
  env: Environment = {},
): [string, string][] {
  const environment = variable === undefined ? '' : (env[variable] ?? '');
  const value = writtenValue(declared, command) ?? (environment === '' ? defaultOf(flag) : environment);
  return value === undefined ? [] : [[name, value]];
}

function defaultOf({ spelling, default: value }: Flag): string | undefined {
  if (!spelling.startsWith('--') || spelling.includes(' ')) return value;
  return String(spelling.startsWith('--no-'));
}

function writtenValue(declared: Option | Argument, command: Command): string | undefined {
  if (declared instanceof Argument)
    return command.processedArgs[command.registeredArguments.indexOf(declared)];
  const attribute = declared.attributeName();
  // Commander gives `--no-metrics` a default of its own, which would hide the environment.
  if (command.getOptionValueSource(attribute) !== 'cli') return undefined;
  return String(command.getOptionValue(attribute));
}

/** `--gateway-base-url <url>` → `GPU_CLASSROOM_GATEWAY_BASE_URL`; `--no-metrics` → `GPU_CLASSROOM_METRICS`. */
function variableOf(spelling: string): string {
  const name = wordOf(spelling).replace(/^--(no-)?/, '');
  return ENVIRONMENT_PREFIX + name.replaceAll('-', '_').toUpperCase();
}

/** `--workers <n>` → `--workers`, `[mode]` → `mode`. */
function wordOf(spelling: string): string {
  return spelling.replace(/ .*$/, '').replace(/[[\]<>]/g, '');
}

function refusal(
  error: z.ZodError,
  fields: readonly Field[],
  given: Readonly<Record<string, string>>,
): string {
  const lines = error.issues.map(({ path, message }) => {
    const field = fields.find(({ name }) => name === path[0]);
    if (field === undefined) return `  ${message}`;
    const variable = field.variable === undefined ? '' : ` (or ${field.variable})`;
    return `  ${wordOf(field.flag.spelling)}${variable} ${given[field.name] === undefined ? 'must be set' : message}`;
  });
  return `The configuration is not valid:\n${lines.join('\n')}\nSee --help.\n`;
}
