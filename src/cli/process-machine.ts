import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { systemClock } from '../kube/clock.ts';
import type { Machine, Spinner } from './machine.ts';
import { createPrivateFiles } from './private-files.ts';
import { readStandardInput } from './standard-input.ts';

/** The machine this process runs on. The first Ctrl-C aborts its signal; the second ends the process as ever. */
export function machineOf(process: NodeJS.Process): Machine {
  const { stdin, stdout, stderr, env } = process;
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort(new Error('Interrupted')));
  return {
    stdout,
    stderr,
    readText: (path) => (path === '-' ? readStandardInput() : readFileSync(path, 'utf8')),
    env,
    clock: systemClock,
    random: Math.random,
    signal: interrupted.signal,
    readFile: (path) => readFile(path),
    privateFiles: createPrivateFiles(`${process.pid}.tmp`),
    ask: stdin.isTTY && stderr.isTTY ? (question) => ask(process, question, interrupted) : undefined,
    spin: stderr.isTTY ? (text) => spin(stderr, text) : undefined,
  };
}

async function ask(
  { stdin, stderr }: NodeJS.Process,
  question: string,
  interrupted: AbortController,
): Promise<string> {
  const { createInterface } = await import('node:readline/promises');
  // Not on standard output: that may be read by a program.
  const lines = createInterface({ input: stdin, output: stderr });
  // While it reads, the terminal sends no signal for Ctrl-C.
  lines.once('SIGINT', () => interrupted.abort(new Error('Interrupted')));
  try {
    return await lines.question(question, { signal: interrupted.signal });
  } finally {
    lines.close();
  }
}

async function spin(stream: NodeJS.WriteStream, text: string): Promise<Spinner> {
  const { default: createSpinner } = await import('yocto-spinner');
  const spinner = createSpinner({ text: oneLine(text, stream), stream }).start();
  return {
    say: (next) => {
      spinner.text = oneLine(next, stream);
    },
    stop: () => void spinner.stop(),
  };
}

/** The sign before the text, the blank between them, and the place of the cursor. */
const BESIDE_TEXT = 4;

/** What moves over several lines flickers. */
function oneLine(text: string, { columns }: NodeJS.WriteStream): string {
  const [line = ''] = text.split('\n', 1);
  const room = columns - BESIDE_TEXT;
  return line.length <= room ? line : `${line.slice(0, room - 1)}…`;
}
