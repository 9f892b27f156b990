import { COMPONENTS, LABELS } from '../../api/labels.ts';
import type { NodeMoment, PodOnNode } from '../../gpu/node-preparation/manage.ts';
import { type GpuNode, readGpuNode } from '../../gpu/nodes/gpu-node.ts';
import { readGpuPod } from '../../gpu/nodes/gpu-pod.ts';
import type { KubeClient } from '../../kube/client.ts';
import { keyOf } from '../../kube/object.ts';
import { nodes, type Pod, pods } from '../../kube/resources.ts';
import { serves } from '../engine-container.ts';

/** Asks the API server for the pods of a node: a cache may not know yet of the one that matters. */
export async function readMoment(
  client: Pick<KubeClient, 'list'>,
  node: GpuNode,
  classKey: string,
  signal: AbortSignal,
): Promise<NodeMoment> {
  const { items } = await client.list(pods, { fieldSelector: `spec.nodeName=${node.name}`, signal });
  return { node, pods: podsOnNode(items, classKey) };
}

/** Pods that have ended hold nothing and are left out. */
export function podsOnNode(onNode: readonly Pod[], classKey: string): PodOnNode[] {
  return onNode
    .filter(({ status }) => status?.phase !== 'Succeeded' && status?.phase !== 'Failed')
    .map((pod) => ({
      namespace: pod.metadata.namespace ?? '',
      name: pod.metadata.name,
      uid: pod.metadata.uid ?? '',
      isOwn: isEngineOf(pod, classKey),
      holdsGpu: readGpuPod(pod) !== undefined || (pod.spec?.resourceClaims ?? []).length > 0,
      serves: serves(pod),
      isEnding: pod.metadata.deletionTimestamp !== undefined,
    }));
}

function isEngineOf({ metadata: { namespace = '', labels = {} } }: Pod, classKey: string): boolean {
  const name = labels[LABELS.classroom];
  return (
    labels[LABELS.component] === COMPONENTS.engine &&
    name !== undefined &&
    keyOf({ namespace, name }) === classKey
  );
}

/** Nodes with GPUs as the API server has them, and their versions, without which nothing is written. */
export interface LiveNodes {
  nodes: readonly GpuNode[];
  resourceVersionOf(node: string): string;
}

/** Whole nodes are large, and most are of no interest: they are not held all at once. */
const NODES_PER_PAGE = 100;

/**
 * Asks the API server for nodes.
 *
 * @param name undefined: all
 * @throws KubeApiError
 */
export async function readNodes(
  client: Pick<KubeClient, 'list'>,
  name: string | undefined,
  signal: AbortSignal,
): Promise<LiveNodes> {
  const found: GpuNode[] = [];
  const versions = new Map<string, string>();
  let next: string | undefined;
  do {
    const page = await client.list(nodes, {
      signal,
      limit: NODES_PER_PAGE,
      ...(name === undefined ? {} : { fieldSelector: `metadata.name=${name}` }),
      ...(next === undefined ? {} : { continue: next }),
    });
    for (const node of page.items) {
      const facts = readGpuNode(node);
      if (facts === undefined) continue;
      found.push(facts);
      versions.set(facts.name, node.metadata.resourceVersion ?? '');
    }
    next = page.metadata.continue || undefined;
  } while (next !== undefined);
  return { nodes: found, resourceVersionOf: (node) => versions.get(node) ?? '' };
}
