import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { readNodeFile } from '../../../../src/demo/node-agent/nodes/description.ts';
import { gpuSlot, wholeGpus } from '../../../../src/demo/node-agent/runtimes/gpu-slot.ts';
import type { ContainerStart } from '../../../../src/demo/node-agent/runtimes/runtime.ts';
import { installedVllm } from '../../../../src/demo/node-agent/runtimes/vllm.ts';
import { vllmArguments } from '../../../../src/demo/node-agent/runtimes/vllm-arguments.ts';
import { vllmSimulator } from '../../../../src/demo/node-agent/runtimes/vllm-simulator.ts';
import { readSettings } from '../../../../src/demo/vllm/settings.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { podOf } from './pod-player.ts';

function nodeWith(gpu: string) {
  const [node] = readNodeFile(`nodes: [{name: n, gpu: ${gpu}}]`, 'nodes.yaml');
  if (node === undefined) throw new Error('no node');
  return node;
}

function startOf(changes: Partial<ContainerStart> = {}): ContainerStart {
  return {
    pod: podOf(),
    container: { name: 'vllm' },
    node: nodeWith('{product: NVIDIA-A10}'),
    command: undefined,
    args: ['Qwen/Qwen2.5-7B-Instruct', '--max-model-len', '4096'],
    env: { VLLM_API_KEY: 'k' },
    endpoint: { ip: '127.244.0.2' },
    folder: '/nonexistent/pod',
    mounts: [],
    gpuFolder: undefined,
    failure: undefined,
    ...changes,
  };
}

describe('the GPU that an engine gets', () => {
  test.each([
    { gpu: '{product: NVIDIA-L4}', resource: 'gpu', want: { gpuProfile: 'L4', slowdown: 1 } },
    {
      gpu: '{product: NVIDIA-A10, sharing: {timeSlicing: {replicas: 4}}}',
      resource: 'gpu',
      want: { gpuProfile: 'A10', slowdown: 4 },
    },
    {
      gpu: '{product: NVIDIA-H100-80GB-HBM3, sharing: {mig: {strategy: mixed, layout: {1g.10gb: 7}}}}',
      resource: 'mig-1g.10gb',
      want: { gpuProfile: 'H100-MIG-1g.10gb', slowdown: 1 },
    },
    {
      gpu: '{product: NVIDIA-A100-SXM4-40GB, sharing: {mig: {strategy: single, layout: {1g.5gb: 7}}}}',
      resource: 'gpu',
      want: { gpuProfile: 'A100-40GB', memoryGiB: 4.75, slowdown: 7 },
    },
    {
      gpu: '{product: NVIDIA-H200}',
      resource: 'gpu',
      want: { gpuProfile: 'H100', memoryGiB: 139.8, slowdown: 1 },
    },
  ])('$gpu', ({ gpu, resource, want }) => {
    expect(gpuSlot(nodeWith(gpu), [`nvidia.com/${resource}`])).toEqual(want);
  });
});

describe('the whole GPUs that an engine gets', () => {
  const limits = (count: string) => ({ resources: { limits: { 'nvidia.com/gpu': count } } });
  test.each([
    { gpu: '{product: NVIDIA-H200, count: 8}', container: limits('2'), want: 2 },
    { gpu: '{product: NVIDIA-H200}', container: {}, want: 1 },
    {
      gpu: '{product: NVIDIA-A10, sharing: {timeSlicing: {replicas: 4}}}',
      container: limits('2'),
      want: 1,
    },
  ])('$gpu, $container: $want', async ({ gpu, container, want }) => {
    expect(wholeGpus(nodeWith(gpu), container)).toBe(want);
    const start = startOf({ node: nodeWith(gpu), container: { name: 'vllm', ...container } });
    const { env } = await vllmSimulator({ entryPoint: '/simulator.ts' }).command(start);
    expect(readSettings(env.VLLM_SIMULATOR).gpus).toBe(want);
  });
});

describe('vLLM’s command line', () => {
  test('is the container’s, and it listens where the pod is', () => {
    expect(vllmArguments(startOf())).toEqual([
      'Qwen/Qwen2.5-7B-Instruct',
      '--max-model-len',
      '4096',
      '--host',
      '127.244.0.2',
    ]);
  });

  test('names a port where pods share an address', () => {
    const start = startOf({ endpoint: { ip: '127.0.0.1', port: 21_000 }, args: ['m'] });
    expect(vllmArguments(start)).toEqual(['m', '--host', '127.0.0.1', '--port', '21000']);
  });

  test('may be spelled out as the container’s command', () => {
    const start = startOf({ command: ['vllm', 'serve', 'm'], args: [] });
    expect(vllmArguments(start)).toEqual(['m', '--host', '127.244.0.2']);
  });

  test('is not some other program', () => {
    expect(() => vllmArguments(startOf({ command: ['bash', '-c', 'vllm'] }))).toThrow('only "vllm serve"');
  });
});

