import type { Classroom } from '../../../../src/api/classroom.ts';
import { COMPONENTS, ENGINE_CONTAINER, LABELS } from '../../../../src/api/labels.ts';
import { PREPARATION_ANNOTATION } from '../../../../src/api/node-preparation.ts';
import { createEngineBoard } from '../../../../src/classroom/engine-watch/board.ts';
import type { NodePreparationDependencies } from '../../../../src/classroom/node-preparation/controller.ts';
import { createPreparationNotes } from '../../../../src/classroom/node-preparation/notes.ts';
import { readNodeFile } from '../../../../src/demo/node-agent/nodes/description.ts';
import { sharingOfLayout } from '../../../../src/demo/node-agent/nodes/mig-layouts.ts';
import { renderNode } from '../../../../src/demo/node-agent/nodes/render.ts';
import { recordSchema } from '../../../../src/gpu/node-preparation/record.ts';
import { readGpuNode } from '../../../../src/gpu/nodes/gpu-node.ts';
import { readGpuPod } from '../../../../src/gpu/nodes/gpu-pod.ts';
import type { KnownGpus } from '../../../../src/gpu/nodes/observation.ts';
import type { KubeClient } from '../../../../src/kube/client.ts';
import { KubeApiError } from '../../../../src/kube/errors.ts';
import { silentLogger } from '../../../../src/kube/log.ts';
import { keyOf } from '../../../../src/kube/object.ts';
import type { Node, Pod } from '../../../../src/kube/resources.ts';
import type { ObjectCache } from '../../../../src/reconcile/caches.ts';
import { merged } from '../../../support/builders.ts';
import { settings } from '../../../support/classroom.ts';
import { createFakeClock, type FakeClock } from '../../../support/fake-clock.ts';

const NOW_MS = Date.parse('2026-09-01T09:00:00Z');
const LAYOUT = 'nvidia.com/mig.config';
const STATE = 'nvidia.com/mig.config.state';

/** The operator was killed in place of this write. */
export class Killed extends Error {}

/**
 * API server, nodes and MIG managers in memory, for the controller that prepares nodes. Every write of the controller
 * is checked against what it may never do; a breach is an error.
 */
export class PlayedCluster {
  readonly clock: FakeClock = createFakeClock(NOW_MS);
  readonly notes = createPreparationNotes();
  readonly nodes = new Map<string, Node>();
  readonly pods = new Map<string, Pod>();
  /** What the operator wrote, in words. */
  readonly writes: string[] = [];
  /** How often it asked for something. */
  reads = 0;
  readonly events: string[] = [];
  /** Writes until the operator is killed. */
  writesToLive = Number.POSITIVE_INFINITY;
  /** Nodes that a person has cordoned. */
  readonly cordonedByPerson = new Set<string>();
  /** What the API server says to the operator's writes to nodes. */
  refusal: KubeApiError | undefined;
  isBlockedByBudget = false;
  /** What happens between the last look of the operator and its write to a node. */
  meanwhile: () => void = () => {};
  #seen: KnownGpus = { kind: 'Known', nodes: [], pods: [], dra: [], seesAllPods: true };
  #version = 0;
  readonly #layouts = new Map<string, string>();
  readonly #descriptions;

  classrooms: Classroom[];

