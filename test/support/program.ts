import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { eventually } from './eventually.ts';

const ROOT = join(import.meta.dirname, '../..');

/** A program of the product as a process of its own, as in production. */
export interface Program {
  /** Everything written to standard output and error so far. */
  output(): string;
  /** The first line of its log with this message; resolves when it is there, and fails when the program ends before. */
  logged(message: string): Promise<unknown>;
  kill(signal: NodeJS.Signals): void;
  /** The exit code; null after a signal that was not handled. */
  exited(): Promise<number | null>;
  /** SIGTERM, then the exit code. */
  stop(): Promise<number | null>;
}

/**
 * Starts a program with no other environment than what is given.
 *
 * @param main its entry point, relative to the root of the repository
 */
export function startProgram(
  main: string,
  flags: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Program {
  const child = spawn(process.execPath, ['--no-warnings', join(ROOT, main), ...flags], {
    env: { ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
  }
  const exit = once(child, 'exit');
  const exited = async (): Promise<number | null> => {
    await exit;
    return child.exitCode;
  };
  return {
    output: () => text,
    logged: (message) =>
      eventually(`${main} to log '${message}'`, () => {
        if (child.exitCode !== null || child.signalCode !== null) throw new Error(`${main} ended: ${text}`);
        const line = text.split('\n').find((candidate) => candidate.includes(`"msg":"${message}"}`));
        return line === undefined ? undefined : (JSON.parse(line) as unknown);
      }),
    kill: (signal) => void child.kill(signal),
    exited,
    stop: () => {
      child.kill('SIGTERM');
      return exited();
    },
  };
}
