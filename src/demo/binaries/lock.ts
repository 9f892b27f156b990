import { randomBytes } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { hasErrorCode } from '../process/error-code.ts';
import { identify, isRunning, type ProcessIdentity, parseIdentity } from '../process/identity.ts';

const POLL_MS = 250;

export interface LockOptions {
  /** Called once if somebody else holds the lock. */
  readonly onWait: (holderPid: number) => void;
}

/**
 * Runs the action while no other process on this machine runs one under the same lock file. Waits as long
 * as the holder lives; a lock whose holder is dead, also if its pid has a new owner, is taken over.
 */
export async function withLock<T>(file: string, options: LockOptions, action: () => Promise<T>): Promise<T> {
  await acquire(file, options);
  try {
    return await action();
  } finally {
    await rm(file, { force: true });
  }
}

async function acquire(file: string, { onWait }: LockOptions): Promise<void> {
  const own = `${file}.${process.pid}-${randomBytes(4).toString('hex')}`;
  await writeFile(own, JSON.stringify(identify(process.pid)));
  let told = false;
  try {
    while (!(await tryToLink(own, file))) {
      const holder = await readHolder(file);
      if (holder !== undefined && isRunning(holder)) {
        if (!told) onWait(holder.pid);
        told = true;
        await delay(POLL_MS);
      } else {
        await removeStale(file);
      }
    }
  } finally {
    await rm(own, { force: true });
  }
}

/** A link appears with its whole content at once, so nobody ever reads a lock without a holder in it. */
async function tryToLink(own: string, file: string): Promise<boolean> {
  try {
    await link(own, file);
    return true;
  } catch (error) {
    if (hasErrorCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/**
 * Two processes may find the same stale lock, and the slower one must not remove the new lock of the
 * faster one: it is moved aside, looked at again, and put back if its holder lives.
 */
async function removeStale(file: string): Promise<void> {
  const aside = `${file}.stale-${randomBytes(4).toString('hex')}`;
  try {
    await rename(file, aside);
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return;
    throw error;
  }
  const holder = await readHolder(aside);
  if (holder !== undefined && isRunning(holder)) await tryToLink(aside, file);
  await rm(aside, { force: true });
}

async function readHolder(file: string): Promise<ProcessIdentity | undefined> {
  try {
    return parseIdentity(await readFile(file, 'utf8'));
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
