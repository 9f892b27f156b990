import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { lstat, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { hasErrorCode } from './error-code.ts';
import { identify, isRunning, killWithGroup, type ProcessIdentity, parseIdentity } from './identity.ts';

const RUN_PREFIX = 'run-';
/** A directory that is not complete yet: it gets its final name only once its owner is written down. */
const UNFINISHED_PREFIX = 'new-';
const UNFINISHED_IS_ABANDONED_AFTER_MS = 60_000;
const OWNER_FILE = 'owner.pid';
const CHILDREN_FOLDER = 'children';
const KILL_DEADLINE_MS = 10_000;
const KILL_POLL_MS = 20;

/**
 * The directory of one run: its files, and who its processes are. If the owner dies without a chance
 * to clean up, the next run finds the directory by its dead owner and ends what it left behind.
 */
export interface RunDirectory {
  readonly path: string;
  /**
   * Writes down a child, so that it never outlives the run, and neither does its process group if it leads
   * one (was started `detached`). Call it right after starting the child.
   * `name` must be usable as a file name and unique among the running children of this run.
   * Returns `undefined` if the child has already ended.
   */
  adopt(name: string, pid: number): ProcessIdentity | undefined;
  /** Forgets a child that has ended. */
  release(name: string): void;
  /** Kills what still runs and removes the directory. May be called twice. */
  remove(): Promise<void>;
}

/** Where this user's runs are: a folder that no other user can enter, because it will hold credentials. */
export function defaultRunsRoot(): string {
  return join(tmpdir(), `gpu-classroom-${userInfo().uid}`);
}

/**
 * Makes the directory of a new run, owned by this process, and removes it when this process exits.
 * Throws if `root` exists but belongs to someone else.
 */
export async function createRunDirectory(root: string): Promise<RunDirectory> {
  await makePrivateFolder(root);
  const owner = identify(process.pid);
  if (owner === undefined) throw new Error('the start time of this process cannot be read');
  const unfinished = await mkdtemp(join(root, UNFINISHED_PREFIX));
  mkdirSync(join(unfinished, CHILDREN_FOLDER));
  writeFileSync(join(unfinished, OWNER_FILE), JSON.stringify(owner));
  const path = join(root, RUN_PREFIX + unfinished.slice(join(root, UNFINISHED_PREFIX).length));
  await rename(unfinished, path);

  const removeAtExit = () => {
    for (const child of readChildren(path)) killWithGroup(child);
    rmSync(path, { recursive: true, force: true });
  };
  process.on('exit', removeAtExit);
  const childFile = (name: string) => join(path, CHILDREN_FOLDER, `${name}.pid`);

  return {
    path,
    adopt(name, pid) {
      const child = identify(pid);
      if (child !== undefined) writeFileSync(childFile(name), JSON.stringify(child));
      return child;
    },
    release: (name) => rmSync(childFile(name), { force: true }),
    async remove() {
      await removeRun(path);
      process.off('exit', removeAtExit);
    },
  };
}

/**
 * Ends and removes what runs left behind whose owner is dead; runs that are alive are not touched.
 * Processes are recognised by pid and start time, never by name. Returns the removed directories.
 */
export async function removeStaleRuns(root: string, now: () => number = Date.now): Promise<string[]> {
  const removed: string[] = [];
  for (const name of await readdir(root).catch(emptyIfMissing)) {
    const path = join(root, name);
    if (!(await isAbandoned(name, path, now()))) continue;
    await removeRun(path);
    removed.push(path);
  }
  return removed;
}

async function isAbandoned(name: string, path: string, nowMs: number): Promise<boolean> {
  if (name.startsWith(RUN_PREFIX)) {
    const owner = readIdentity(join(path, OWNER_FILE));
    // Every run has had an owner before it got its name: without one, somebody is just removing it.
    return owner === undefined || !isRunning(owner);
  }
  if (!name.startsWith(UNFINISHED_PREFIX)) return false;
  const stats = await stat(path).catch(() => undefined);
  return stats !== undefined && nowMs - stats.mtimeMs > UNFINISHED_IS_ABANDONED_AFTER_MS;
}

async function removeRun(path: string): Promise<void> {
  const children = readChildren(path);
  for (const child of children) killWithGroup(child);
  const deadline = performance.now() + KILL_DEADLINE_MS;
  while (children.some(isRunning)) {
    if (performance.now() > deadline) {
      throw new Error(`a process of ${path} is still there ${KILL_DEADLINE_MS} ms after SIGKILL`);
    }
    await delay(KILL_POLL_MS);
  }
  await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}

function readChildren(path: string): ProcessIdentity[] {
  let names: string[];
  try {
    names = readdirSync(join(path, CHILDREN_FOLDER));
  } catch (error) {
    names = emptyIfMissing(error);
  }
  return names
    .map((name) => readIdentity(join(path, CHILDREN_FOLDER, name)))
    .filter((child) => child !== undefined);
}

/** `undefined` also for a file that its writer did not get to finish: then nothing is known, nothing is killed. */
function readIdentity(file: string): ProcessIdentity | undefined {
  try {
    return parseIdentity(readFileSync(file, 'utf8'));
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

async function makePrivateFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const stats = await lstat(path);
  if (!stats.isDirectory() || stats.uid !== userInfo().uid || (stats.mode & 0o077) !== 0) {
    throw new Error(
      `${path} must be a folder that only you can enter, because credentials are kept there: remove it and start again`,
    );
  }
}

function emptyIfMissing(error: unknown): never[] {
  if (hasErrorCode(error, 'ENOENT')) return [];
  throw error;
}
