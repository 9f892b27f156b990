import { Argument, Command, Option } from 'commander';
import type { z } from 'zod';
import { closest } from './closest.ts';

/** Environment variables are the flags in capitals with this prefix: `--log-level` is `GPU_CLASSROOM_LOG_LEVEL`. */
const ENVIRONMENT_PREFIX = 'GPU_CLASSROOM_';

/** Of a process whose command line cannot be used, as of most programs. */
const USAGE_EXIT_CODE = 2;

/** One thing that can be set. */
export interface Flag {
  /**
   * As help shows it: `--workers <n>`, `-o, --output <format>`, `--once`, `--no-metrics`, or `[mode]` for an argument
   * without a flag. `[names...]` is all that are left: the schema gets them in one text, a space between them.
   */
  spelling: string;
  about: string;
  /** As it would be written on the command line; the schema reads it like one. Switches need none. */
  default?: string;
  /** All that may be written as its value, where that is a list: for completion in shells. The schema decides. */
  words?: readonly string[];
}

/** A program as far as its command line goes. */
export interface Program<Schema extends z.ZodObject> {
  name: string;
  description: string;
  /** What help ends with, such as examples. */
  epilogue?: string;
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

/** The texts that are in force, by field, before the schema read them. */
export type Texts = Readonly<Record<string, string>>;

/** How a command line was understood. */
export type Parsed<Options> = { kind: 'run'; options: Options; texts: Texts } | NotRun;

/** What a file says of the settings: more than the defaults, less than the environment and the flags. */
export interface SettingsFile {
  /** By field. `where` says where it stands: a fault of it is told with these words before it. */
  readonly texts: ReadonlyMap<string, { readonly text: string; readonly where: string }>;
  /** What else is wrong with the file, a line each. */
  readonly faults: readonly string[];
}

/** Reads the file that flags or environment name, if they name one. */
export type ReadSettingsFile = (given: Texts) => SettingsFile | undefined;

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads flags, environment and perhaps a file; flags win over variables and these over the file. Empty variables count
 * as absent. All mistakes are reported at once.
 *
 * @param argv without the program's name
 * @param env undefined: the program takes nothing from the environment
 */
export function parseCommandLine<Schema extends z.ZodObject>(
  program: Program<Schema>,
  argv: readonly string[],
  env?: Environment,
  readFile?: ReadSettingsFile,
): Parsed<z.infer<Schema>> {
  const fields = fieldsOf(program.flags, env);
  const command = createCommand(program, fields);
  const words = readWords(command, fields, argv);
  if (words.askForHelp) return { kind: 'print', text: command.helpInformation() + (program.epilogue ?? '') };
  const given = { ...environmentTexts(fields, env), ...words.texts };
  const file = readFile?.(given) ?? { texts: new Map(), faults: [] };
  const texts = { ...defaultTexts(fields), ...textsOf(file), ...given };
  const parsed = program.schema.safeParse(texts);
  const issues = (parsed.error?.issues ?? []).filter(({ path }) => !words.withoutValue.has(path[0]));
  const faults = [
    ...words.faults,
    ...file.faults,
    ...issues.map((issue) => describe(issue, { fields, texts, given, file })),
  ];
  if (parsed.success && faults.length === 0) return { kind: 'run', options: parsed.data, texts };
  const lines = faults.map((fault) => `  ${fault}\n`).join('');
  return { kind: 'refused', text: refusal(program.name, env !== undefined, lines) };
}

/** A person who types a command wants to know which help; a program that is configured is told of in its log. */
function refusal(name: string, hasEnvironment: boolean, lines: string): string {
  return hasEnvironment
    ? `The configuration is not valid:\n${lines}See --help.\n`
    : `error: The flags of ${name} cannot be used:\n${lines}See what it takes: ${name} --help\n`;
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
    if (!isOption(spelling)) {
      return { name, flag, declared: new Argument(spelling, aboutOf(flag)), variable: undefined };
    }
    const variable = env === undefined ? undefined : variableOf(spelling);
    // With an optional value commander does not take the next flag for the value of this one.
    const declared = new Option(spelling.replace(/<(.*)>/, '[$1]'), aboutOf(flag, variable));
    return { name, flag, declared, variable };
  });
}

function aboutOf({ about, default: fallback }: Flag, variable?: string): string {
  const end = variable === undefined ? '' : ` [${variable}]`;
  return `${about}${fallback === undefined ? '' : ` (default: ${fallback})`}${end}`;
}

function createCommand(
  { name, description }: Pick<Program<z.ZodObject>, 'name' | 'description'>,
  fields: readonly Field[],
): Command {
  const spelled = new Map(fields.map(({ declared, flag }) => [declared, flag.spelling]));
  const command = new Command(name)
    .description(description)
    .configureHelp({ optionTerm: (option) => spelled.get(option) ?? option.flags });
  for (const { declared } of fields) {
    if (declared instanceof Option) command.addOption(declared);
    else command.addArgument(declared);
  }
  return command;
}

/** What a command line says, before the schema reads it. */
interface Words {
  askForHelp: boolean;
  /** By field. */
  texts: Texts;
  /** Fields whose flag is there, but nothing after it. */
  withoutValue: ReadonlySet<PropertyKey | undefined>;
  /** Flags and words that the program does not know, and flags without their value. */
  faults: string[];
}

