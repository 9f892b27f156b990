import { isDeepStrictEqual } from 'node:util';
import { LABELS } from '../api/labels.ts';
import { type GpuPod, readGpuPod } from '../gpu/nodes/gpu-pod.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Clock } from '../kube/clock.ts';
import { createInformer, type Informer } from '../kube/informer.ts';
import type { Logger } from '../kube/log.ts';
import type { KubeMetrics } from '../kube/metrics.ts';
import { keyOf } from '../kube/object.ts';
import { type Pod, pods } from '../kube/resources.ts';

export interface NodePodsOptions {
  client: Pick<KubeClient, 'list' | 'watch'>;
  clock: Clock;
  /** In [0, 1). */
  random: () => number;
  log: Logger;
  metrics: KubeMetrics;
  /** A pod began or ceased to hold GPUs, or the pods of a node became known. */
  onChange(): void;
}

/**
 * The pods that hold GPUs, of all namespaces, by one watch for each GPU node: as a kubelet has, by the one field that
 * the API server has an index for. A watch of all pods would bring every change of a big cluster here, to find the few
 * that matter.
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

interface FollowedNode {
  informer: Informer<Pod>;
  holding: Map<string, GpuPod>;
}

export function createNodePods(options: NodePodsOptions): NodePods {
  const followed = new Map<string, FollowedNode>();
  const ending = new Set<Promise<void>>();
  const stopping = new AbortController();
  let signal = stopping.signal;

  function begin(node: string): void {
    const holding = new Map<string, GpuPod>();
    const informer = createInformer<Pod>({
      ...options,
      resource: pods,
      fieldSelector: `spec.nodeName=${node}`,
      transform: slimPod,
    });
    informer.store.subscribe((change) => {
      const key = keyOf(change.object.metadata);
      const pod = change.type === 'deleted' ? undefined : readGpuPod(change.object);
      if (isDeepStrictEqual(holding.get(key), pod)) return;
      if (pod === undefined) holding.delete(key);
      else holding.set(key, pod);
      if (informer.hasSynced) options.onChange();
    });
    followed.set(node, { informer, holding });
    informer.start(signal);
    informer.synced().then(options.onChange, () => {});
  }

  function end(node: string, { informer }: FollowedNode): void {
    followed.delete(node);
    const ended = informer.stop().finally(() => ending.delete(ended));
    ending.add(ended);
  }

  return {
    follow(node, wanted) {
      const known = followed.get(node);
      if (wanted && known === undefined) begin(node);
      if (!wanted && known !== undefined) end(node, known);
    },
    isKnown: (node) => followed.get(node)?.informer.hasSynced ?? true,
    list: () => [...followed.values()].flatMap(({ holding }) => [...holding.values()]),
    start: (outer) => {
      signal = AbortSignal.any([outer, stopping.signal]);
    },
    synced: async () =>
      void (await Promise.allSettled([...followed.values()].map(({ informer }) => informer.synced()))),
    async stop() {
      stopping.abort();
      for (const [node, known] of followed) end(node, known);
      await Promise.all(ending);
    },
  };
}

/** What {@link readGpuPod} reads. Of other pods next to nothing is kept. */
function slimPod({ apiVersion, kind, metadata, spec, status }: Pod): Pod {
  const { name, namespace, uid, resourceVersion, deletionTimestamp, labels = {} } = metadata;
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
