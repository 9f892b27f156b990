import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const REQUIREMENTS = new URL('../e2e/clients/requirements.txt', import.meta.url).pathname;

/** Whether this machine has a python3 at all: the only reason for which the Python test may be skipped. */
export function hasPython(): boolean {
  return spawnSync('python3', ['--version']).status === 0;
}

/**
 * Path of a python that has the pinned OpenAI client, from a virtual environment in the user's cache that is made
 * once per set of requirements.
 */
export function pythonWithOpenAI(): string {
  const requirements = readFileSync(REQUIREMENTS);
  const key = createHash('sha256').update(requirements).digest('hex').slice(0, 12);
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'gpu-classroom');
  const folder = join(cache, `python-${key}`);
  const python = join(folder, 'bin', 'python');
  const isComplete = (): boolean => existsSync(join(folder, 'complete'));
  if (isComplete()) return python;
  mkdirSync(cache, { recursive: true });
  const lock = `${folder}.lock`;
  while (!takeLock(lock)) waitShortly();
  try {
    if (!isComplete()) {
      rmSync(folder, { recursive: true, force: true });
      run('python3', ['-m', 'venv', folder]);
      run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', REQUIREMENTS]);
      writeFileSync(join(folder, 'complete'), '');
    }
  } finally {
    rmSync(lock);
  }
  return python;
}

/** Test files run at the same time, and each would make what it needs. The lock of a process that is gone is void. */
function takeLock(lock: string): boolean {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch {
    if (isAbandoned(lock)) rmSync(lock, { force: true });
    return false;
  }
}

function isAbandoned(lock: string): boolean {
  const holder = holderOf(lock);
  if (holder === '') return false;
  try {
    process.kill(Number(holder), 0);
    return false;
  } catch {
    return true;
  }
}

/** Process id of who has the lock; empty: not written yet, or given back meanwhile. */
function holderOf(lock: string): string {
  try {
    return readFileSync(lock, 'utf8');
  } catch {
    return '';
  }
}

function waitShortly(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
}

function run(command: string, args: string[]): void {
  const result = spawnSync(command, args, { encoding: 'utf8' });
  if (result.status !== 0) {
    throw new Error(`${command} ${args.join(' ')} failed: ${result.error?.message ?? result.stderr}`);
  }
}
