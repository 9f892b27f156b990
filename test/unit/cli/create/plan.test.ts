import { expect, test } from '@jest/globals';
import { planClass, planLines } from '../../../../src/cli/create/plan.ts';
import { readGpuNode } from '../../../../src/gpu/nodes/gpu-node.ts';
import type { GpuObservation } from '../../../../src/gpu/nodes/observation.ts';
import { classroom } from '../../../support/builders.ts';

/** Nodes with one A10 each. */
function a10s(count: number): GpuObservation {
  const nodes = Array.from({ length: count }, (_, place) =>
    readGpuNode({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: {
        name: `gpu-${place}`,
        labels: { 'nvidia.com/gpu.product': 'NVIDIA-A10', 'nvidia.com/gpu.memory': '23028' },
      },
      status: {
        capacity: { 'nvidia.com/gpu': '1' },
        allocatable: { 'nvidia.com/gpu': '1' },
        conditions: [{ type: 'Ready', status: 'True' }],
      },
    }),
  );
  return { kind: 'Known', nodes: nodes.flatMap((node) => node ?? []), pods: [], dra: [], seesAllPods: true };
}
const HIDDEN: GpuObservation = { kind: 'Unknown', why: 'NotAllowed' };

const linesOf = (
  object: ReturnType<typeof classroom>,
  observed: GpuObservation,
  students?: number,
): string[] => planLines(planClass(object, observed, students), students);

test('the GPU that the nodes have is planned for where none is named', () => {
  expect(linesOf(classroom(), a10s(4), 30)).toEqual([
    expect.stringMatching(/^Qwen\/Qwen2\.5-7B-Instruct fits A10: /),
    'Planned: up to 4 engines for 30 students.',
  ]);
});

test('too few GPUs are told of before anybody waits for an engine', () => {
  const [, , shortage, ...more] = linesOf(classroom(), a10s(2), 30);
  expect(shortage).toMatch(/^Worth knowing: .*2/);
  expect(more).toEqual([]);
});

test('where nodes cannot be seen, the table and the spec are believed', () => {
  const named = classroom({ spec: { gpu: { product: 'NVIDIA-A10' } } });
  expect(linesOf(named, HIDDEN, 6)).toEqual([
    expect.stringContaining('one engine carries'),
    'Planned: up to 1 engine for 6 students.',
  ]);
});

test.each([
  ['the GPU', classroom()],
  ['the model', classroom({ spec: { model: { id: 'acme/tutor' }, gpu: { product: 'NVIDIA-A10' } } })],
])('what nobody knows is left to the operator: %s', (_, object) => {
  expect(planClass(object, HIDDEN, 30)).toEqual({ plan: undefined, engines: 1, shortage: undefined });
  expect(linesOf(object, HIDDEN, 30)).toEqual([expect.stringMatching(/^Not planned here/)]);
});
