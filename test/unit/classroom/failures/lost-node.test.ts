import { describe, expect, test } from '@jest/globals';
import type { EngineState, EngineStatus } from '../../../../src/api/classroom.ts';
import { withLostNodes } from '../../../../src/classroom/failures/lost-node.ts';
import { readGpuNode } from '../../../../src/gpu/nodes/gpu-node.ts';
import type { GpuObservation } from '../../../../src/gpu/nodes/observation.ts';

/** The node node-1 with one GPU. */
function nodes(isReady: boolean): GpuObservation {
  const node = readGpuNode({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'node-1' },
    status: {
      capacity: { 'nvidia.com/gpu': '1' },
      allocatable: { 'nvidia.com/gpu': '1' },
      conditions: [{ type: 'Ready', status: isReady ? 'True' : 'Unknown' }],
    },
  });
  return { kind: 'Known', nodes: node === undefined ? [] : [node], pods: [], dra: [], seesAllPods: true };
}

const engine = (state: EngineState): EngineStatus => ({ name: 'engine-a', state, node: 'node-1' });

describe('an engine on a node that does not answer', () => {
  test.each([
    ['Loading', 'Failing'],
    ['Failing', 'Failing'],
    ['Stopping', 'Stopping'],
  ] as const)('%s is %s for the loss of its node, and says what to do', (state, want) => {
    const [got] = withLostNodes([engine(state)], nodes(false));
    expect(got).toMatchObject({ state: want, reason: 'NodeLost' });
    expect(got?.message).toContain('node node-1 does not answer');
    expect(got?.message).toContain('node.kubernetes.io/out-of-service');
  });

  test('is left as it is while it answers itself', () => {
    expect(withLostNodes([engine('Ready')], nodes(false))).toEqual([engine('Ready')]);
  });
});

test.each<[string, GpuObservation]>([
  ['a node that answers', nodes(true)],
  ['a node that nobody may look at', { kind: 'Unknown', why: 'NotAllowed' }],
])('an engine on %s is left as it is', (_, gpus) => {
  expect(withLostNodes([engine('Loading')], gpus)).toEqual([engine('Loading')]);
});
