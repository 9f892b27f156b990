import { PREPARATION_ANNOTATION } from '../../api/node-preparation.ts';
import type { ManageAction, PodOnNode } from '../../gpu/node-preparation/manage.ts';
import type { PreparationNote } from '../../gpu/node-preparation/note.ts';
import { formatRecord, type PreparationRecord } from '../../gpu/node-preparation/record.ts';
import { GPU_LABELS } from '../../gpu/nodes/gpu-labels.ts';
import type { KubeClient } from '../../kube/client.ts';
import { evictPod } from '../../kube/eviction.ts';
import { nodes } from '../../kube/resources.ts';

export type NodeWrite = Exclude<ManageAction, { kind: 'Evict' | 'Wait' | 'Refuse' }>;

/**
 * Writes one step to a node, in one request that the API server refuses when the node has changed since it was read:
 * what was decided on is what is written to.
 *
 * @throws KubeApiError
 */
export async function writeToNode(
  client: Pick<KubeClient, 'mergePatch'>,
  node: { name: string; resourceVersion: string },
  action: NodeWrite,
  signal: AbortSignal,
): Promise<void> {
  const { metadata = {}, ...rest } = patchOf(action);
  const patch = { ...rest, metadata: { ...metadata, resourceVersion: node.resourceVersion } };
  await client.mergePatch(nodes, { name: node.name }, patch, { signal });
}

/** A merge patch: null takes a field away. */
function patchOf(action: NodeWrite): { metadata?: object; spec?: object } {
  switch (action.kind) {
    case 'Cordon':
      return { metadata: annotated(action.record), spec: { unschedulable: true } };
    case 'SetLayout':
      return {
        metadata: {
          ...annotated(action.record),
          // Without the old state nobody takes it for the new one.
          labels: { [GPU_LABELS.migConfig]: action.record.layout, [GPU_LABELS.migConfigState]: null },
        },
      };
    case 'Release':
      return { metadata: annotated(null), spec: { unschedulable: null } };
    case 'Forget':
      return { metadata: annotated(null) };
    case 'Fail':
      return { metadata: annotated(action.record) };
  }
}

function annotated(record: PreparationRecord | null): { annotations: Record<string, string | null> } {
  return { annotations: { [PREPARATION_ANNOTATION]: record === null ? null : formatRecord(record) } };
}

/**
 * Evicts engines.
 *
 * @returns what to tell people of where a disruption budget holds one back
 * @throws KubeApiError
 */
export async function evictAll(
  client: Pick<KubeClient, 'raw'>,
  pods: readonly PodOnNode[],
  signal: AbortSignal,
): Promise<PreparationNote | undefined> {
  let note: PreparationNote | undefined;
  for (const pod of pods) {
    const eviction = await evictPod(client, pod, { signal });
    if (eviction.kind !== 'blocked') continue;
    const message = `Engine ${pod.namespace}/${pod.name} may not be evicted yet: ${eviction.message.replace(/\.$/, '')}.`;
    note = { why: 'EvictionBlocked', message };
  }
  return note;
}
