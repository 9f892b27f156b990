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
  if (existsSync(join(folder, 'complete'))) return python;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(cache, { recursive: true });
  run('python3', ['-m', 'venv', folder]);
  run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', REQUIREMENTS]);
  writeFileSync(join(folder, 'complete'), '');
  return python;
}

function run(command: string, args: string[]): void {
  const result = spawnSync(command, args, { encoding: 'utf8' });
  if (result.status !== 0) {
    throw new Error(`${command} ${args.join(' ')} failed: ${result.error?.message ?? result.stderr}`);
  }
}
