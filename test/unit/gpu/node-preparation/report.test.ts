import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { PREPARATION_COMMANDS_MAX } from '../../../../src/api/node-preparation.ts';
import { migGpu } from '../../../../src/gpu/hardware/mig-profiles.ts';
import { preparationCommands } from '../../../../src/gpu/node-preparation/report.ts';
import type { GpuPod } from '../../../../src/gpu/nodes/gpu-pod.ts';
import { classOn, cluster, foreignPod, gpuNodes, MIG_1G, prepare, WHOLE_H100 } from './nodes.ts';

function commandsFor(
  gpu: Parameters<typeof classOn>[0],
  file: string,
  engines = 7,
  pods: readonly GpuPod[] = [],
): string {
  const nodes = gpuNodes(file);
  const preparation = prepare(classOn(gpu, engines), cluster(nodes, pods));
  return preparationCommands(preparation, { nodes, migGpu }) ?? '';
}

/** The objects that the text hands to kubectl. */
function objectsIn(text: string): unknown[] {
  return [...text.matchAll(/<<'EOF'\n(.*?)\nEOF/gs)].map(([, yaml = '']) => parse(yaml));
}

describe('the commands', () => {
  test('for MIG slices are those of one node: empty it, label it, wait, let pods in again', () => {
    expect(commandsFor(MIG_1G, WHOLE_H100)).toBe(
      `# The class python-101/python-101 needs 7 × nvidia.com/mig-1g.10gb, MIG slices 1g.10gb. The nodes it means offer 0.

# Node h100: from then on it offers 7. Every GPU program on it must end first.
kubectl cordon h100
kubectl -n python-101 delete pods -l app.kubernetes.io/component=engine,gpu-classroom.io/classroom=python-101 --field-selector spec.nodeName=h100
# GPU pods of others must be stopped by their owners:
kubectl get pods --all-namespaces --field-selector spec.nodeName=h100
kubectl label node h100 nvidia.com/mig.config=all-1g.10gb nvidia.com/mig.config.state- --overwrite
kubectl wait node/h100 --for=jsonpath='{.metadata.labels.nvidia\\.com/mig\\.config\\.state}'=success --timeout=30m
kubectl uncordon h100
`,
    );
  });

  test('for time-slices make a ConfigMap that refuses more than one slice a pod, and let the node choose it', () => {
    const gpu = { sharing: 'TimeSliced', slicesPerGPU: 4, product: 'NVIDIA-A10' } as const;
    const text = commandsFor(gpu, '[{name: a10, gpu: {product: NVIDIA-A10}}]', 4);
    const [configMap] = objectsIn(text) as { metadata: unknown; data: Record<string, string> }[];
    expect(configMap?.metadata).toEqual({ name: 'gpu-classroom-sharing', namespace: 'gpu-operator' });
    expect(Object.keys(configMap?.data ?? {})).toEqual(['time-sliced-4-renamed']);
    expect(parse(configMap?.data['time-sliced-4-renamed'] ?? '')).toEqual({
      version: 'v1',
      flags: { migStrategy: 'none' },
      sharing: {
        timeSlicing: {
          renameByDefault: true,
          failRequestsGreaterThanOne: true,
          resources: [{ name: 'nvidia.com/gpu', replicas: 4 }],
        },
      },
    });
    expect(text).toContain(
      `kubectl patch clusterpolicies.nvidia.com/cluster-policy --type merge -p '{"spec":{"devicePlugin":{"config":{"name":"gpu-classroom-sharing"}}}}'`,
    );
    expect(text).toContain(
      'kubectl label node a10 nvidia.com/device-plugin.config=time-sliced-4-renamed --overwrite',
    );
    expect(text).toContain(
      "kubectl wait node/a10 --for=jsonpath='{.status.allocatable.nvidia\\.com/gpu\\.shared}'=4 --timeout=10m",
    );
  });

  test('add keys for two ways of slicing without taking each other’s away', () => {
    const gpu = { sharing: 'TimeSliced', slicesPerGPU: 4, product: 'NVIDIA-A10' } as const;
    expect(commandsFor(gpu, '[{name: a10, gpu: {product: NVIDIA-A10}}]', 4)).toContain(
      'kubectl apply --server-side --field-manager=gpu-classroom-time-sliced-4-renamed -f -',
    );
  });

  test('bring a layout of one’s own in a ConfigMap that mig-parted reads, with those that nodes use', () => {
    const mig = (layout: string): string =>
      `{product: NVIDIA-H100-80GB-HBM3, sharing: {mig: {strategy: mixed, layout: ${layout}}}}`;
    const file = `[{name: h100, gpu: ${mig('{3g.40gb: 2}')}}, {name: other, gpu: ${mig('{1g.20gb: 4}')}, labels: {room: "1"}}]`;
    const gpu = { ...MIG_1G, nodeSelector: { 'kubernetes.io/hostname': 'h100' } };
    const text = commandsFor(gpu, file, 4, [foreignPod({ requests: { 'nvidia.com/mig-3g.40gb': 1 } })]);
    const [configMap] = objectsIn(text) as { data: Record<string, string> }[];
    expect(parse(configMap?.data['config.yaml'] ?? '')).toEqual({
      version: 'v1',
      'mig-configs': {
        'all-disabled': [{ devices: 'all', 'mig-enabled': false }],
        'all-3g.40gb': [{ devices: 'all', 'mig-enabled': true, 'mig-devices': { '3g.40gb': 2 } }],
        'all-1g.20gb': [{ devices: 'all', 'mig-enabled': true, 'mig-devices': { '1g.20gb': 4 } }],
        'classroom-4x1g.10gb-1x3g.40gb': [
          { devices: 'all', 'mig-enabled': true, 'mig-devices': { '3g.40gb': 1, '1g.10gb': 4 } },
        ],
      },
    });
    expect(text).toContain(
      `-p '{"spec":{"migManager":{"config":{"name":"gpu-classroom-mig","default":"all-disabled"}}}}'`,
    );
  });

  test('do not guess what a name means that means two things', () => {
    const mig = (product: string, count: number): string =>
      `{product: ${product}, sharing: {mig: {strategy: mixed, layout: {1g.10gb: ${count}}}}}`;
    const file = `[
      {name: h100, gpu: {product: NVIDIA-H100-80GB-HBM3, sharing: {mig: {strategy: mixed, layout: {3g.40gb: 2}}}}},
      {name: other, gpu: ${mig('NVIDIA-H100-80GB-HBM3', 7)}, labels: {nvidia.com/mig.config: mine}}]`;
    const gpu = { ...MIG_1G, nodeSelector: { 'kubernetes.io/hostname': 'h100' } };
    const text = commandsFor(gpu, file, 4, [foreignPod({ requests: { 'nvidia.com/mig-3g.40gb': 1 } })]);
    expect(text).toContain('# Copy these from the present one, they are in use: mine.');
  });

  test('write a profile with media engines as each tool wants it', () => {
    const gpu = { ...MIG_1G, migProfile: '1g.10gb+me' };
    const text = commandsFor(gpu, WHOLE_H100, 1);
    expect(text).toContain('nvidia.com/mig.config=all-1g.10gb.me ');
  });

  test('patch the strategy once, for the whole cluster', () => {
    const gpu = { ...MIG_1G, resourceName: 'nvidia.com/mig-1g.10gb' };
    const file = '[{name: h100, count: 2, gpu: {product: NVIDIA-H100-80GB-HBM3, migStrategy: single}}]';
    const text = commandsFor(gpu, file, 14);
    expect(text.match(/"mig":\{"strategy":"mixed"\}/g)).toHaveLength(1);
  });

  test('for a hundred nodes still fit the status', () => {
    const file = '[{name: h100-with-a-long-name, count: 100, gpu: {product: NVIDIA-H100-80GB-HBM3}}]';
    const text = commandsFor(MIG_1G, file, 64);
    expect(text.length).toBeLessThanOrEqual(PREPARATION_COMMANDS_MAX);
    expect(text).toContain('# In the same way: h100-with-a-long-name-9, h100-with-a-long-name-10');
  });

  test('are none where nothing can be gained', () => {
    expect(commandsFor({ product: 'NVIDIA-A10' }, '[{name: a, gpu: {product: NVIDIA-A10}}]', 1)).toBe('');
  });
});