describe('the simulator', () => {
  const runtime = vllmSimulator({ entryPoint: '/simulator.ts', speed: 5, loadSeconds: 2 });

  test.each([
    { image: 'vllm/vllm-openai:v0.32.0', want: true },
    { image: 'docker.io/vllm/vllm-openai@sha256:0', want: true },
    { image: 'vllm/vllm-openai-cpu:v0.32.0-x86_64', want: true },
    { image: 'example.com/vllm:v1', want: false },
  ])('plays $image: $want', ({ image, want }) => {
    expect(runtime.plays(image)).toBe(want);
  });

  test.each([
    { name: 'nothing fails', failure: undefined, want: { loadSeconds: 2, speed: 5, gpuProfile: 'A10' } },
    { name: 'slow load', failure: { kind: 'SlowLoad', seconds: 90 }, want: { loadSeconds: 90 } },
    {
      name: 'out of memory',
      failure: { kind: 'OutOfMemoryAtStart' },
      want: { failures: { start: 'CudaOutOfMemory' } },
    },
    { name: 'crash', failure: { kind: 'CrashAtStart' }, want: { failures: { start: 'EngineCoreCrash' } } },
  ] as const)('gets settings that it understands: $name', async ({ failure, want }) => {
    const command = await runtime.command(startOf({ failure }));
    expect(command.args).toContain('/simulator.ts');
    expect(command.env.VLLM_API_KEY).toBe('k');
    expect(readSettings(command.env.VLLM_SIMULATOR)).toMatchObject(want);
  });
});

describe('the simulator of a container', () => {
  const runtime = vllmSimulator({ entryPoint: '/simulator.ts' });

  test('shares the memory of the GPU that its pod is on', async () => {
    const pod = podOf();
    const { env } = await runtime.command(startOf({ pod, gpuFolder: '/run/gpus/n/0' }));
    expect(readSettings(env.VLLM_SIMULATOR).gpu).toEqual({
      folder: '/run/gpus/n/0',
      engine: pod.metadata.uid,
    });
  });

  test.each([
    ['killEngine', { engineDead: true }],
    ['stallEngine', { engineStalled: true }],
  ] as const)('is told by a file and a signal: %s', async (play, failures) => {
    await using folder = await temporaryFolder();
    const signals: string[] = [];
    await runtime[play]?.(folder.path, { pid: 1, signal: (name) => signals.push(name) });
    expect(JSON.parse(await readFile(join(folder.path, 'failures.json'), 'utf8'))).toEqual(failures);
    expect(signals).toEqual(['SIGUSR2']);
  });
});

describe('an installed vLLM', () => {
  const environment = {
    PATH: '/usr/bin',
    HF_HOME: '/home/me/.cache/huggingface',
    VLLM_LOGGING_LEVEL: 'INFO',
  };
  const runtime = installedVllm({ program: '/opt/vllm', environment });

  test('gets the container’s arguments, and its environment over the machine’s', async () => {
    const start = startOf({ args: ['m'], env: { VLLM_LOGGING_LEVEL: 'DEBUG', VLLM_MAX_N_SEQUENCES: '4' } });
    expect(await runtime.command(start)).toEqual({
      program: '/opt/vllm',
      args: ['serve', 'm', '--host', '127.244.0.2'],
      env: { ...environment, VLLM_LOGGING_LEVEL: 'DEBUG', VLLM_MAX_N_SEQUENCES: '4' },
    });
  });

  test('keeps its caches on this machine, where a volume of the container is not mounted', async () => {
    const start = startOf({
      container: { name: 'vllm', volumeMounts: [{ name: 'models', mountPath: '/models' }] },
      env: { HF_HOME: '/models/.cache/huggingface', VLLM_CACHE_ROOT: '/models', OTHER: '/models-of-others' },
    });
    const { env } = await runtime.command(start);
    expect(env).toEqual({ ...environment, OTHER: '/models-of-others' });
  });

  test('finds what is on a claim in the folder of its volume', async () => {
    const start = startOf({
      args: ['/models/tiny', '--served-model-name', 'tiny', '--lora-modules', 'sql=/models/adapters/sql'],
      mounts: [{ mountPath: '/models', folder: '/run/volumes/pvc-1' }],
      env: { HF_HOME: '/models/.cache/huggingface' },
    });
    const { args, env } = await runtime.command(start);
    expect(args).toEqual(
      expect.arrayContaining(['/run/volumes/pvc-1/tiny', 'tiny', 'sql=/run/volumes/pvc-1/adapters/sql']),
    );
    expect(env.HF_HOME).toBe('/run/volumes/pvc-1/.cache/huggingface');
  });

  test('has this machine’s home and temporary folder, not the container’s', async () => {
    const start = startOf({ env: { HOME: '/nonexistent/pod', TMPDIR: '/nonexistent/pod' } });
    expect((await runtime.command(start)).env).toEqual(environment);
  });

  test.each(['OutOfMemoryAtStart', 'CrashAtStart'] as const)('is not started to play %s', async (kind) => {
    const command = await runtime.command(startOf({ failure: { kind } }));
    expect(command.program).toBe(process.execPath);
    expect(command.args.at(-1)).toMatch(/played by the node agent/i);
  });
});
