import type { Machine, Terminal } from '../../src/cli/machine.ts';
import { createFakeClock } from './fake-clock.ts';

/** A terminal that remembers what was written, and has these files and no others. */
export interface RecordedTerminal extends Terminal {
  written(): { stdout: string; stderr: string };
}

export function recordedTerminal(files: Readonly<Record<string, string>> = {}): RecordedTerminal {
  const written = { stdout: '', stderr: '' };
  const sink = (name: keyof typeof written) => ({
    write: (text: string) => {
      written[name] += text;
    },
  });
  return {
    stdout: sink('stdout'),
    stderr: sink('stderr'),
    readText: (path) => {
      const text = files[path];
      if (text === undefined) throw new Error(`ENOENT: no such file or directory, open '${path}'`);
      return text;
    },
    written: () => ({ ...written }),
  };
}

/** A machine that remembers what was written. */
export type RecordedMachine = RecordedTerminal & Machine;

/**
 * Nobody sits at it, its clock stands still, and it has no files.
 *
 * @param difference what else it has: a person who answers, a kubeconfig, a clock that runs
 */
export function recordedMachine(difference: Partial<Machine> = {}): RecordedMachine {
  return {
    ...recordedTerminal(),
    env: {},
    clock: createFakeClock(),
    random: () => 0.5,
    signal: new AbortController().signal,
    readFile: (path) =>
      Promise.reject(
        Object.assign(new Error(`ENOENT: no such file, open '${path}'`), { code: 'ENOENT', path }),
      ),
    privateFiles: {
      existing: () => Promise.resolve([]),
      write: (path) =>
        Promise.reject(Object.assign(new Error(`EACCES: permission denied, open '${path}'`), { path })),
    },
    ask: undefined,
    spin: undefined,
    screen: undefined,
    ...difference,
  };
}
