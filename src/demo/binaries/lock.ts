import { randomBytes } from 'node:crypto';
import { link, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { hasErrorCode } from '../process/error-code.ts';
import { identify, isRunning, type ProcessIdentity, parseIdentity } from '../process/identity.ts';

const POLL_MS = 250;
const FIRST_TICKET = 1;
/** What a ticket says once its holder is through. */
const RELEASED = 'released';

export interface LockOptions {
  /** Called once if somebody else holds the lock. */
  readonly onWait: (holderPid: number) => void;
}

/**
 * Runs the action while no other process on this machine runs one under the same lock file. Waits as long
 * as the holder lives; a lock whose holder is dead, also if its pid has a new owner, is taken over.
 *
 * The lock is a row of numbered tickets `<file>.<n>`; the highest one counts. A ticket is taken by making the next
 * number, which only one can do, and the highest is never removed: so nobody can mistake a new holder for a dead one.
 */
export async function withLock<T>(file: string, options: LockOptions, action: () => Promise<T>): Promise<T> {
  const own = `${file}-${process.pid}-${randomBytes(4).toString('hex')}`;
  await writeFile(own, JSON.stringify(identify(process.pid)));
  try {
    const ticket = await acquire(file, own, options);
    try {
      return await action();
    } finally {
      await writeFile(own, RELEASED);
      await rename(own, `${file}.${ticket}`);
    }
  } finally {
    await rm(own, { force: true });
  }
}

async function acquire(file: string, own: string, { onWait }: LockOptions): Promise<number> {
  let told = false;
  for (;;) {
    const highest = (await tickets(file)).at(-1);
    const holder = highest === undefined ? undefined : await livingHolder(`${file}.${highest}`);
    if (holder !== undefined) {
      if (!told) onWait(holder.pid);
      told = true;
      await delay(POLL_MS);
      continue;
    }
    const next = (highest ?? FIRST_TICKET - 1) + 1;
    if (await take(file, own, next)) return next;
  }
}

/** False when somebody else was faster, be it by one ticket or, while we looked at an old row, by several. */
async function take(file: string, own: string, ticket: number): Promise<boolean> {
  // A link appears with its whole content at once, so nobody ever reads a ticket without a holder in it.
  if (!(await tryToLink(own, `${file}.${ticket}`))) return false;
  const all = await tickets(file);
  if (all.at(-1) !== ticket) {
    await rm(`${file}.${ticket}`, { force: true });
    return false;
  }
  await Promise.all(all.slice(0, -1).map((older) => rm(`${file}.${older}`, { force: true })));
  return true;
}

/** The numbers there are, in ascending order. */
async function tickets(file: string): Promise<number[]> {
  const prefix = `${basename(file)}.`;
  const names = (await readdir(dirname(file))).filter((name) => name.startsWith(prefix));
  return names.map((name) => Number(name.slice(prefix.length))).sort((a, b) => a - b);
}

async function tryToLink(own: string, ticket: string): Promise<boolean> {
  try {
    await link(own, ticket);
    return true;
  } catch (error) {
    if (hasErrorCode(error, 'EEXIST')) return false;
    throw error;
  }
}

async function livingHolder(ticket: string): Promise<ProcessIdentity | undefined> {
  try {
    const text = await readFile(ticket, 'utf8');
    const holder = text === RELEASED ? undefined : parseIdentity(text);
    return holder !== undefined && isRunning(holder) ? holder : undefined;
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
