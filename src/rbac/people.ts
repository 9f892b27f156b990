import { classrooms } from '../api/classroom.ts';
import { studentQuotas } from '../api/student-quota.ts';
import { events, pods, secrets } from '../kube/resources.ts';
import { type Right, right } from './rights.ts';

/** Somebody who works with classes, and the rights in the namespaces of their classes. */
export interface PeopleRole {
  /** Ends the name of the ClusterRole. */
  name: 'platform' | 'trainer' | 'student-viewer';
  /** The role of Kubernetes that gets these rights as well: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#user-facing-roles */
  aggregateTo: 'admin' | 'edit' | 'view';
  about: string;
  rights: readonly Right[];
}

const READ = ['get', 'list', 'watch'] as const;
const WRITE = ['create', 'update', 'patch', 'delete'] as const;

/** What `kubectl classroom` reads to say how a class is, and why. */
const LOOKING: readonly Right[] = [
  right(pods, READ, 'See the engines.'),
  right(pods, ['get'], 'Read the logs of engines.', { subresource: 'log' }),
  right(events, READ, 'See what happened.'),
  {
    apiGroup: '',
    resource: 'events',
    verbs: READ,
    scope: 'Classes',
    why: 'See what happened, with `kubectl get events`.',
  },
];

const SEATS: readonly Right[] = [
  right(studentQuotas, [...READ, ...WRITE], 'Enrol students, set their limits, suspend and remove them.'),
  right(
    secrets,
    ['get', 'list'],
    'Hand out keys and open reports. Kubernetes cannot narrow this to those Secrets.',
  ),
];

export const PEOPLE_ROLES: readonly PeopleRole[] = [
  {
    name: 'platform',
    aggregateTo: 'admin',
    about: 'Makes and removes classes, and all that trainers do.',
    rights: [
      right(classrooms, [...READ, ...WRITE], 'Make, change and remove classes.'),
      ...SEATS,
      ...LOOKING,
    ],
  },
  {
    name: 'trainer',
    aggregateTo: 'edit',
    about: 'Teaches: opens and closes a class, changes it, enrols students, hands out keys.',
    rights: [
      right(classrooms, [...READ, 'update', 'patch'], 'Open, close and change classes.'),
      ...SEATS,
      ...LOOKING,
    ],
  },
  {
    name: 'student-viewer',
    aggregateTo: 'view',
    about: 'Sees how a class is. No seat, so that students do not see what others use.',
    rights: [right(classrooms, READ, 'See whether the class is open, and how it is.')],
  },
];
