import { describe, expect, test } from '@jest/globals';
import { nodePreparationObjects, rbacObjects } from '../../../src/rbac/manifest.ts';
import { PEOPLE_ROLES } from '../../../src/rbac/people.ts';
import { rbacReference } from '../../../src/rbac/reference.ts';
import {
  GATEWAY_RIGHTS,
  NODE_PREPARATION_RIGHTS,
  OPERATOR_RIGHTS,
  type Right,
  VERBS,
} from '../../../src/rbac/rights.ts';

const all = [...OPERATOR_RIGHTS, ...GATEWAY_RIGHTS];

/** `get secrets`: one verb on one resource. */
function grants(rights: readonly Right[]): string[] {
  return rights.flatMap(({ apiGroup, resource, verbs, scope }) =>
    verbs.map((verb) => `${verb} ${apiGroup}/${resource} in ${scope}`),
  );
}

describe('the rights', () => {
  test.each(all)(
    'on $apiGroup/$resource have no wildcard and a reason',
    ({ apiGroup, resource, verbs, why }) => {
      expect([apiGroup, resource, ...verbs].join(' ')).not.toContain('*');
      expect(VERBS).toEqual(expect.arrayContaining([...verbs]));
      expect(why).toMatch(/^[A-Z].*\.$/);
    },
  );

  test.each([
    ['operator', OPERATOR_RIGHTS],
    ['gateway', GATEWAY_RIGHTS],
  ] as const)('of the %s say nothing twice', (_name, rights) => {
    const said = rights.flatMap((right) =>
      grants([right]).map((grant) => `${grant} ${right.resourceNames ?? ''}`),
    );
    expect(new Set(said).size).toBe(said.length);
  });

  test('let nobody raise their own: no roles, no tokens, no impersonation, no exec', () => {
    expect(all.map(({ apiGroup }) => apiGroup)).not.toContain('rbac.authorization.k8s.io');
    const resources = all.map(({ resource }) => resource);
    for (const risky of ['serviceaccounts/token', 'pods/exec', 'users', 'groups', 'nodes/proxy']) {
      expect(resources).not.toContain(risky);
    }
    const verbs: readonly string[] = VERBS;
    for (const risky of ['escalate', 'bind', 'impersonate', 'deletecollection'])
      expect(verbs).not.toContain(risky);
  });

  test('of the gateway are to watch classes, seats and pods, and to write what students used and want', () => {
    expect(grants(GATEWAY_RIGHTS)).toEqual([
      'list gpu-classroom.io/classrooms in Classes',
      'watch gpu-classroom.io/classrooms in Classes',
      'list gpu-classroom.io/studentquotas in Classes',
      'watch gpu-classroom.io/studentquotas in Classes',
      'patch gpu-classroom.io/studentquotas/status in Classes',
      'list /pods in Classes',
      'watch /pods in Classes',
      'create coordination.k8s.io/leases in Classes',
      'patch coordination.k8s.io/leases in Classes',
    ]);
  });

  test('of the operator do not reach spec or deletion of what people write', () => {
    const ours = OPERATOR_RIGHTS.filter(({ apiGroup }) => apiGroup === 'gpu-classroom.io');
    expect(grants(ours).filter((grant) => !/^(get|list|watch) |\/(status|finalizers) /.test(grant))).toEqual(
      [],
    );
  });

  test('of the operator keep what cannot be made again: it deletes no Secret and no claim', () => {
    const deletable = OPERATOR_RIGHTS.filter(({ verbs }) => verbs.includes('delete')).map(
      ({ resource }) => resource,
    );
    expect(deletable).not.toContain('secrets');
    expect(deletable).not.toContain('persistentvolumeclaims');
  });
});

describe('the rights to change nodes', () => {
  const powers = grants(NODE_PREPARATION_RIGHTS).filter((grant) => !/^(list|watch) /.test(grant));

  test('are to patch nodes and to evict pods', () => {
    expect(powers).toEqual(['patch /nodes in Cluster', 'create /pods/eviction in Cluster']);
  });

  test('are not among those of the installation, but in a manifest of their own', () => {
    expect(grants(all)).not.toEqual(expect.arrayContaining([powers[0]]));
    expect(grants(all)).not.toEqual(expect.arrayContaining([powers[1]]));
    expect(nodePreparationObjects().map(({ kind, metadata: { name } }) => `${kind} ${name}`)).toEqual([
      'ClusterRole gpu-classroom-operator-node-preparation',
      'ClusterRoleBinding gpu-classroom-operator-node-preparation',
    ]);
  });
});

describe('the manifest', () => {
  const kinds = (watchNamespace?: string) =>
    rbacObjects(watchNamespace === undefined ? {} : { watchNamespace }).map(
      ({ kind, metadata: { name, namespace } }) =>
        `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`,
    );

  test('gives rights in all namespaces by cluster roles', () => {
    expect(kinds()).toEqual([
      'Namespace gpu-classroom',
      'ServiceAccount gpu-classroom/gpu-classroom-operator',
      'ClusterRole gpu-classroom-operator',
      'ClusterRoleBinding gpu-classroom-operator',
      'Role gpu-classroom/gpu-classroom-operator-own',
      'RoleBinding gpu-classroom/gpu-classroom-operator-own',
      'ServiceAccount gpu-classroom/gpu-classroom-gateway',
      'ClusterRole gpu-classroom-gateway',
      'ClusterRoleBinding gpu-classroom-gateway',
    ]);
  });

  test('for one namespace has no cluster role, and the same rules but those outside of namespaces', () => {
    expect(kinds('python-101')).toEqual([
      'Namespace gpu-classroom',
      'ServiceAccount gpu-classroom/gpu-classroom-operator',
      'Role python-101/gpu-classroom-operator',
      'RoleBinding python-101/gpu-classroom-operator',
      'Role gpu-classroom/gpu-classroom-operator-own',
      'RoleBinding gpu-classroom/gpu-classroom-operator-own',
      'ServiceAccount gpu-classroom/gpu-classroom-gateway',
      'Role python-101/gpu-classroom-gateway',
      'RoleBinding python-101/gpu-classroom-gateway',
    ]);
    const rules = (watchNamespace?: string) =>
      rbacObjects(watchNamespace === undefined ? {} : { watchNamespace }).flatMap(
        (object) => object.rules ?? [],
      );
    const outside = all.filter(({ scope }) => scope === 'Cluster').map(({ resource }) => resource);
    expect(outside).toEqual(expect.arrayContaining(['nodes', 'resourceslices']));
    expect(rules('python-101')).toEqual(
      rules().filter(({ resources }) => !resources.some((resource) => outside.includes(resource))),
    );
  });

  test('states each right of the table once', () => {
    const rules = rbacObjects().flatMap((object) => object.rules ?? []);
    expect(rules).toHaveLength(all.length);
  });

  test('binds each role to the account of its own process', () => {
    for (const { metadata, roleRef, subjects } of rbacObjects()) {
      if (roleRef === undefined) continue;
      expect(roleRef.name).toBe(metadata.name);
      expect(metadata.name).toContain(subjects?.[0]?.name);
      expect(subjects).toHaveLength(1);
    }
  });
});

test('the reference has a row for each right', () => {
  const ofPeople = PEOPLE_ROLES.flatMap(({ rights }) => rights);
  const rights = [...all, ...NODE_PREPARATION_RIGHTS, ...ofPeople];
  expect(rbacReference().match(/^\| (core|`)/gm)).toHaveLength(rights.length);
});
