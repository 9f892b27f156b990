import { type Block, readDocument } from './documents.ts';

/** A command of a transcript, and what came of it. */
export interface Step {
  /** As it was typed, its first line. */
  readonly title: string;
  readonly script: string;
  /** What was written, without the blank lines around it. */
  readonly written: string;
  /** The exit code. */
  readonly code: number;
}

/**
 * The commands of a document: blocks of the language `console`, in which `$ ` begins a command, `> ` goes on with it,
 * and what was written follows. A command that fails ends with its exit code as `[1]`. `…` stands for something that is
 * different each time; alone in a line, for one or more lines that are not all blank.
 *
 * @param path relative to the root of the repository
 */
export function readTranscript(path: string): Step[] {
  return readDocument(path)
    .blocks.filter(({ language }) => language === 'console')
    .flatMap(stepsOf);
}

/** The commands of one block. */
export function stepsOf({ text, where }: Pick<Block, 'text' | 'where'>): Step[] {
  const [before = '', ...commands] = text.split(/^\$ /m);
  if (before !== '') throw new Error(`${where}: a block begins with a command, not with ${before}`);
  return commands.map((command) => {
    const { typed = '', after = '' } =
      /^(?<typed>[^\n]*(?:\n>[^\n]*)*)\n?(?<after>.*)$/s.exec(command)?.groups ?? {};
    return stepOf(typed, after.trim());
  });
}

function stepOf(typed: string, after: string): Step {
  const { written = '', code = '0' } = /^(?<written>.*?)\n?\[(?<code>\d+)\]$/s.exec(after)?.groups ?? {
    written: after,
  };
  const [title = ''] = typed.split('\n');
  return { title, script: typed.replaceAll(/\n> ?/g, '\n'), written: written.trimEnd(), code: Number(code) };
}

/**
 * The first line of a transcript that is not in what a command has written, after those before it. Blanks at the ends of
 * lines do not count.
 *
 * @returns undefined when the transcript stands for all that was written
 */
export function missingLine(written: string, output: string): string | undefined {
  const lines = written.split('\n');
  const patterns = lines.map(patternOf);
  const text = trimmed(output);
  if (new RegExp(`^${patterns.join('\\n')}$`).test(text)) return undefined;
  const found = lines.findIndex(
    (_, index) => !new RegExp(`^${patterns.slice(0, index + 1).join('\\n')}(?:\\n[^]*)?$`).test(text),
  );
  return lines[found] ?? 'nothing more';
}

function patternOf(line: string): string {
  return line.trim() === ELLIPSIS ? '\\s*\\S[^]*?' : line.split(ELLIPSIS).map(escaped).join('.+');
}

function trimmed(output: string): string {
  return output
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
    .trim();
}

const ELLIPSIS = '…';

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
