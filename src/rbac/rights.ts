import { classrooms } from '../api/classroom.ts';
import { studentQuotas } from '../api/student-quota.ts';
import { resourceSlices } from '../gpu/nodes/dra.ts';
import type { KubeObject, Resource } from '../kube/object.ts';
import {
  deployments,
  events,
  leases,
  networkPolicies,
  nodes,
  persistentVolumeClaims,
  podDisruptionBudgets,
  pods,
  secrets,
  serviceAccounts,
  services,
} from '../kube/resources.ts';

export const VERBS = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'] as const;
export type Verb = (typeof VERBS)[number];

/** Something that a process may do, and what for. */
export interface Right {
  apiGroup: string;
  /** `secrets`, or `classrooms/status`. */
  resource: string;
  verbs: readonly Verb[];
  /**
   * Where: in every namespace that may have classes, only where the process itself runs, or what lies outside of
   * namespaces. An operator for one namespace is not given the last, and gets along without.
   */
  scope: 'Classes' | 'Own' | 'Cluster';
  /** Only objects of these names; absent: all. */
  resourceNames?: readonly string[];
  why: string;
}

type Details = Partial<Pick<Right, 'scope' | 'resourceNames'>> & { subresource?: string };

/** A {@link Right} on a kind that we know. */
export function right(
  { group, plural }: Resource<KubeObject>,
  verbs: readonly Verb[],
  why: string,
  { subresource, scope = 'Classes', ...rest }: Details = {},
): Right {
  const resource = subresource === undefined ? plural : `${plural}/${subresource}`;
  return { apiGroup: group, resource, verbs, scope, why, ...rest };
}

/** Of an object that a class consists of. */
const CHILD_VERBS = ['get', 'list', 'watch', 'create', 'patch', 'delete'] as const;

/** The default of the operator's `--leader-election-id`. */
export const LEADER_LEASE = 'gpu-classroom-operator';

/**
 * All that the operator may do. A right is added together with the code that needs it, and a test fails for one that
 * nothing uses.
 */
export const OPERATOR_RIGHTS: readonly Right[] = [
  right(classrooms, ['get', 'list', 'watch'], 'Read the classes.'),
  right(classrooms, ['patch'], 'Report how a class is.', { subresource: 'status' }),
  right(
    classrooms,
    ['update'],
    'Own the objects of a class where clusters check that (blockOwnerDeletion).',
    {
      subresource: 'finalizers',
    },
  ),
  right(studentQuotas, ['get', 'list', 'watch'], 'Read the seats.'),
  right(studentQuotas, ['patch'], 'Publish the hashes of the keys and how a seat is.', {
    subresource: 'status',
  }),
  right(studentQuotas, ['update'], "Own a seat's Secret where clusters check that (blockOwnerDeletion).", {
    subresource: 'finalizers',
  }),
  right(
    secrets,
    ['get', 'list', 'watch', 'create', 'patch'],
    "Make and heal the Secrets of students and of reports; only those with our label are listed. Deleting is the garbage collector's.",
  ),
  right(deployments, CHILD_VERBS, 'Run the engines.'),
  right(services, CHILD_VERBS, 'Name the engines.'),
  right(serviceAccounts, CHILD_VERBS, 'Give the engines an identity without rights.'),
  right(networkPolicies, CHILD_VERBS, 'Let nobody but the gateway reach the engines.'),
  right(podDisruptionBudgets, CHILD_VERBS, 'Keep an engine through node maintenance.'),
  right(
    persistentVolumeClaims,
    ['get', 'list', 'watch', 'create', 'patch'],
    'Keep model files. Never deleted: they took hours to download.',
  ),
  right(
    pods,
    ['list', 'watch'],
    'See how the engines are; on nodes with GPUs, see how many of them the pods of all namespaces hold.',
  ),
  right(pods, ['patch'], 'Give engines that share a GPU their turn to start.'),
  right(pods, ['delete'], 'Start an engine anew that stands still or measured its GPU wrongly.'),
  right(
    nodes,
    ['list', 'watch'],
    'Know the GPUs: product, memory, how they are shared, how many there are.',
    {
      scope: 'Cluster',
    },
  ),
  right(resourceSlices, ['list', 'watch'], 'Tell GPUs that only a DRA driver offers.', { scope: 'Cluster' }),
  right(
    leases,
    ['list', 'watch', 'delete'],
    'See in which classes students ask, and remove what gateways left behind.',
  ),
  right(events, ['create', 'patch'], 'Tell people what happened.'),
  right(leases, ['create'], 'Become the leader among several operators.', { scope: 'Own' }),
  right(leases, ['get', 'update'], 'Stay the leader.', { scope: 'Own', resourceNames: [LEADER_LEASE] }),
];

/**
 * What the operator may do besides, where somebody gave it the rights to change nodes (`gpu.nodePreparation: Manage`).
 * It reads pods of all namespaces, so that it never takes a GPU from somebody else.
 */
export const NODE_PREPARATION_RIGHTS: readonly Right[] = [
  right(nodes, ['list', 'watch'], 'Know the GPUs, and how they are shared.', { scope: 'Cluster' }),
  right(nodes, ['patch'], 'Cordon a node, label it with a MIG layout, uncordon it.', { scope: 'Cluster' }),
  right(pods, ['list'], 'See whether pods of others use the GPUs of the node.', {
    scope: 'Cluster',
  }),
  right(pods, ['create'], 'Empty the node of engines, within disruption budgets.', {
    scope: 'Cluster',
    subresource: 'eviction',
  }),
];

/** All that the gateway may do: watch, and say what was used. It sees keys as hashes, in the status of seats. */
export const GATEWAY_RIGHTS: readonly Right[] = [
  right(classrooms, ['list', 'watch'], 'Know the classes and their models.'),
  right(studentQuotas, ['list', 'watch'], 'Know the hashes of the keys, and whose they are.'),
  right(studentQuotas, ['patch'], 'Publish what each student used.', { subresource: 'status' }),
  right(pods, ['list', 'watch'], 'Find the engines that are ready.'),
  right(
    leases,
    ['create', 'patch'],
    'Say that a class is asked, so that its engines are started and kept. Only its own Leases, by their names.',
  ),
];
