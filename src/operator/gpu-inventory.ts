import { isDeepStrictEqual } from 'node:util';
import { API_GROUP } from '../api/group.ts';
import { type DraDevices, type ResourceSlice, readDraDevices, resourceSlices } from '../gpu/nodes/dra.ts';
import { type GpuNode, readGpuNode } from '../gpu/nodes/gpu-node.ts';
import { type GpuPod, readGpuPod } from '../gpu/nodes/gpu-pod.ts';
import type { GpuObservation } from '../gpu/nodes/observation.ts';
import { type KubeObject, keyOf } from '../kube/object.ts';
import { createOptionalInformer } from '../kube/optional-informer.ts';
import type { WatchContext } from '../kube/reflector.ts';
import { type Node, nodes, type Pod } from '../kube/resources.ts';
import type { StoreChange } from '../kube/store.ts';
import type { Followed } from '../kube/written.ts';
import type { GpuInventory, ObjectCache } from '../reconcile/caches.ts';
import { createNodePods } from './node-pods.ts';

export interface GpuInventoryOptions extends WatchContext {
  /**
   * The only pods that may be seen, where the operator serves one namespace. Undefined: pods of all namespaces, by
   * a watch for each GPU node.
   */
  enginePods: ObjectCache<Pod> | undefined;
}

/** The inventory with its watches. */
export interface FollowedGpus {
  inventory: GpuInventory;
  start(signal: AbortSignal): void;
  /** Resolves when it is known whether nodes may be read and, if so, what is on them. */
  synced(): Promise<void>;
  /** The cache of nodes, where they may be read: the operator writes to them. */
  followed(): readonly Followed[];
  stop(): Promise<void>;
}

/**
 * Follows nodes, the pods that hold their GPUs, and what DRA drivers offer. Nodes change with every heartbeat; only
 * what {@link readGpuNode} reads of them counts as a change.
 */
export function createGpuInventory(options: GpuInventoryOptions): FollowedGpus {
  const nodeInformer = createOptionalInformer<Node>({ ...options, resource: nodes, transform: slimNode });
  const sliceInformer = createOptionalInformer<ResourceSlice>({
    ...options,
    resource: resourceSlices,
    transform: slimSlice,
  });
  const gpuNodes = new Map<string, GpuNode>();
  const engines = new Map<string, GpuPod>();
  const dra = new Map<string, DraDevices>();
  const handlers = new Set<() => void>();
  let latest: GpuObservation | undefined;

  const changed = (): void => {
    latest = undefined;
    for (const handler of handlers) handler();
  };
  /** Keeps what was read of an object; tells only of what is different. */
  const keep = <T>(known: Map<string, T>, key: string, facts: T | undefined): void => {
    if (isDeepStrictEqual(known.get(key), facts)) return;
    if (facts === undefined) known.delete(key);
    else known.set(key, facts);
    changed();
  };
  const nodePods =
    options.enginePods === undefined ? createNodePods({ ...options, onChange: changed }) : undefined;

  function observe(): GpuObservation {
    switch (nodeInformer.state) {
      case 'unread':
        return { kind: 'Unknown', why: 'NotRead' };
      case 'refused':
        return { kind: 'Unknown', why: 'NotAllowed' };
      case 'following': {
        const all = [...gpuNodes.values()].toSorted((a, b) => a.name.localeCompare(b.name));
        return {
          kind: 'Known',
          // Until its pods are known, everything on a new node would look free.
          nodes: all.filter(({ name }) => nodePods?.isKnown(name) ?? true),
          pods: nodePods?.list() ?? [...engines.values()],
          dra: [...dra.values()],
          seesAllPods: nodePods !== undefined,
        };
      }
    }
  }

  nodeInformer.onState(changed);
  nodeInformer.store.subscribe((change) => {
    const { name } = change.object.metadata;
    const facts = ifThere(change, readGpuNode);
    nodePods?.follow(name, facts !== undefined && facts.slots.length > 0);
    keep(gpuNodes, name, facts);
  });
  sliceInformer.store.subscribe((change) => {
    keep(dra, change.object.metadata.name, ifThere(change, readDraDevices));
  });

  return {
    inventory: {
      current() {
        latest ??= observe();
        return latest;
      },
      onChange(handler) {
        handlers.add(handler);
        return () => handlers.delete(handler);
      },
    },
    start(signal) {
      nodePods?.start(signal);
      options.enginePods?.onChange(({ now, before }) => {
        const pod = now ?? before;
        if (pod !== undefined) keep(engines, keyOf(pod.metadata), now && readGpuPod(now));
      });
      // Who may not read nodes may not read these either, and has no use for them.
      nodeInformer.onState(() => nodeInformer.state === 'following' && sliceInformer.start(signal));
      nodeInformer.start(signal);
    },
    async synced() {
      await nodeInformer.settled();
      if (nodeInformer.state === 'refused') return;
      await Promise.all([sliceInformer.settled(), nodePods?.synced()]);
    },
    followed: () => (nodeInformer.state === 'following' ? [nodeInformer] : []),
    async stop() {
      await Promise.all([nodeInformer.stop(), sliceInformer.stop(), nodePods?.stop()]);
    },
  };
}

function ifThere<T extends KubeObject, F>(
  change: StoreChange<T>,
  read: (object: T) => F | undefined,
): F | undefined {
  return change.type === 'deleted' ? undefined : read(change.object);
}

/**
 * Images, addresses and heartbeats are most of a Node, and nobody here reads them; of a node without GPUs nothing is
 * read but that.
 */
function slimNode(node: Node): Node {
  const { apiVersion, kind, metadata, spec, status } = node;
  const { name, uid, resourceVersion, labels, annotations = {} } = metadata;
  if (readGpuNode(node) === undefined) return { apiVersion, kind, metadata: { name, uid, resourceVersion } };
  const own = Object.entries(annotations).filter(([key]) => key.startsWith(`${API_GROUP}/`));
  return {
    apiVersion,
    kind,
    metadata: { name, uid, resourceVersion, labels, annotations: Object.fromEntries(own) },
    spec: { taints: spec?.taints, unschedulable: spec?.unschedulable },
    status: {
      capacity: status?.capacity,
      allocatable: status?.allocatable,
      conditions: status?.conditions?.filter(({ type }) => type === 'Ready'),
    },
  };
}

function slimSlice({ apiVersion, kind, metadata, spec }: ResourceSlice): ResourceSlice {
  const { name, uid, resourceVersion } = metadata;
  return {
    apiVersion,
    kind,
    metadata: { name, uid, resourceVersion },
    spec: {
      driver: spec?.driver,
      nodeName: spec?.nodeName,
      devices: spec?.devices?.map((device) => ({ name: device.name })),
    },
  };
}