  constructor(nodeFile: string, classrooms: Classroom[]) {
    this.classrooms = classrooms;
    this.#descriptions = new Map(
      readNodeFile(`nodes: ${nodeFile}`, 'nodes.yaml').map((node) => [node.name, node]),
    );
    for (const description of this.#descriptions.values()) {
      const node = renderNode(description, { address: '127.0.0.1', kubeletPort: 10250 }, NOW_MS);
      this.#layouts.set(description.name, node.metadata.labels?.[LAYOUT] ?? '');
      this.#store(node);
    }
    this.sync();
  }

  /** The operator's caches catch up. */
  sync(): void {
    this.#seen = {
      ...this.#seen,
      nodes: [...this.nodes.values()].flatMap((node) => readGpuNode(node) ?? []),
      pods: [...this.pods.values()].flatMap((pod) => readGpuPod(pod) ?? []),
    };
  }

  node(name: string): Node {
    const node = this.nodes.get(name);
    if (node === undefined) throw new Error(`no node ${name}`);
    return node;
  }

  /** Somebody other than the operator changes a node. */
  change(name: string, difference: object): void {
    this.#store(merged(this.node(name), difference));
  }

  /** What is cordoned stays so; and a cordon on a node in the operator's hands cannot be told from its own. */
  cordonByPerson(name: string): void {
    const step = this.record(name)?.step;
    if (this.node(name).spec?.unschedulable === true || (step !== undefined && step !== 'Failed')) return;
    this.cordonedByPerson.add(name);
    this.change(name, { spec: { unschedulable: true } });
  }

  uncordonByPerson(name: string): void {
    this.cordonedByPerson.delete(name);
    this.change(name, { spec: { unschedulable: false } });
  }

  /** A person follows the way back: forgets the record, then uncordons. */
  forgetByPerson(name: string): void {
    const node = this.node(name);
    const { [PREPARATION_ANNOTATION]: _, ...annotations } = node.metadata.annotations ?? {};
    this.#store({ ...node, metadata: { ...node.metadata, annotations } });
    this.uncordonByPerson(name);
  }

  addPod(pod: Pod): void {
    this.pods.set(keyOf(pod.metadata), pod);
  }

  /** Pods that are being deleted are gone. */
  endPods(): void {
    for (const [key, pod] of this.pods) {
      if (pod.metadata.deletionTimestamp !== undefined) this.pods.delete(key);
    }
  }

  /** The MIG managers look at their labels and carry out what is new. */
  cutGpus(outcome: 'success' | 'failed' | 'pending' = 'success'): void {
    for (const [name, description] of this.#descriptions) {
      const layout = this.node(name).metadata.labels?.[LAYOUT] ?? '';
      if (layout === this.#layouts.get(name) || description.gpu === undefined) continue;
      if (outcome === 'pending') {
        this.change(name, { metadata: { labels: { [STATE]: 'pending' } } });
        continue;
      }
      this.#layouts.set(name, layout);
      const sharing = sharingOfLayout(description.gpu, layout);
      if (outcome === 'failed' || sharing === undefined || this.gpuPodsOn(name).length > 0) {
        this.change(name, { metadata: { labels: { [STATE]: 'failed' } } });
        continue;
      }
      const cut = { ...description, gpu: { ...description.gpu, sharing } };
      this.#descriptions.set(name, cut);
      const rendered = renderNode(cut, { address: '127.0.0.1', kubeletPort: 10250 }, NOW_MS);
      const node = this.node(name);
      this.#store({
        ...node,
        metadata: {
          ...node.metadata,
          labels: { ...rendered.metadata.labels, [LAYOUT]: layout, [STATE]: 'success' },
        },
        ...(rendered.status === undefined ? {} : { status: rendered.status }),
      });
    }
  }

  gpuPodsOn(name: string): Pod[] {
    return [...this.pods.values()].filter((pod) => readGpuPod(pod)?.node === name);
  }

  /** The record on a node; throws when it cannot be read. */
  record(name: string) {
    const text = this.node(name).metadata.annotations?.[PREPARATION_ANNOTATION];
    return text === undefined ? undefined : recordSchema.parse(JSON.parse(text));
  }

  dependencies(): NodePreparationDependencies {
    return {
      client: this.#client(),
      informers: {
        classrooms: {
          ...emptyCache<Classroom>(),
          get: (ref) => this.classrooms.find(({ metadata }) => keyOf(metadata) === keyOf(ref)),
          list: () => this.classrooms,
        },
        pods: {
          ...emptyCache<Pod>(),
          ofClassroom: (namespace, classroom) =>
            [...this.pods.values()].filter(
              ({ metadata }) =>
                metadata.namespace === namespace && metadata.labels?.[LABELS.classroom] === classroom,
            ),
        },
        gpus: { current: () => this.#seen, onChange: () => () => {} },
      },
      events: { record: (_, { reason, note }) => void this.events.push(`${reason}: ${note}`) },
      clock: this.clock,
      log: silentLogger,
      settings: settings(),
      metrics: { objectWritten: () => {} },
      engineBoard: createEngineBoard(),
      preparationNotes: this.notes,
    };
  }

  #client(): NodePreparationDependencies['client'] {
    const list = async (
      resource: { kind: string },
      options: { fieldSelector?: string; continue?: string } = {},
    ) => {
      this.reads += 1;
      if (resource.kind === 'Node') return this.#pageOfNodes(options);
      const name = options.fieldSelector?.replace('spec.nodeName=', '');
      return { metadata: {}, items: [...this.pods.values()].filter(({ spec }) => spec?.nodeName === name) };
    };
    const mergePatch = async (_: unknown, { name }: { name: string }, patch: Record<string, unknown>) => {
      this.#write(`patch ${name}`);
      if (this.refusal !== undefined) throw this.refusal;
      this.meanwhile();
      const before = this.nodes.get(name);
      if (before === undefined) {
        throw new KubeApiError({ status: 404, reason: 'NotFound', message: 'there is no such node' });
      }
      const after = patched(before, patch) as Node;
      if (after.metadata.resourceVersion !== before.metadata.resourceVersion) {
        throw new KubeApiError({ status: 409, reason: 'Conflict', message: 'it has changed' });
      }
      this.#check(before, after);
      return this.#store(after);
    };
    const raw = async (_method: string, path: string): Promise<unknown> => {
      const [, namespace, name] = /namespaces\/([^/]+)\/pods\/([^/]+)\/eviction$/.exec(path) ?? [];
      this.#write(`evict ${namespace}/${name}`);
      const pod = this.pods.get(`${namespace}/${name}`);
      if (pod === undefined) throw new KubeApiError({ status: 404, reason: 'NotFound', message: 'gone' });
      if (this.isBlockedByBudget) {
        throw new KubeApiError({
          status: 429,
          reason: 'TooManyRequests',
          message: 'Cannot evict pod as it would violate the disruption budget.',
        });
      }
      if (pod.metadata.labels?.[LABELS.component] !== COMPONENTS.engine)
        throw new Error(`evicts ${name}, a pod of somebody else`);
      this.addPod(merged(pod, { metadata: { deletionTimestamp: '2026-09-01T09:00:00Z' } }));
      return {};
    };
    return {
      list: list as KubeClient['list'],
      mergePatch: mergePatch as KubeClient['mergePatch'],
      raw,
    };
  }

  /** One node a page, as of a cluster of thousands. */
  #pageOfNodes({ fieldSelector, continue: from = '0' }: { fieldSelector?: string; continue?: string }) {
    const name = fieldSelector?.replace('metadata.name=', '');
    const all = [...this.nodes.values()].filter(
      ({ metadata }) => name === undefined || metadata.name === name,
    );
    const next = Number(from) + 1;
    const metadata = next < all.length ? { continue: String(next) } : {};
    return { metadata, items: all.slice(Number(from), next) };
  }

  #write(what: string): void {
    if (this.writesToLive <= 0) throw new Killed(`killed before: ${what}`);
    this.writesToLive -= 1;
    this.writes.push(what);
  }

  /** What no write of the operator to a node may do. */
  #check(before: Node, after: Node): void {
    const { name } = before.metadata;
    const wasCordoned = before.spec?.unschedulable === true;
    const isCordoned = after.spec?.unschedulable === true;
    const hadRecord = before.metadata.annotations?.[PREPARATION_ANNOTATION] !== undefined;
    const hasRecord = after.metadata.annotations?.[PREPARATION_ANNOTATION] !== undefined;
    if (wasCordoned && !isCordoned && !hadRecord)
      throw new Error(`uncordons ${name}, which it did not cordon`);
    if (wasCordoned && !isCordoned && this.cordonedByPerson.has(name))
      throw new Error(`takes ${name} from a person`);
    if (!wasCordoned && isCordoned && !hasRecord) throw new Error(`cordons ${name} without a record`);
    if (before.metadata.labels?.[LAYOUT] !== after.metadata.labels?.[LAYOUT]) {
      if (this.gpuPodsOn(name).length > 0) throw new Error(`cuts ${name} while its GPUs are in use`);
      if (!wasCordoned || !hadRecord) throw new Error(`cuts ${name}, which it has not cordoned`);
    }
    const others = [...this.nodes.keys()].filter((other) => {
      const record = other === name ? undefined : this.record(other);
      return record !== undefined && record.step !== 'Failed';
    });
    if (!hadRecord && hasRecord && others.length > 0)
      throw new Error(`begins ${name} while it works on ${others}`);
  }

  #store(node: Node): Node {
    const stored = { ...node, metadata: { ...node.metadata, resourceVersion: String(++this.#version) } };
    this.nodes.set(node.metadata.name, stored);
    return stored;
  }
}

function emptyCache<T extends Classroom | Pod>(): ObjectCache<T> {
  return {
    get: () => undefined,
    list: () => [],
    ownedBy: () => [],
    ofClassroom: () => [],
    onChange: () => () => {},
  };
}

/** A merge patch: null takes a field away. */
function patched(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> = typeof target === 'object' && target !== null ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = patched(result[key], value);
  }
  return result;
}

/** A pod that holds GPUs of a node. */
export function gpuPod(name: string, node: string, labels: Record<string, string> = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'python-101', uid: `uid-of-${name}`, labels },
    spec: {
      nodeName: node,
      containers: [{ name: ENGINE_CONTAINER, resources: { limits: { 'nvidia.com/gpu': '1' } } }],
    },
    status: { phase: 'Running' },
  };
}

/** An engine of python-101 that has a GPU of a node, and serves. */
export function engineOn(node: string, name = `python-101-engine-${node}`): Pod {
  const pod = gpuPod(name, node, {
    [LABELS.component]: COMPONENTS.engine,
    [LABELS.classroom]: 'python-101',
  });
  const container = {
    name: ENGINE_CONTAINER,
    image: '',
    imageID: '',
    restartCount: 0,
    ready: true,
    started: true,
  };
  const running = { running: { startedAt: '2026-09-01T08:00:00Z' } };
  return { ...pod, status: { phase: 'Running', containerStatuses: [{ ...container, state: running }] } };
}
