import type { KubeClient } from '../../../kube/client.ts';
import type { Clock, Timer } from '../../../kube/clock.ts';
import { KubeApiError } from '../../../kube/errors.ts';
import { describeError, type Logger } from '../../../kube/log.ts';
import { microTime } from '../../../kube/micro-time.ts';
import { isReady } from '../../../kube/readiness.ts';
import { leases, type Node, nodes } from '../../../kube/resources.ts';
import { FIELD_MANAGER } from '../field-manager.ts';
import type { NodeDescription } from './description.ts';
import { LAYOUT_LABEL, STATE_LABEL } from './mig-manager.ts';
import { type NodeHost, renderNode } from './render.ts';

/** A kubelet's figures: https://kubernetes.io/docs/concepts/architecture/nodes/#node-heartbeats */
const HEARTBEAT_MS = 10_000;
const LEASE_SECONDS = 40;
const STATUS_EVERY_MS = 300_000;
const LEASE_NAMESPACE = 'kube-node-lease';

export interface NodeKeeperOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly node: NodeDescription;
  readonly host: NodeHost;
}

/** Keeps one node alive in the eyes of the control plane. */
export interface NodeKeeper {
  /** Registers the node and keeps it up: a heartbeat every 10 s. Throws when it cannot be registered. */
  start(): Promise<void>;
  /** The node has other GPUs from now on: labels and capacity follow. Throws when that cannot be written. */
  change(node: NodeDescription): Promise<void>;
  /** The control plane hears nothing more of the node. */
  stop(): void;
}

export function createNodeKeeper(options: NodeKeeperOptions): NodeKeeper {
  const { client, clock, log, host } = options;
  let node = options.node;
  let timer: Timer | undefined;
  let running: AbortController | undefined;
  let statusAtMs = Number.NEGATIVE_INFINITY;

  const writeStatus = async (): Promise<void> => {
    const rendered = renderNode(node, host, clock.now());
    const { apiVersion, kind, metadata, status } = rendered;
    const object: Node = { apiVersion, kind, metadata: { name: metadata.name }, status };
    await client.apply(nodes, object, { fieldManager: FIELD_MANAGER, subresource: 'status' });
    statusAtMs = clock.monotonic();
  };
  const beat = async (): Promise<void> => {
    const current = await client.get(nodes, { name: node.name });
    // Somebody deleted it: a kubelet does not register its node again before it is started anew.
    if (current === undefined) return;
    await client.apply(leases, leaseOf(current, clock.now()), { fieldManager: FIELD_MANAGER });
    if (!isReady(current) || clock.monotonic() - statusAtMs >= STATUS_EVERY_MS) await writeStatus();
  };
  const schedule = ({ signal }: AbortController): void => {
    timer = clock.setTimeout(async () => {
      await beat().catch((error: unknown) => {
        if (!signal.aborted)
          log.warn({ node: node.name, ...describeError(error) }, 'Heartbeat failed; trying again');
      });
      if (!signal.aborted && running !== undefined) schedule(running);
    }, HEARTBEAT_MS);
  };
  return {
    async start() {
      running?.abort();
      running = new AbortController();
      await register(client, renderNode(node, host, clock.now()));
      await writeStatus();
      await beat();
      schedule(running);
    },
    async change(next) {
      const before = renderNode(node, host, clock.now()).metadata.labels ?? {};
      const after = renderNode(next, host, clock.now()).metadata.labels ?? {};
      const gone = Object.keys(before).filter((label) => !(label in after));
      const labels: Record<string, string | null> = {
        ...Object.fromEntries(gone.map((label) => [label, null])),
        ...after,
      };
      // What is wanted of the GPUs is not the kubelet's to say, and there may be a newer wish.
      delete labels[LAYOUT_LABEL];
      delete labels[STATE_LABEL];
      node = next;
      await writeStatus();
      // After the capacity: who waits for the labels finds the slices there.
      await client.mergePatch(nodes, { name: node.name }, { metadata: { labels } });
    },
    stop() {
      running?.abort();
      running = undefined;
      timer?.cancel();
    },
  };
}

/** A node that is there already keeps its taints: they are the control plane's, or somebody's who cordoned it. */
async function register(client: KubeClient, node: Node): Promise<Node> {
  try {
    return await client.create(nodes, node);
  } catch (error) {
    if (!(error instanceof KubeApiError && error.isConflict)) throw error;
    return client.mergePatch(
      nodes,
      { name: node.metadata.name },
      { metadata: { labels: node.metadata.labels } },
    );
  }
}

function leaseOf(node: Node, nowMs: number) {
  const { name, uid = '' } = node.metadata;
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      name,
      namespace: LEASE_NAMESPACE,
      ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name, uid }],
    },
    spec: { holderIdentity: name, leaseDurationSeconds: LEASE_SECONDS, renewTime: microTime(nowMs) },
  };
}