function readWords(command: Command, fields: readonly Field[], argv: readonly string[]): Words {
  const { operands, unknown } = command.parseOptions([...argv]);
  const end = unknown.indexOf('--');
  const strange = unknown.slice(0, end < 0 ? undefined : end).filter((word) => word.startsWith('-'));
  const withoutValue = fields.filter((field) => lacksValue(field, command));
  return {
    askForHelp: strange.some((word) => word === '--help' || word === '-h'),
    texts: Object.fromEntries(fields.flatMap((field) => writtenText(field, command, operands))),
    withoutValue: new Set(withoutValue.map(({ name }) => name)),
    faults: [
      ...strange.map((word) => unknownOption(word, command)),
      ...withoutValue.map(({ flag }) => `${wordOf(flag.spelling)} must be followed by a value`),
      ...operandsWithoutField(command, operands).map(
        (word) => `'${word}' is not expected: values are written after their flag`,
      ),
    ],
  };
}

function operandsWithoutField(
  { registeredArguments }: Command,
  operands: readonly string[],
): readonly string[] {
  return registeredArguments.at(-1)?.variadic ? [] : operands.slice(registeredArguments.length);
}

function unknownOption(word: string, command: Command): string {
  const name = word.replace(/=.*$/s, '');
  const meant = closest(
    name,
    command.options.flatMap(({ long }) => long ?? []),
  );
  if (meant === name) return `${name} takes no value`;
  return `unknown option '${name}'${meant === undefined ? '' : `: did you mean ${meant}?`}`;
}

/** Commander gives a flag that wants a value and has none the value `true`. */
function lacksValue({ declared, flag }: Field, command: Command): boolean {
  if (declared instanceof Argument || !flag.spelling.includes('<')) return false;
  return command.getOptionValue(declared.attributeName()) === true;
}

function writtenText(field: Field, command: Command, operands: readonly string[]): [string, string][] {
  const { name, declared } = field;
  if (declared instanceof Argument) {
    const place = command.registeredArguments.indexOf(declared);
    const words = operands.slice(place, declared.variadic ? undefined : place + 1);
    return words.length === 0 ? [] : [[name, words.join(' ')]];
  }
  const attribute = declared.attributeName();
  // Commander gives `--no-metrics` a default of its own, which would hide the environment.
  if (command.getOptionValueSource(attribute) !== 'cli' || lacksValue(field, command)) return [];
  return [[name, String(command.getOptionValue(attribute))]];
}

/** Empty variables count as absent. */
function environmentTexts(fields: readonly Field[], env: Environment = {}): Texts {
  const texts = fields.map(({ name, variable }) => [
    name,
    variable === undefined ? '' : (env[variable] ?? ''),
  ]);
  return Object.fromEntries(texts.filter(([, text]) => text !== ''));
}

function defaultTexts(fields: readonly Field[]): Texts {
  const texts = fields.map(({ name, flag }) => [name, defaultOf(flag)] as const);
  return Object.fromEntries(texts.filter((pair): pair is [string, string] => pair[1] !== undefined));
}

function textsOf(file: SettingsFile): Texts {
  return Object.fromEntries([...file.texts].map(([name, { text }]) => [name, text]));
}

function defaultOf({ spelling, default: value }: Flag): string | undefined {
  if (!isOption(spelling) || spelling.includes('<')) return value;
  return String(spelling.startsWith('--no-'));
}

function isOption(spelling: string): boolean {
  return spelling.startsWith('-');
}

/** `--gateway-base-url <url>` → `GPU_CLASSROOM_GATEWAY_BASE_URL`; `--no-metrics` → `GPU_CLASSROOM_METRICS`. */
export function variableOf(spelling: string): string {
  return ENVIRONMENT_PREFIX + nameOf(spelling).replaceAll('-', '_').toUpperCase();
}

/** What a flag is called in a file: `--gateway-base-url <url>` → `gatewayBaseUrl`. */
export function settingNameOf(spelling: string): string {
  return nameOf(spelling).replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function nameOf(spelling: string): string {
  return wordOf(spelling).replace(/^--(no-)?/, '');
}

/** `--workers <n>` → `--workers`, `-o, --output <format>` → `--output`, `[names...]` → `names`. */
export function wordOf(spelling: string): string {
  return spelling
    .replace(/^-., /, '')
    .replace(/ .*$/, '')
    .replace(/[[\]<>]|\.\.\./g, '');
}

interface Understood {
  fields: readonly Field[];
  texts: Texts;
  given: Texts;
  file: SettingsFile;
}

function describe({ path, message }: z.core.$ZodIssue, { fields, texts, given, file }: Understood): string {
  const field = fields.find(({ name }) => name === path[0]);
  if (field === undefined) return message;
  const written = given[field.name] === undefined ? file.texts.get(field.name) : undefined;
  if (written !== undefined) return `${written.where} ${message}`;
  const variable = field.variable === undefined ? '' : ` (or ${field.variable})`;
  return `${wordOf(field.flag.spelling)}${variable} ${texts[field.name] === undefined ? 'must be set' : message}`;
}
