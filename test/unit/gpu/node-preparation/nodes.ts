import type { Classroom } from '../../../../src/api/classroom.ts';
import { readNodeFile } from '../../../../src/demo/node-agent/nodes/description.ts';
import { renderNode } from '../../../../src/demo/node-agent/nodes/render.ts';
import type { Preparation } from '../../../../src/gpu/node-preparation/choose.ts';
import {
  type PlacedClass,
  placedClass,
  preparationOf,
} from '../../../../src/gpu/node-preparation/prepare.ts';
import { type GpuNode, readGpuNode } from '../../../../src/gpu/nodes/gpu-node.ts';
import type { GpuPod } from '../../../../src/gpu/nodes/gpu-pod.ts';
import type { GpuObservation, KnownGpus } from '../../../../src/gpu/nodes/observation.ts';
import type { Node } from '../../../../src/kube/resources.ts';
import { classroom, merged, type Partially } from '../../../support/builders.ts';

const NOW_MS = Date.parse('2026-09-01T09:00:00Z');

/** Nodes as NVIDIA's components label them, from what a node file says; more may be said of each. */
export function nodesOf(file: string, difference: Partially<Node> = {}): Node[] {
  return readNodeFile(`nodes: ${file}`, 'nodes.yaml').map((node) =>
    merged(renderNode(node, { address: '127.0.0.1', kubeletPort: 10250 }, NOW_MS), difference),
  );
}

export function gpuNodes(file: string, difference: Partially<Node> = {}): GpuNode[] {
  return nodesOf(file, difference).flatMap((node) => readGpuNode(node) ?? []);
}

/** A cluster with these nodes, and nobody on them but those given. */
export function cluster(nodes: readonly GpuNode[], pods: readonly GpuPod[] = []): KnownGpus {
  return { kind: 'Known', nodes, pods, dra: [], seesAllPods: true };
}

/** A pod on h100 that holds one slice 1g.10gb and belongs to nobody we know. */
export function foreignPod(difference: Partial<GpuPod> = {}): GpuPod {
  return {
    namespace: 'research',
    name: 'notebook',
    node: 'h100',
    classroom: undefined,
    terminating: false,
    requests: { 'nvidia.com/mig-1g.10gb': 1 },
    ...difference,
  };
}

type GpuSpec = NonNullable<NonNullable<Parameters<typeof classroom>[0]>['spec']>['gpu'];

/** The class python-101 with so many engines at most, on these GPUs. */
export function classOn(gpu: GpuSpec, engines = 1, metadata: { name?: string } = {}): Classroom {
  return classroom({
    metadata,
    spec: { ...(gpu === undefined ? {} : { gpu }), engine: { replicas: { min: 1, max: engines } } },
  });
}

export const MIG_1G = {
  sharing: 'MIG',
  migProfile: '1g.10gb',
  product: 'NVIDIA-H100-80GB-HBM3',
} as const;

export const WHOLE_H100 = '[{name: h100, gpu: {product: NVIDIA-H100-80GB-HBM3}}]';

export function prepare(own: Classroom, known: KnownGpus, others: readonly Classroom[] = []): Preparation {
  return preparationOf(placed(own, known), [own, ...others], known);
}

/** The class as the planner places it; throws when its spec cannot be read. */
export function placed(own: Classroom, observed: GpuObservation): PlacedClass {
  const found = placedClass(own, observed);
  if (found === undefined) throw new Error('the spec cannot be read');
  return found;
}
