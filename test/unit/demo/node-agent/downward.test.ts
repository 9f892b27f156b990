import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { downwardMounts } from '../../../../src/demo/node-agent/volumes/downward.ts';
import { onHost } from '../../../../src/demo/node-agent/volumes/mount.ts';
import type { Pod } from '../../../../src/kube/resources.ts';
import { podOf } from './pod-player.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'downward-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** A pod that mounts its annotation `config` as /etc/engine/config.json. */
function podWith(annotation: string): Pod {
  const fieldRef = { fieldPath: "metadata.annotations['config']" };
  const pod = podOf({
    container: { volumeMounts: [{ name: 'config', mountPath: '/etc/engine' }] },
    spec: { volumes: [{ name: 'config', downwardAPI: { items: [{ path: 'config.json', fieldRef }] } }] },
  });
  return { ...pod, metadata: { ...pod.metadata, annotations: { config: annotation } } };
}

async function mounted(pod: Pod, path: string): Promise<string> {
  const [container] = pod.spec?.containers ?? [];
  if (container === undefined) throw new Error('no container');
  const known = [{ mountPath: '/dev/termination-log', folder: '/run/pod/1.termination' }];
  const mounts = await downwardMounts(pod, container, folder, known);
  return readFile(onHost(path, mounts) ?? '', 'utf8');
}

test('a pod reads its own annotation as a file', async () => {
  expect(await mounted(podWith('{"a": 1}'), '/etc/engine/config.json')).toBe('{"a": 1}');
});

test('paths in it are those of this machine, for a process has no file system of its own here', async () => {
  const text = await mounted(podWith('{"file": "/dev/termination-log"}'), '/etc/engine/config.json');
  expect(text).toBe('{"file": "/run/pod/1.termination"}');
});
