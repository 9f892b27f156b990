import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { systemClock } from '../kube/clock.ts';
import type { Machine, Screen, Spinner } from './machine.ts';
import { oneLine } from './one-line.ts';
import { createPrivateFiles } from './private-files.ts';
import { readStandardInput } from './standard-input.ts';

/** The sign before the text of a spinner, the blank between them, and the place of the cursor. */
const BESIDE_TEXT = 4;

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
    screen: stdout.isTTY ? () => openScreen(stdout) : undefined,
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
    return await new Promise((resolve, reject) => {
      // Ctrl-D: nobody answers any more, and the question would wait for ever.
      lines.once('close', () => resolve(''));
      lines.question(question, { signal: interrupted.signal }).then(resolve, reject);
    });
  } finally {
    lines.close();
  }
}

async function spin(stream: NodeJS.WriteStream, text: string): Promise<Spinner> {
  const { default: createSpinner } = await import('yocto-spinner');
  const spinner = createSpinner({ text: oneLine(text, stream.columns - BESIDE_TEXT), stream }).start();
  return {
    say: (next) => {
      spinner.text = oneLine(next, stream.columns - BESIDE_TEXT);
    },
    stop: () => void spinner.stop(),
  };
}

async function openScreen(stream: NodeJS.WriteStream): Promise<Screen> {
  const { createLogUpdate } = await import('log-update');
  const draw = createLogUpdate(stream);
  return { draw: (text) => draw(text), close: () => draw.done() };
}
