import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { parseJson } from '../../json/parse.ts';
import { hasErrorCode } from './error-code.ts';

/**
 * A process that can be recognised later. A pid alone is not enough: the kernel hands it out again,
 * and killing whoever has it now would hit a stranger.
 */
export const processIdentitySchema = z.object({
  pid: z.int().positive(),
  /** Opaque; equal only for the same process of the same boot. */
  startedAt: z.string().min(1),
});

export type ProcessIdentity = z.infer<typeof processIdentitySchema>;

/** Reads an identity that was written as JSON; `undefined` for anything else, such as a file cut off in the middle. */
export function parseIdentity(text: string): ProcessIdentity | undefined {
  return processIdentitySchema.safeParse(parseJson(text)).data;
}

/**
 * The identity of a running process, or `undefined` if no process has this pid (or it is a zombie,
 * which holds its pid but runs no more).
 * Synchronous, so that nothing can come between starting a child and writing down who it is.
 */
export function identify(pid: number): ProcessIdentity | undefined {
  const startedAt = process.platform === 'linux' ? startTimeFromProc(pid) : startTimeFromPs(pid);
  return startedAt === undefined ? undefined : { pid, startedAt };
}

/** Whether this very process still runs. */
export function isRunning(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.startedAt === identity.startedAt;
}

/** Sends a signal to this very process; does nothing if it is gone, even if its pid has a new owner. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): void {
  if (!isRunning(identity)) return;
  try {
    process.kill(identity.pid, signal);
  } catch (error) {
    if (!hasErrorCode(error, 'ESRCH')) throw error;
  }
}

/**
 * Kills this very process, together with what it has started if it leads a process group (was started
 * `detached`); does nothing if it is gone.
 */
export function killWithGroup(identity: ProcessIdentity): void {
  if (!isRunning(identity)) return;
  try {
    // While its leader lives, the group of that number can be no other's.
    process.kill(-identity.pid, 'SIGKILL');
  } catch (error) {
    if (!hasErrorCode(error, 'ESRCH')) throw error;
    signalProcess(identity, 'SIGKILL');
  }
}

/** https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: field 3 is the state, field 22 the start time. */
function startTimeFromProc(pid: number): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT') || hasErrorCode(error, 'ESRCH')) return undefined;
    throw error;
  }
  // The second field is the command in parentheses and may itself hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, ticksSinceBoot] = [fields[0], fields[19]];
  if (state === 'Z' || state === 'X' || ticksSinceBoot === undefined) return undefined;
  // Ticks count from boot: without the boot's id, a process of the last boot could look like one of this.
  const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return `${bootId}:${ticksSinceBoot}`;
}

function startTimeFromPs(pid: number): string | undefined {
  try {
    const output = execFileSync('/bin/ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      // The text must not change with the language, nor with a change to summer time.
      env: { LC_ALL: 'C', TZ: 'UTC' },
    }).trim();
    const [, state, startedAt] = /^(\S+)\s+(.+)$/.exec(output) ?? [];
    return state === undefined || state.startsWith('Z') ? undefined : startedAt;
  } catch (error) {
    // `ps` exits with 1 when there is no such process.
    if (typeof error === 'object' && error !== null && 'status' in error && error.status === 1)
      return undefined;
    throw error;
  }
}
