import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { withLock } from '../../../../src/demo/binaries/lock.ts';
import { identify } from '../../../../src/demo/process/identity.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const ignore = { onWait: () => {} };

test('two holders never overlap, and the second is told whom it waits for', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'lock');
  const events: string[] = [];
  const firstHasIt = Promise.withResolvers<void>();
  const secondWaits = Promise.withResolvers<number>();
  const first = withLock(file, ignore, async () => {
    events.push('first begins');
    firstHasIt.resolve();
    await secondWaits.promise;
    events.push('first ends');
  });
  await firstHasIt.promise;
  const second = withLock(file, { onWait: secondWaits.resolve }, async () => {
    events.push('second begins');
  });
  await Promise.all([first, second]);
  expect(await secondWaits.promise).toBe(process.pid);
  expect(events).toEqual(['first begins', 'first ends', 'second begins']);
  // One ticket stays, so that nobody can take its number again.
  expect(await readdir(folder.path)).toEqual(['lock.2']);
});

test('the lock is free again after an action that failed', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'lock');
  const failing = withLock(file, ignore, () => Promise.reject(new Error('no space left')));
  await expect(failing).rejects.toThrow('no space left');
  expect(await withLock(file, ignore, async () => 'done')).toBe('done');
});

test.each([
  ['holder was killed', async () => JSON.stringify(await deadProcess())],
  [
    'holder is dead and its pid has a new owner',
    async () => JSON.stringify({ pid: process.pid, startedAt: 'long ago' }),
  ],
  ['content was cut off by a full disk', async () => '{"pid": 1'],
])('a lock whose %s is taken over', async (_, content) => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'lock');
  await writeFile(`${file}.1`, await content());
  let waited = false;
  const onWait = () => {
    waited = true;
  };
  expect(await withLock(file, { onWait }, async () => 'done')).toBe('done');
  expect(waited).toBe(false);
  expect(await readdir(folder.path)).toEqual(['lock.2']);
});

test('many that find the same stale lock still go one after the other', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'lock');
  await writeFile(`${file}.1`, JSON.stringify(await deadProcess()));
  let inside = 0;
  let most = 0;
  const action = async () => {
    inside += 1;
    most = Math.max(most, inside);
    await new Promise((resolve) => setImmediate(resolve));
    inside -= 1;
  };
  await Promise.all(Array.from({ length: 20 }, () => withLock(file, ignore, action)));
  expect(most).toBe(1);
});

async function deadProcess() {
  const child = spawn('sleep', ['60']);
  const identity = identify(child.pid ?? 0);
  child.kill('SIGKILL');
  await once(child, 'exit');
  return identity;
}
