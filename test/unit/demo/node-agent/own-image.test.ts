import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { ownImage } from '../../../../src/demo/node-agent/runtimes/own-image.ts';
import type { ContainerStart } from '../../../../src/demo/node-agent/runtimes/runtime.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { podOf } from './pod-player.ts';

const runtime = ownImage({
  programs: { 'operator.js': '/checkout/operator.ts', 'gateway.js': '/checkout/gateway.ts' },
  kubeconfigOf: async ({ namespace, name }) => `/run/${namespace}-${name}.kubeconfig`,
  serviceProxy: 'http://127.0.0.1:4000',
});

const TOKEN = { name: 'token', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' };

function startOf(changes: Partial<ContainerStart>): ContainerStart {
  return {
    pod: podOf({ spec: { serviceAccountName: 'gateway' } }),
    container: { name: 'gateway' },
    node: { name: 'n', cpu: '1', memory: '1Gi', labels: {}, taints: [] },
    command: undefined,
    args: ['gateway.js'],
    env: { TZ: 'UTC' },
    endpoint: { ip: '127.244.0.2' },
    folder: '/nonexistent/pod',
    mounts: [],
    gpuFolder: undefined,
    failure: undefined,
    ...changes,
  };
}

const argumentsOf = async (changes: Partial<ContainerStart>) =>
  (await runtime.command(startOf(changes))).args.slice(1);

test.each([
  ['ghcr.io/gpu-classroom/gpu-classroom:0.1.0', true],
  ['gpu-classroom/gpu-classroom@sha256:0', true],
  ['ghcr.io/somebody/gpu-classroom:0.1.0', false],
  ['vllm/vllm-openai:v0.11.0', false],
])('the image %s is ours: %s', (image, isOurs) => {
  expect(runtime.plays(image)).toBe(isOurs);
});

describe('a program of our image', () => {
  test('listens on the address of its pod alone: all addresses are those of the machine', async () => {
    expect(await argumentsOf({ args: ['operator.js', '--health-address=:8080', '--workers=8'] })).toEqual([
      '/checkout/operator.ts',
      '--health-address=127.244.0.2:8080',
      '--workers=8',
    ]);
  });

  test('reads its configuration where it is mounted, and listens on its pod all the same', async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'gateway.yaml');
    await writeFile(file, 'listen: ":8080"\nhealthAddress: ":8081"\nledger: memory\n');
    const mounts = [{ mountPath: '/etc/gpu-classroom', folder: folder.path }];
    expect(
      await argumentsOf({ args: ['gateway.js', '--config=/etc/gpu-classroom/gateway.yaml'], mounts }),
    ).toEqual([
      '/checkout/gateway.ts',
      `--config=${file}`,
      '--listen=127.244.0.2:8080',
      '--health-address=127.244.0.2:8081',
    ]);
  });

  test('has the token of its account if the API server mounted one', async () => {
    const { env } = await runtime.command(startOf({ container: { name: 'gateway', volumeMounts: [TOKEN] } }));
    expect(env).toMatchObject({ TZ: 'UTC', KUBECONFIG: '/run/class-gateway.kubeconfig' });
    expect((await runtime.command(startOf({}))).env).not.toHaveProperty('KUBECONFIG');
  });

  test('finds Services by a proxy', async () => {
    const { env } = await runtime.command(startOf({}));
    expect(env).toMatchObject({ NODE_USE_ENV_PROXY: '1', HTTP_PROXY: 'http://127.0.0.1:4000' });
  });
});

test('a script is run by Node as it is', async () => {
  const args = ['--input-type=module', '--eval', 'console.log(":8080")'];
  expect(await argumentsOf({ args })).toEqual(args);
});

describe('what cannot be played is told:', () => {
  test.each<[string, Partial<ContainerStart>, string]>([
    ['another entry point', { command: ['sh'] }, 'runs only the entry point'],
    ['a bundle that there is not', { args: ['report.js'] }, 'the image has no such bundle'],
    ['pods that share an address', { endpoint: { ip: '127.0.0.1', port: 4001 } }, 'address of their own'],
  ])('%s', async (_what, changes, words) => {
    await expect(async () => runtime.command(startOf(changes))).rejects.toThrow(words);
  });
});
