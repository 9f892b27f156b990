import { type Flag, wordOf } from '../../command-line/parse.ts';
import { CONNECTION_FLAGS } from '../cluster/flags.ts';
import { CONNECTION_WORDS } from '../cluster/leading-flags.ts';
import type { Known, Runnable, Usage } from '../command.ts';
import { offerOf } from './offers.ts';

/** A word that may come next, and what it is. */
export interface Candidate {
  readonly word: string;
  readonly about?: string;
}

/** What can be written at the end of a command line. */
export interface Completions {
  readonly candidates: readonly Candidate[];
  /** The shell may offer names of files: the value is one, or nobody knows. */
  readonly files: boolean;
}

const NOTHING: Completions = { candidates: [], files: false };

/**
 * What may come next.
 *
 * @param words after the program's name; the last one is being typed, and may be empty
 */
export async function complete(
  program: Runnable,
  words: readonly string[],
  known: Known,
): Promise<Completions> {
  const typed = words.at(-1) ?? '';
  const { usage, before } = await commandAt(program, words.slice(0, -1));
  const found = await completionsOf(usage, before, typed, known);
  return { ...found, candidates: found.candidates.filter(({ word }) => word.startsWith(typed)) };
}

/** Follows the words into commands; `before` is what stands after the name of the last one. */
async function commandAt(
  program: Runnable,
  words: readonly string[],
): Promise<{ usage: Usage; before: readonly string[] }> {
  let { usage } = program;
  let before: string[] = [];
  for (const word of words) {
    const command = usage.commands?.find(({ name }) => name === word);
    const isValue = CONNECTION_WORDS.has(before.at(-1) ?? '');
    if (command === undefined || isValue) {
      before.push(word);
      continue;
    }
    usage = (await command.load()).usage;
    before = [];
  }
  // Before the name of a command there may be flags of the connection.
  return { usage: usage.commands === undefined ? usage : { ...usage, flags: CONNECTION_FLAGS }, before };
}

async function completionsOf(
  usage: Usage,
  before: readonly string[],
  typed: string,
  known: Known,
): Promise<Completions> {
  const read = readBefore(usage, before);
  const values = (field: string | undefined, prefix: string): Promise<Completions> =>
    valuesOf(field, { usage, prefix, typed: typed.slice(prefix.length), given: read.operands, known });
  if (read.awaited !== undefined) return values(read.awaited, '');
  const [flagWord, value] = typed.split('=', 2);
  if (flagWord?.startsWith('--') && value !== undefined) {
    return values(fieldOfWord(usage, flagWord), `${flagWord}=`);
  }
  if (typed.startsWith('-')) return { candidates: flagCandidates(usage), files: false };
  if (usage.commands !== undefined) {
    const candidates = usage.commands.map(({ name, summary }) => ({ word: name, about: summary }));
    return { candidates, files: false };
  }
  return values(operandField(usage, read.operands.length), '');
}

interface Before {
  /** Words that belong to no flag. */
  readonly operands: readonly string[];
  /** The field whose flag is the last word and wants a value. */
  readonly awaited: string | undefined;
}

function readBefore(usage: Usage, words: readonly string[]): Before {
  const operands: string[] = [];
  let awaited: string | undefined;
  for (const word of words) {
    if (awaited !== undefined) awaited = undefined;
    else if (word.startsWith('-')) awaited = word.includes('=') ? undefined : valueFieldOf(usage, word);
    else operands.push(word);
  }
  return { operands, awaited };
}

function valueFieldOf(usage: Usage, word: string): string | undefined {
  const field = fieldOfWord(usage, word);
  return field !== undefined && usage.flags[field]?.spelling.includes('<') ? field : undefined;
}

function fieldOfWord({ flags }: Usage, word: string): string | undefined {
  return Object.keys(flags).find((field) => {
    const flag = flags[field];
    return flag !== undefined && wordsOf(flag).includes(word);
  });
}

/** `-o, --output <format>` → `-o`, `--output`; none for an argument without a flag. */
function wordsOf({ spelling }: Flag): readonly string[] {
  const [short] = /^-.(?=,)/.exec(spelling) ?? [];
  const long = wordOf(spelling);
  return [...(short === undefined ? [] : [short]), ...(long.startsWith('-') ? [long] : [])];
}

function flagCandidates({ flags }: Usage): Candidate[] {
  const own = Object.values(flags).flatMap((flag) => {
    const word = wordsOf(flag).at(-1);
    return word === undefined ? [] : [{ word, about: flag.about }];
  });
  return [...own, { word: '--help', about: 'flags and examples' }];
}

/** The argument at that place; the last one may take all the others. */
function operandField({ flags }: Usage, place: number): string | undefined {
  const fields = Object.keys(flags).filter((field) => !flags[field]?.spelling.startsWith('-'));
  const last = fields.at(-1);
  const isVariadic = last !== undefined && flags[last]?.spelling.includes('...');
  return fields[place] ?? (isVariadic ? last : undefined);
}

/** Where a value is typed. */
interface Place {
  readonly usage: Usage;
  /** What of the word belongs to the flag: `--output=`. */
  readonly prefix: string;
  /** What of the value is there already. */
  readonly typed: string;
  readonly given: readonly string[];
  readonly known: Known;
}

async function valuesOf(field: string | undefined, place: Place): Promise<Completions> {
  const { usage, prefix, typed, given, known } = place;
  const flag = field === undefined ? undefined : usage.flags[field];
  if (field === undefined || flag === undefined) return NOTHING;
  const offer = usage.offers?.[field] ?? offerOf(field, flag);
  if (offer === undefined) return { candidates: [], files: FILES.test(flag.spelling) };
  const words = await offer(given, known);
  const before = LISTS.test(flag.spelling) ? typed.slice(0, typed.lastIndexOf(',') + 1) : '';
  return { candidates: words.map((word) => ({ word: prefix + before + word })), files: false };
}

/** Values that are names of files, and those that are several with commas between, by their word in help. */
const FILES = /<(file|path|roster)>/;
const LISTS = /<ids>/;
