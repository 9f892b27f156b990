import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { startControlPlane } from '../../../../src/demo/control-plane/control-plane.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

/** Starts a control plane whose etcd is a shell script, and gives the error. */
async function bootWith(folder: string, etcdScript: string, bootTimeoutMs: number): Promise<unknown> {
  const etcd = join(folder, 'etcd');
  await writeFile(etcd, `#!/bin/sh\n${etcdScript}\n`, { mode: 0o755 });
  const never = join(folder, 'never-started');
  const binaries = {
    etcd,
    'kube-apiserver': never,
    'kube-controller-manager': never,
    'kube-scheduler': never,
  };
  return startControlPlane({ binaries, bootTimeoutMs, runsRoot: join(folder, 'runs') }).catch(
    (error: unknown) => error,
  );
}

test('a program that ends at once: the error shows how, and the last lines of its log', async () => {
  await using folder = await temporaryFolder();
  const error = await bootWith(
    folder.path,
    'for i in $(seq 1 40); do echo "line $i"; done; echo "bind: address in use" >&2; exit 7',
    60_000,
  );
  expect(error).toMatchObject({ reason: 'ComponentEnded' });
  expect(String(error)).toMatch(/etcd ended before it was ready \(exit code 7\)/);
  expect(String(error)).toContain('bind: address in use');
  expect(String(error)).toContain('line 40');
  expect(String(error)).not.toContain('line 1\n');
  expect(await readdir(join(folder.path, 'runs'))).toEqual([]);
});

test('a program that never gets ready: the error says what it was waiting for, and nothing is left', async () => {
  await using folder = await temporaryFolder();
  const error = await bootWith(folder.path, 'exec sleep 60', 100);
  expect(error).toMatchObject({ reason: 'BootTimeout' });
  expect(String(error)).toMatch(/waiting for http:\/\/127\.0\.0\.1:\d+\/health/);
  expect(await readdir(join(folder.path, 'runs'))).toEqual([]);
});

test('a program that is not there: the error names it', async () => {
  await using folder = await temporaryFolder();
  const missing = join(folder.path, 'missing');
  const binaries = {
    etcd: missing,
    'kube-apiserver': missing,
    'kube-controller-manager': missing,
    'kube-scheduler': missing,
  };
  const start = startControlPlane({ binaries, runsRoot: join(folder.path, 'runs') });
  await expect(start).rejects.toThrow(/etcd ended before it was ready \(spawn .*missing ENOENT\)/);
});
