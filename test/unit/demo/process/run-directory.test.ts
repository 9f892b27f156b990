import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { identify, isRunning } from '../../../../src/demo/process/identity.ts';
import { createRunDirectory, removeStaleRuns } from '../../../../src/demo/process/run-directory.ts';
import { eventually } from '../../../support/eventually.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const OWNER_FROM_BEFORE = JSON.stringify({ pid: process.pid, startedAt: 'an earlier life' });

function sleeper(): ChildProcess & { readonly pid: number } {
  const child = spawn('sleep', ['60']);
  if (child.pid === undefined) throw new Error('sleep could not be started');
  return Object.assign(child, { pid: child.pid });
}

describe('a run', () => {
  test('has a directory that only its user can enter', async () => {
    await using folder = await temporaryFolder();
    const root = join(folder.path, 'runs');
    const run = await createRunDirectory(root);
    for (const path of [root, run.path]) expect((await stat(path)).mode & 0o777).toBe(0o700);
    await run.remove();
    expect(await readdir(root)).toEqual([]);
  });

  test('refuses a root that others can enter', async () => {
    await using folder = await temporaryFolder();
    await chmod(folder.path, 0o755);
    await expect(createRunDirectory(folder.path)).rejects.toThrow(/must be a folder that only you can enter/);
  });

  test('takes its children with it', async () => {
    await using folder = await temporaryFolder();
    const run = await createRunDirectory(folder.path);
    const child = sleeper();
    const exit = once(child, 'exit');
    run.adopt('sleeper', child.pid);
    await run.remove();
    expect(await exit).toEqual([null, 'SIGKILL']);
    await expect(run.remove()).resolves.toBeUndefined();
  });

  test('takes the children of its children with it, if they are one process group', async () => {
    await using folder = await temporaryFolder();
    const run = await createRunDirectory(folder.path);
    const child = spawn('sh', ['-c', 'sleep 60 & echo $!; wait'], {
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [output] = await once(child.stdout, 'data');
    const grandchild = identify(Number(output));
    if (child.pid === undefined || grandchild === undefined) throw new Error('sh could not be started');
    run.adopt('engine', child.pid);
    await run.remove();
    await eventually('the grandchild gone', () => !isRunning(grandchild));
  });

  test('leaves a child alone that it has released', async () => {
    await using folder = await temporaryFolder();
    const run = await createRunDirectory(folder.path);
    const child = sleeper();
    run.adopt('sleeper', child.pid);
    run.release('sleeper');
    await run.remove();
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await exit).toEqual([null, 'SIGTERM']);
  });
});

describe('what dead owners left', () => {
  test('is ended and removed, while living runs are not touched', async () => {
    await using folder = await temporaryFolder();
    const living = await createRunDirectory(folder.path);
    const stale = await createRunDirectory(folder.path);
    const child = sleeper();
    const exit = once(child, 'exit');
    stale.adopt('sleeper', child.pid);
    await writeFile(join(stale.path, 'owner.pid'), OWNER_FROM_BEFORE);

    expect(await removeStaleRuns(folder.path)).toEqual([stale.path]);
    expect(await exit).toEqual([null, 'SIGKILL']);
    expect(await readdir(folder.path)).toEqual([basename(living.path)]);
    await Promise.all([living.remove(), stale.remove()]);
  });

  test('a stranger who has the pid of a dead child is not killed', async () => {
    await using folder = await temporaryFolder();
    const stale = await createRunDirectory(folder.path);
    const stranger = sleeper();
    await writeFile(
      join(stale.path, 'children', 'etcd.pid'),
      JSON.stringify({ pid: stranger.pid, startedAt: 'an earlier life' }),
    );
    await writeFile(join(stale.path, 'owner.pid'), OWNER_FROM_BEFORE);

    expect(await removeStaleRuns(folder.path)).toEqual([stale.path]);
    const exit = once(stranger, 'exit');
    stranger.kill('SIGTERM');
    expect(await exit).toEqual([null, 'SIGTERM']);
    await stale.remove();
  });

  test('a directory that is just being made is left alone, an old one is removed', async () => {
    await using folder = await temporaryFolder();
    const nowMs = Date.parse('2026-09-01T09:00:00Z');
    for (const [name, ageSeconds] of [
      ['new-fresh', 5],
      ['new-old', 3_600],
    ] as const) {
      const path = join(folder.path, name);
      await mkdir(path);
      const madeAt = nowMs / 1_000 - ageSeconds;
      await utimes(path, madeAt, madeAt);
    }
    await removeStaleRuns(folder.path, () => nowMs);
    expect(await readdir(folder.path)).toEqual(['new-fresh']);
  });

  test('what is not a run is not touched, and no folder at all is fine', async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, 'notes.txt'), '');
    expect(await removeStaleRuns(folder.path)).toEqual([]);
    expect(await removeStaleRuns(join(folder.path, 'missing'))).toEqual([]);
  });
});
