import { classrooms } from '../../src/api/classroom.ts';
import { studentQuotas } from '../../src/api/student-quota.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { apiVersionOf, type KubeObject, type Resource } from '../../src/kube/object.ts';
import {
  deployments,
  networkPolicies,
  podDisruptionBudgets,
  secrets,
  serviceAccounts,
  services,
} from '../../src/kube/resources.ts';
import type { Write } from './bare-loop.ts';

const ROOT_KINDS: Resource<KubeObject>[] = [classrooms, studentQuotas];
const CHILD_KINDS: Resource<KubeObject>[] = [
  deployments,
  services,
  serviceAccounts,
  networkPolicies,
  podDisruptionBudgets,
  secrets,
];

interface Listed {
  resource: Resource<KubeObject>;
  object: KubeObject & { status?: unknown };
}

/** What the operator made in a namespace: the roots, whose status it wrote, and their children. */
export interface Made {
  roots: Listed[];
  children: Listed[];
}

export async function whatWasMade(client: KubeClient, namespace: string): Promise<Made> {
  const [roots, children] = await Promise.all([
    listAll(client, namespace, ROOT_KINDS),
    listAll(client, namespace, CHILD_KINDS),
  ]);
  return { roots, children: children.filter(({ object }) => ownerUidOf(object) !== undefined) };
}

/** The uids of the roots of a namespace, by kind and name. */
export async function rootUids(client: KubeClient, namespace: string): Promise<Map<string, string>> {
  const roots = await listAll(client, namespace, ROOT_KINDS);
  return new Map(roots.map((root) => [rootKey(root), root.object.metadata.uid ?? '']));
}

/**
 * The same objects and statuses as writes against another cluster, grouped by root object; owner references point to
 * the root of the same name there.
 */
export function writesFor(made: Made, uids: ReadonlyMap<string, string>): Write[][] {
  const childrenOf = Map.groupBy(made.children, ({ object }) => ownerUidOf(object));
  return made.roots.map((root) => {
    const uid = uids.get(rootKey(root));
    if (uid === undefined) throw new Error(`${rootKey(root)} is missing in the second cluster`);
    const own = childrenOf.get(root.object.metadata.uid) ?? [];
    return [...own.map((child) => createOf(child, uid)), statusOf(root)];
  });
}

async function listAll(
  client: KubeClient,
  namespace: string,
  kinds: readonly Resource<KubeObject>[],
): Promise<Listed[]> {
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
  const { name, namespace, labels, annotations, ownerReferences } = object.metadata;
  const owners = ownerReferences?.map((owner) => ({ ...owner, uid: ownerUid }));
  const metadata = { name, namespace, labels, annotations, ownerReferences: owners };
  return write('create', resource, { ...content, metadata });
}

function statusOf({ resource, object }: Listed): Write {
  const { name, namespace } = object.metadata;
  return write('status', resource, { metadata: { name, namespace }, status: object.status });
}

/** Objects of a list carry neither kind nor apiVersion. */
function write(
  verb: Write['verb'],
  resource: Resource<KubeObject>,
  content: Omit<KubeObject, 'kind' | 'apiVersion'> & { status?: unknown },
): Write {
  const { group, version, kind, plural, namespaced } = resource;
  const object = { ...content, kind, apiVersion: apiVersionOf(resource) };
  return { verb, resource: { group, version, kind, plural, namespaced }, object };
}
