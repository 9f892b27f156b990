import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { nodePreparationObjects, type RbacObject, rbacObjects, rulesOf } from '../../../src/rbac/manifest.ts';
import { PEOPLE_ROLES } from '../../../src/rbac/people.ts';
import { sharedControlPlane } from '../../support/control-plane.ts';
import { CHARTS, helmAt, type RenderedObject } from '../../support/helm.ts';

/**
 * What the chart grants, as Helm renders it. The rights of `rbacObjects` are those with which a test runs operator and
 * gateway, and finds none too many and none too few.
 */

const { binaries, admin } = await sharedControlPlane();
admin.close();
const helm = helmAt(binaries.helm);

const RBAC = /^(Cluster)?Role(Binding)?$/;
const grantSchema = z.object({
  kind: z.string(),
  metadata: z.object({ name: z.string(), namespace: z.string().optional() }),
  // Their order means nothing.
  rules: z
    .array(z.unknown())
    .optional()
    .transform((rules) => rules?.toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)))),
  roleRef: z.unknown().optional(),
  subjects: z.unknown().optional(),
});

const render = (values: object) =>
  helm.template(CHARTS.gpuClassroom, {
    release: 'gpu-classroom',
    values: { rbac: { roles: { create: false } }, ...values },
  });

/** Kind, name and content, whatever the labels and the order. */
function grants(objects: readonly (RenderedObject | RbacObject)[]) {
  return objects
    .filter(({ kind }) => RBAC.test(kind))
    .map((object) => grantSchema.parse(object))
    .sort((a, b) => `${a.kind} ${a.metadata.name}`.localeCompare(`${b.kind} ${b.metadata.name}`));
}

describe('operator and gateway have the rights of the table', () => {
  test('in all namespaces', async () => {
    expect(grants(await render({}))).toEqual(grants(rbacObjects()));
  });

  test('in one namespace, and nothing outside of it', async () => {
    expect(grants(await render({ watchNamespace: 'python-101' }))).toEqual(
      grants(rbacObjects({ watchNamespace: 'python-101' })),
    );
  });

  test('and those on nodes only where somebody wants that', async () => {
    const rbac = { roles: { create: false }, nodePreparation: { enabled: true } };
    expect(grants(await render({ rbac }))).toEqual(grants([...rbacObjects(), ...nodePreparationObjects()]));
  });

  test('on named nodes, as far as nodes are changed', async () => {
    const rbac = {
      roles: { create: false },
      nodePreparation: { enabled: true, nodes: ['h100-1', 'h100-2'] },
    };
    const role = grants(await render({ rbac })).find(
      ({ kind, metadata }) => kind === 'ClusterRole' && metadata.name.endsWith('-node-preparation'),
    );
    expect(role?.rules).toContainEqual({
      apiGroups: [''],
      resources: ['nodes'],
      verbs: ['patch'],
      resourceNames: ['h100-1', 'h100-2'],
    });
    expect(role?.rules).toContainEqual({ apiGroups: [''], resources: ['nodes'], verbs: ['list', 'watch'] });
  });

  test('or none, where somebody else gives them', async () => {
    expect(grants(await render({ rbac: { create: false, roles: { create: false } } }))).toEqual([]);
  });

  test('under the names of the release, the Lease among them', async () => {
    const objects = grants(await helm.template(CHARTS.gpuClassroom, { release: 'school' }));
    expect(objects.filter(({ metadata }) => !metadata.name.startsWith('school-gpu-classroom-'))).toEqual([]);
    const own = objects.find(({ metadata }) => metadata.name === 'school-gpu-classroom-operator-own');
    expect(JSON.stringify(own?.rules)).toContain('"resourceNames":["school-gpu-classroom-operator"]');
  });
});

describe('people have roles', () => {
  const rolesOf = async (values: object) =>
    (await helm.template(CHARTS.gpuClassroom, { release: 'gpu-classroom', values })).filter(
      ({ kind, metadata }) =>
        PEOPLE_ROLES.some(({ name }) => /Role$/.test(kind) && metadata.name === `gpu-classroom-${name}`),
    );

  test.each(PEOPLE_ROLES)('$name, which belongs to $aggregateTo', async ({ name, aggregateTo, rights }) => {
    const role = (await rolesOf({})).find(({ metadata }) => metadata.name.endsWith(name));
    expect(role?.kind).toBe('ClusterRole');
    expect(role?.rules).toEqual(rulesOf(rights));
    const aggregated = Object.entries(role?.metadata.labels ?? {}).filter(([label]) =>
      label.includes('aggregate'),
    );
    expect(aggregated).toEqual([[`rbac.authorization.k8s.io/aggregate-to-${aggregateTo}`, 'true']]);
  });

  test('of their own alone, where they shall not belong to those of Kubernetes', async () => {
    const roles = await rolesOf({ rbac: { roles: { aggregate: false } } });
    expect(roles).toHaveLength(PEOPLE_ROLES.length);
    expect(JSON.stringify(roles)).not.toContain('aggregate-to');
  });

  test('in the one namespace that is served', async () => {
    const roles = await rolesOf({ watchNamespace: 'python-101' });
    expect(roles.map(({ kind, metadata }) => [kind, metadata.namespace])).toEqual(
      PEOPLE_ROLES.map(() => ['Role', 'python-101']),
    );
  });
});
