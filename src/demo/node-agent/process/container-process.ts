import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import { hasErrorCode } from '../../process/error-code.ts';
import type { RunDirectory } from '../../process/run-directory.ts';

/** What to run for a container. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  /** The whole environment: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
}

/** The process of one container, and all that it started. */
export interface ContainerProcess {
  readonly pid: number;
  /** Resolves with the exit code (128 + the signal's number after a signal) when it and its children are gone. */
  readonly exited: Promise<number>;
  /** SIGTERM goes to the main process only, as from a container runtime; all other signals to its children as well. */
  signal(signal: NodeJS.Signals): void;
}

export interface ContainerProcessOptions {
  readonly command: Command;
  /** A file name that no other running process of this run has. */
  readonly name: string;
  readonly run: RunDirectory;
  readonly folder: string;
  readonly logFile: string;
}

/**
 * Starts a process in a process group of its own, its output going to `logFile`. It never outlives the run.
 * @throws {Error} when the program cannot be started
 */
export async function startContainerProcess(options: ContainerProcessOptions): Promise<ContainerProcess> {
  const { command, name, run, folder, logFile } = options;
  const log = openSync(logFile, 'a', 0o600);
  let child: ChildProcess;
  try {
    child = spawn(command.program, [...command.args], {
      cwd: folder,
      env: { ...command.env },
      stdio: ['ignore', log, log],
      detached: true,
    });
  } finally {
    closeSync(log);
  }
  const { pid } = child;
  if (pid === undefined) return new Promise((_, reject) => child.once('error', reject));
  run.adopt(name, pid);
  const exited = new Promise<number>((resolve) => {
    child.once('exit', (code, signal) => {
      // A container dies with its main process: whatever that left behind goes too.
      signalGroup(pid, 'SIGKILL');
      run.release(name);
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
  // An error after the start (a signal that could not be sent) has been answered for where it was caused.
  child.on('error', () => {});
  return {
    pid,
    exited,
    signal(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return;
      if (signal === 'SIGTERM') child.kill(signal);
      else signalGroup(pid, signal);
    },
  };
}

function signalGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal);
  } catch (error) {
    // ESRCH: nobody is left. EPERM: macOS says so of a group that only holds zombies.
    if (!hasErrorCode(error, 'ESRCH') && !hasErrorCode(error, 'EPERM')) throw error;
  }
}
