import { readFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import type { PodSpec } from '../../../../src/demo/node-agent/pod/spec.ts';
import { fileMounts } from '../../../../src/demo/node-agent/volumes/files.ts';
import { onHost, withHostPaths } from '../../../../src/demo/node-agent/volumes/mount.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { podOf } from './pod-player.ts';

type Volume = NonNullable<PodSpec['volumes']>[number];

const BYTES = Buffer.from([0, 255, 1]);
const ENTRIES: Readonly<Record<string, Record<string, Buffer>>> = {
  'configmap gateway': { 'gateway.yaml': Buffer.from('ledger: /data/ledger.db\ncert: /tls/tls.crt\n') },
  'secret tls': { 'tls.crt': Buffer.from('certificate'), 'tls.key': Buffer.from('key of /data') },
  'secret salt': { salt: BYTES },
};

/** What a pod with these volumes, each mounted under `/<name>`, finds at a path. */
async function fileAt(path: string, volumes: Volume[]): Promise<Buffer> {
  await using folder = await temporaryFolder();
  const volumeMounts = volumes.map(({ name }) => ({ name, mountPath: `/${name}` }));
  const pod = podOf({ container: { volumeMounts }, spec: { volumes } });
  const [container] = pod.spec?.containers ?? [];
  if (container === undefined) throw new Error('no container');
  const mounts = await fileMounts(
    pod,
    container,
    folder.path,
    async (kind, name) => ENTRIES[`${kind} ${name}`],
    [{ mountPath: '/data', folder: '/volumes/ledger' }],
  );
  const content = await readFile(onHost(path, mounts) ?? '');
  return Buffer.from(content.toString('latin1').replaceAll(folder.path, '<pod>'), 'latin1');
}

const CONFIG: Volume = { name: 'config', configMap: { name: 'gateway' } };
const CERTIFICATE: Volume = { name: 'tls', secret: { secretName: 'tls' } };

describe('what a pod mounts as files', () => {
  test('are the entries of a ConfigMap, with paths as this machine knows them', async () => {
    const text = await fileAt('/config/gateway.yaml', [CONFIG, CERTIFICATE]);
    expect(text.toString()).toBe('ledger: /volumes/ledger/ledger.db\ncert: <pod>/volumes/tls/tls.crt\n');
  });

  test('are the entries of a Secret, byte for byte', async () => {
    expect(await fileAt('/salt/salt', [{ name: 'salt', secret: { secretName: 'salt' } }])).toEqual(BYTES);
    expect((await fileAt('/tls/tls.key', [CERTIFICATE])).toString()).toBe('key of /data');
  });

  test('are only those that it names, under its names', async () => {
    const items = [{ key: 'tls.key', path: 'private/key.pem' }];
    const volume: Volume = { name: 'tls', secret: { secretName: 'tls', items } };
    expect((await fileAt('/tls/private/key.pem', [volume])).toString()).toBe('key of /data');
    await expect(fileAt('/tls/tls.key', [volume])).rejects.toThrow('ENOENT');
  });

  test.each<[string, Volume, string]>([
    ['a ConfigMap', { name: 'a', configMap: { name: 'none' } }, 'configmap "none" not found'],
    ['a Secret', { name: 'a', secret: { secretName: 'none' } }, 'secret "none" not found'],
    [
      'an entry',
      { name: 'a', secret: { secretName: 'tls', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      'secret "tls" has no entry ca.crt',
    ],
  ])('%s that is not there keeps it from starting', async (_what, volume, words) => {
    await expect(fileAt('/a/x', [volume])).rejects.toThrow(words);
  });

  test('may be missing where the pod says so', async () => {
    const volume: Volume = { name: 'a', secret: { secretName: 'none', optional: true } };
    expect((await fileAt('/config/gateway.yaml', [CONFIG, volume])).toString()).toContain('ledger');
  });
});

describe('a path in a text', () => {
  const mounts = [
    { mountPath: '/data', folder: '/host/data' },
    { mountPath: '/data/a.b', folder: '/host/ab' },
    { mountPath: '/host', folder: '/never/twice' },
  ];

  test.each([
    ['--model=/data/qwen', '--model=/host/data/qwen'],
    ['{"file":"/data"}', '{"file":"/host/data"}'],
    ['/data/a.b/c /data/axb', '/host/ab/c /host/data/axb'],
    ['/database /mnt/data ./data /data-old', '/database /mnt/data ./data /data-old'],
  ])('is written as this machine knows it: %s', (text, want) => {
    expect(withHostPaths(text, mounts)).toBe(want);
  });
});
