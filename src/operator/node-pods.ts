import { isDeepStrictEqual } from 'node:util';
import { LABELS } from '../api/labels.ts';
import { type GpuPod, readGpuPod } from '../gpu/nodes/gpu-pod.ts';
import { createInformer, type Informer } from '../kube/informer.ts';
import { keyOf } from '../kube/object.ts';
import type { WatchContext } from '../kube/reflector.ts';
import { type Pod, pods } from '../kube/resources.ts';

export interface NodePodsOptions extends WatchContext {
  /** A pod began or ceased to hold GPUs, or the pods of a node became known. */
  onChange(): void;
}

/**
 * The pods that hold GPUs, of all namespaces, by one watch for each GPU node: as a kubelet has, by the one field that
 * the API server has an index for. A watch of all pods would bring every change of a big cluster here, to find the few
 * that matter; only where there are more GPU nodes than watches can be afforded, that is what remains.
 */
export interface NodePods {
  /** Follows the pods of a node, or no longer. */
  follow(node: string, wanted: boolean): void;
  /** False while the pods of a node that is followed are not known yet. */
  isKnown(node: string): boolean;
  list(): GpuPod[];
  /** From here on, nodes are followed until the signal aborts. */
  start(signal: AbortSignal): void;
  /** Resolves when the pods of all nodes that are followed now are known, or the node is gone. */
  synced(): Promise<void>;
  stop(): Promise<void>;
}

/** Every watch holds a connection, of which the client opens no more than a hundred. */
export const NODE_WATCHES_MAX = 32;
const ON_ANY_NODE = 'spec.nodeName!=,status.phase!=Succeeded,status.phase!=Failed';

/** One watch, and what it found. */
interface PodWatch {
  informer: Informer<Pod>;
  holding: Map<string, GpuPod>;
}

/** Follows no node yet. */
export function createNodePods(options: NodePodsOptions): NodePods {
  const wantedNodes = new Set<string>();
  const perNode = new Map<string, PodWatch>();
  const ending = new Set<Promise<void>>();
  const stopping = new AbortController();
  let all: PodWatch | undefined;
  let signal = stopping.signal;

  function begin(fieldSelector: string, onSynced: () => void): PodWatch {
    const holding = new Map<string, GpuPod>();
    const informer = createInformer<Pod>({ ...options, resource: pods, fieldSelector, transform: slimPod });
    informer.store.subscribe((change) => {
      const key = keyOf(change.object.metadata);
      const pod = change.type === 'deleted' ? undefined : readGpuPod(change.object);
      if (isDeepStrictEqual(holding.get(key), pod)) return;
      if (pod === undefined) holding.delete(key);
      else holding.set(key, pod);
      if (informer.hasSynced) options.onChange();
    });
    informer.start(signal);
    informer.synced().then(onSynced, () => {});
    return { informer, holding };
  }

  function end({ informer }: PodWatch): void {
    const ended = informer.stop().finally(() => ending.delete(ended));
    ending.add(ended);
  }

  function endPerNode(): void {
    for (const watch of perNode.values()) end(watch);
    perNode.clear();
  }

  function followNode(node: string): void {
    if (all !== undefined || perNode.has(node)) return;
    if (perNode.size < NODE_WATCHES_MAX) {
      perNode.set(node, begin(`spec.nodeName=${node}`, options.onChange));
      return;
    }
    all = begin(ON_ANY_NODE, () => {
      endPerNode();
      options.onChange();
    });
  }

  const current = (): PodWatch[] => (all?.informer.hasSynced ? [all] : [...perNode.values()]);

  return {
    follow(node, wanted) {
      if (wanted) {
        wantedNodes.add(node);
        followNode(node);
        return;
      }
      wantedNodes.delete(node);
      const watch = perNode.get(node);
      perNode.delete(node);
      if (watch !== undefined) end(watch);
    },
    isKnown: (node) =>
      !wantedNodes.has(node) ||
      all?.informer.hasSynced === true ||
      perNode.get(node)?.informer.hasSynced === true,
    list: () => current().flatMap(({ holding }) => [...holding.values()]),
    start: (outer) => {
      signal = AbortSignal.any([outer, stopping.signal]);
    },
    async synced() {
      const watches = all === undefined ? [...perNode.values()] : [all];
      await Promise.allSettled(watches.map(({ informer }) => informer.synced()));
    },
    async stop() {
      stopping.abort();
      endPerNode();
      if (all !== undefined) end(all);
      await Promise.all(ending);
    },
  };
}

/**
 * What {@link readGpuPod} reads; of a pod that holds no GPU nothing but who it is. Where all pods of a big cluster are
 * watched, those are nearly all of them. A pod that gets GPUs later comes whole again.
 */
export function slimPod(pod: Pod): Pod {
  const { apiVersion, kind, metadata, spec, status } = pod;
  const { name, namespace, uid, resourceVersion, deletionTimestamp, labels = {} } = metadata;
  if (readGpuPod(pod) === undefined)
    return { apiVersion, kind, metadata: { name, namespace, uid, resourceVersion } };
  const classroom = labels[LABELS.classroom];
  return {
    apiVersion,
    kind,
    metadata: {
      ...{ name, namespace, uid, resourceVersion, deletionTimestamp },
      labels: classroom === undefined ? {} : { [LABELS.classroom]: classroom },
    },
    spec: {
      nodeName: spec?.nodeName,
      containers: (spec?.containers ?? []).map(slimContainer),
      initContainers: spec?.initContainers?.map(slimContainer),
    },
    status: { phase: status?.phase },
  };
}

type Container = NonNullable<Pod['spec']>['containers'][number];

function slimContainer({ name, resources, restartPolicy }: Container): Container {
  return { name, restartPolicy, resources: { limits: resources?.limits, requests: resources?.requests } };
}
