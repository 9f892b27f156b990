import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { LABELS } from '../../src/api/labels.ts';
import type { GpuNode } from '../../src/gpu/nodes/gpu-node.ts';
import { readGpuNode } from '../../src/gpu/nodes/gpu-node.ts';
import { type GpuPod, readGpuPod } from '../../src/gpu/nodes/gpu-pod.ts';
import type { KnownGpus } from '../../src/gpu/nodes/observation.ts';
import type { Node, Pod } from '../../src/kube/resources.ts';
import { merged, type Partially } from './builders.ts';

const FOLDER = join(import.meta.dirname, '../fixtures/gpu-nodes');

const fixtureSchema = z.strictObject({
  labels: z.record(z.string(), z.string()),
  capacity: z.record(z.string(), z.string()),
  /** Where some GPUs are broken. */
  allocatable: z.record(z.string(), z.string()).optional(),
});

/** A node of `test/fixtures/gpu-nodes`, called as its file, ready; a case states only what differs. */
export function nodeLike(fixture: string, difference: Partially<Node> = {}): Node {
  const text = readFileSync(join(FOLDER, `${fixture}.yaml`), 'utf8');
  const { labels, capacity, allocatable = capacity } = fixtureSchema.parse(parse(text));
  const conditions = [{ type: 'Ready', status: 'True', lastHeartbeatTime: '2026-09-01T09:00:00Z' }];
  const base: Node = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: fixture, labels },
    spec: {},
    status: { capacity, allocatable, conditions },
  };
  return merged(base, difference);
}

/** As the operator reads it. Throws when it does not take it for a node with GPUs. */
export function gpuNodeLike(fixture: string, difference: Partially<Node> = {}): GpuNode {
  const node = readGpuNode(nodeLike(fixture, difference));
  if (node === undefined) throw new Error(`${fixture} is no node with GPUs`);
  return node;
}

/** What the operator knows of these nodes, and of pods of all namespaces on them. */
export function knownGpus(nodes: readonly GpuNode[], difference: Partial<KnownGpus> = {}): KnownGpus {
  return { kind: 'Known', nodes, pods: [], dra: [], seesAllPods: true, ...difference };
}

interface PodOnGpus {
  name?: string;
  namespace?: string;
  /** Absent: not scheduled yet. */
  node?: string;
  resource?: string;
  units?: number;
  /** Set for an engine. */
  classroom?: string;
}

/** A running pod that asks for GPUs; a case states only what differs. */
export function podOnGpus(pod: PodOnGpus = {}, difference: Partially<Pod> = {}): Pod {
  const { name = 'train-0', namespace = 'research', resource = 'nvidia.com/gpu', units = 1 } = pod;
  const amounts = { [resource]: String(units) };
  const base: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace,
      labels: pod.classroom === undefined ? {} : { [LABELS.classroom]: pod.classroom },
    },
    spec: {
      ...(pod.node === undefined ? {} : { nodeName: pod.node }),
      containers: [{ name: 'main', resources: { limits: amounts, requests: amounts } }],
    },
    status: { phase: 'Running' },
  };
  return merged(base, difference);
}

/** As the operator reads it. Throws when it holds nothing. */
export function gpuPod(pod: PodOnGpus & { node: string }, difference: Partially<Pod> = {}): GpuPod {
  const read = readGpuPod(podOnGpus(pod, difference));
  if (read === undefined) throw new Error('the pod holds no GPU');
  return read;
}
