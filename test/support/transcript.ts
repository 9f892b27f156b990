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

/** Whether a transcript stands for what a command has written. Blanks at the ends of lines do not count. */
export function standsFor(written: string, output: string): boolean {
  const lines = written
    .split('\n')
    .map((line) =>
      line.trim() === ELLIPSIS ? '\\s*\\S[^]*?' : line.split(ELLIPSIS).map(escaped).join('.+'),
    );
  return new RegExp(`^${lines.join('\\n')}$`).test(trimmed(output));
}

/** What a command has written, as a transcript shows it. */
export function trimmed(output: string): string {
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
