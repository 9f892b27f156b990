import { classrooms } from '../../src/api/classroom.ts';
import { studentQuotas } from '../../src/api/student-quota.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import type { KubeObject, Resource } from '../../src/kube/object.ts';
import { refOf } from '../../src/kube/paths.ts';
import {
  deployments,
  type Event,
  events,
  networkPolicies,
  podDisruptionBudgets,
  secrets,
  serviceAccounts,
  services,
} from '../../src/kube/resources.ts';
import type { Write } from './bare-loop.ts';

const ROOT_KINDS: readonly Resource<KubeObject>[] = [classrooms, studentQuotas];
const CHILD_KINDS: readonly Resource<KubeObject>[] = [
  serviceAccounts,
  networkPolicies,
  services,
  podDisruptionBudgets,
  deployments,
  secrets,
];

interface Listed<T extends KubeObject = KubeObject & { status?: unknown }> {
  resource: Resource<KubeObject>;
  object: T;
}

/** What an operator made in a namespace: the roots, whose status it wrote, their children, and what it told of them. */
export interface Made {
  roots: Listed[];
  children: Listed[];
  events: Listed<Event>[];
}

export async function whatWasMade(client: KubeClient, namespace: string): Promise<Made> {
  const [roots, children, told] = await Promise.all([
    listAll<KubeObject>(client, namespace, ROOT_KINDS),
    listAll<KubeObject>(client, namespace, CHILD_KINDS),
    listAll<Event>(client, namespace, [events]),
  ]);
  return { roots, children: children.filter(({ object }) => ownerUidOf(object) !== undefined), events: told };
}

/** How many objects that is; each root counts for the status it got. */
export function countOf({ roots, children, events: told }: Made): number {
  return roots.length + children.length + told.length;
}

/** The uids of the roots of a namespace, by kind and name. */
export async function rootUids(client: KubeClient, namespace: string): Promise<Map<string, string>> {
  const roots = await listAll<KubeObject>(client, namespace, ROOT_KINDS);
  return new Map(roots.map((root) => [rootKey(root), root.object.metadata.uid ?? '']));
}

/**
 * The same objects, statuses and events as writes against another cluster, grouped by root object; references point
 * to the root of the same name there.
 *
 * @throws Error when a root has no namesake there
 */
export function writesFor(made: Made, uids: ReadonlyMap<string, string>): Write[][] {
  const childrenOf = Map.groupBy(made.children, ({ object }) => ownerUidOf(object));
  const eventsOf = Map.groupBy(made.events, ({ object }) => object.regarding?.uid);
  return made.roots.map((root) => {
    const uid = uids.get(rootKey(root));
    if (uid === undefined) throw new Error(`${rootKey(root)} is missing in the second cluster`);
    const children = childrenOf.get(root.object.metadata.uid) ?? [];
    const told = eventsOf.get(root.object.metadata.uid) ?? [];
    return [
      ...children.map((child) => createOf(child, uid)),
      statusOf(root),
      ...told.map((event) => eventOf(event, uid)),
    ];
  });
}

async function listAll<T extends KubeObject>(
  client: KubeClient,
  namespace: string,
  kinds: readonly Resource<T>[],
): Promise<Listed<T>[]> {
  const lists = await Promise.all(
    kinds.map(async (resource) =>
      (await client.list(resource, { namespace })).items.map((object) => ({ resource, object })),
    ),
  );
  return lists.flat();
}

function rootKey({ resource, object }: Listed): string {
  return `${resource.kind} ${object.metadata.name}`;
}

function ownerUidOf(object: KubeObject): string | undefined {
  return object.metadata.ownerReferences?.find(({ controller }) => controller === true)?.uid;
}

function createOf({ resource, object }: Listed, ownerUid: string): Write {
  const { status: _, ...content } = object;
  const ownerReferences = object.metadata.ownerReferences?.map((owner) => ({ ...owner, uid: ownerUid }));
  const metadata = { ...writtenMetadata(object), ...(ownerReferences && { ownerReferences }) };
  return writeOf('create', resource, { ...content, metadata });
}

function eventOf({ resource, object }: Listed<Event>, uid: string): Write {
  // What the API server adds for readers of the older API, and refuses when it is sent.
  const { deprecatedCount: _, deprecatedSource: __, ...content } = object;
  const regarding = { ...object.regarding, uid };
  return writeOf('create', resource, { ...content, metadata: writtenMetadata(object), regarding });
}

function statusOf({ resource, object: { apiVersion, kind, metadata, status } }: Listed): Write {
  return writeOf('status', resource, {
    apiVersion,
    kind,
    metadata: refOf(resource, { apiVersion, kind, metadata }),
    status,
  });
}

/** Without what the API server puts there. */
function writtenMetadata({ metadata }: KubeObject): KubeObject['metadata'] {
  const { name, namespace, labels, annotations } = metadata;
  return {
    name,
    ...(namespace && { namespace }),
    ...(labels && { labels }),
    ...(annotations && { annotations }),
  };
}

/** Resources are data, but for the schema that some carry along. */
function writeOf(
  verb: Write['verb'],
  { group, version, kind, plural, namespaced }: Resource<KubeObject>,
  object: KubeObject & { status?: unknown; regarding?: unknown },
): Write {
  return { verb, resource: { group, version, kind, plural, namespaced }, object };
}
