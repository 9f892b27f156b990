import { describe, expect, test } from '@jest/globals';
import { createGpuAssignments } from '../../../../src/demo/node-agent/gpus/assignments.ts';
import { readNodeFile } from '../../../../src/demo/node-agent/nodes/description.ts';

function nodeWith(gpu: string, name = 'n') {
  const [node] = readNodeFile(`nodes: [{name: ${name}, gpu: ${gpu}}]`, 'nodes.yaml');
  if (node === undefined) throw new Error('no node');
  return node;
}

const SLICED = nodeWith('{product: NVIDIA-A10, count: 2, sharing: {timeSlicing: {replicas: 2}}}');

describe('a pod’s GPU', () => {
  test('is shared with others only when all are taken', () => {
    const gpus = createGpuAssignments('/gpus');
    expect(['a', 'b', 'c', 'd'].map((uid) => gpus.folderOf(uid, SLICED))).toEqual([
      '/gpus/n/0',
      '/gpus/n/1',
      '/gpus/n/0',
      '/gpus/n/1',
    ]);
  });

  test('stays the same when its container is started anew', () => {
    const gpus = createGpuAssignments('/gpus');
    gpus.folderOf('a', SLICED);
    const before = gpus.folderOf('b', SLICED);
    expect(gpus.folderOf('b', SLICED)).toBe(before);
  });

  test('is free again when the pod is gone', () => {
    const gpus = createGpuAssignments('/gpus');
    for (const uid of ['a', 'b', 'c']) gpus.folderOf(uid, SLICED);
    gpus.release('b');
    expect(gpus.folderOf('d', SLICED)).toBe('/gpus/n/1');
  });

  test('is none of another node', () => {
    const gpus = createGpuAssignments('/gpus');
    gpus.folderOf('a', SLICED);
    expect(gpus.folderOf('b', nodeWith('{product: NVIDIA-A10}', 'other'))).toBe('/gpus/other/0');
  });

  test('has memory of its own when it is a MIG slice', () => {
    const mig = '{product: NVIDIA-H100-80GB-HBM3, sharing: {mig: {strategy: mixed, layout: {1g.10gb: 7}}}}';
    expect(createGpuAssignments('/gpus').folderOf('a', nodeWith(mig))).toBeUndefined();
  });
});
