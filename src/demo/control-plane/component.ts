import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { RunDirectory } from '../process/run-directory.ts';
import { controlPlaneErrors } from './errors.ts';

const POLL_MS = 25;
const SHOWN_LOG_LINES = 15;

/** One running program of the control plane. */
export interface Component {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  /**
   * Waits until `ready` gives true; an error of `ready` counts as not yet. Throws ComponentEnded or
   * BootTimeout with the end of the log. `what` completes "waiting for …".
   */
  waitUntil(what: string, ready: () => Promise<boolean>, timeoutMs: number): Promise<void>;
  /** Sends the signal and waits for the end; SIGKILL follows after `graceMs`. Fine if it has ended already. */
  stop(signal: 'SIGTERM' | 'SIGKILL', graceMs?: number): Promise<void>;
}

/**
 * Starts a program whose output goes to `<name>.log` in the run directory (appended, if it was started before).
 * The child leads a process group of its own: a Ctrl-C in the terminal is for the owner, who stops
 * its children in order.
 */
export function startComponent(
  run: RunDirectory,
  name: string,
  program: string,
  args: readonly string[],
): Promise<Component> {
  const logFile = join(run.path, `${name}.log`);
  const log = openSync(logFile, 'a', 0o600);
  const child = spawn(program, [...args], { cwd: run.path, stdio: ['ignore', log, log], detached: true });
  closeSync(log);
  return new Promise((resolve, reject) => {
    child.once('error', (error) =>
      reject(controlPlaneErrors.componentEnded(name, error.message, logFile, '(it could not be started)')),
    );
    if (child.pid === undefined) return;
    run.adopt(name, child.pid);
    child.once('exit', () => run.release(name));
    resolve(componentOf(name, child.pid, child, logFile));
  });
}

function componentOf(name: string, pid: number, child: ChildProcess, logFile: string): Component {
  const ended = () => child.exitCode !== null || child.signalCode !== null;
  return {
    name,
    pid,
    logFile,
    async waitUntil(what, ready, timeoutMs) {
      const deadline = performance.now() + timeoutMs;
      for (;;) {
        if (ended()) {
          const how = child.signalCode ?? `exit code ${child.exitCode}`;
          throw controlPlaneErrors.componentEnded(name, how, logFile, await lastLines(logFile));
        }
        if (await ready().catch(() => false)) return;
        if (performance.now() > deadline) {
          throw controlPlaneErrors.bootTimeout(name, what, timeoutMs, await lastLines(logFile));
        }
        await delay(POLL_MS);
      }
    },
    async stop(signal, graceMs = 5_000) {
      if (ended()) return;
      const exit = once(child, 'exit');
      child.kill(signal);
      const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
      await exit;
      clearTimeout(timer);
    },
  };
}

async function lastLines(file: string): Promise<string> {
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
  return lines.slice(-SHOWN_LOG_LINES).join('\n');
}
