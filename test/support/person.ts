import type { KubeClient } from '../../src/kube/client.ts';
import type { KubeObject, Resource } from '../../src/kube/object.ts';
import { roles } from '../../src/kube/resources.ts';
import { rulesOf } from '../../src/rbac/manifest.ts';
import { PEOPLE_ROLES, type PeopleRole } from '../../src/rbac/people.ts';

const GROUP = 'rbac.authorization.k8s.io';

const roleBindings: Resource<KubeObject & Record<string, unknown>> = {
  group: GROUP,
  version: 'v1',
  kind: 'RoleBinding',
  plural: 'rolebindings',
  namespaced: true,
};

/**
 * Somebody with exactly the rights of a role in one namespace, for `--as`.
 *
 * @returns the name of the user
 */
export async function personWithRole(
  client: KubeClient,
  namespace: string,
  role: PeopleRole['name'],
): Promise<string> {
  const user = `${role}-of-${namespace}`;
  const metadata = { name: role, namespace };
  const rules = rulesOf(PEOPLE_ROLES.filter(({ name }) => name === role).flatMap(({ rights }) => rights));
  await client.create(roles, { apiVersion: `${GROUP}/v1`, kind: 'Role', metadata, rules });
  await client.create(roleBindings, {
    apiVersion: `${GROUP}/v1`,
    kind: 'RoleBinding',
    metadata,
    roleRef: { apiGroup: GROUP, kind: 'Role', name: role },
    subjects: [{ apiGroup: GROUP, kind: 'User', name: user }],
  });
  return user;
}
