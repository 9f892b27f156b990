import { z } from 'zod';
import type { KubeObject } from '../../src/kube/object.ts';
import { INSTALLER_RIGHTS } from '../../src/rbac/installer.ts';
import { type PolicyRule, rulesOf } from '../../src/rbac/manifest.ts';
import type { Right } from '../../src/rbac/rights.ts';
import type { RenderedObject } from './helm.ts';

const RBAC = 'rbac.authorization.k8s.io';
const rulesSchema = z.object({
  rules: z.array(
    z.object({
      apiGroups: z.array(z.string()),
      resources: z.array(z.string()),
      resourceNames: z.array(z.string()).optional(),
      verbs: z.array(z.string()),
    }),
  ),
});

/** The ServiceAccount that Helm runs as. */
export interface Installer {
  readonly namespace: string;
  readonly name: string;
}

/**
 * An account with these rights and no others, as objects.
 *
 * @param rights those on the cluster left out, it has none there
 * @param granted what the chart grants, by namespace (empty: everywhere): nobody can grant what he does not have
 */
export function installerAccount(
  installer: Installer,
  rights: readonly Right[],
  granted: ReadonlyMap<string, readonly PolicyRule[]>,
): KubeObject[] {
  const rules = new Map<string, PolicyRule[]>();
  const add = (where: string, more: readonly PolicyRule[]) => {
    if (more.length > 0) rules.set(where, [...(rules.get(where) ?? []), ...more]);
  };
  add(installer.namespace, rulesOf(rights.filter(({ scope }) => scope === 'Own')));
  add('', rulesOf(rights.filter(({ scope }) => scope === 'Cluster')));
  for (const [where, more] of granted) add(where, more);
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { ...installer } };
  return [account, ...[...rules].flatMap(([where, of]) => roleAndBinding(installer, where, of))];
}

/** The rights that the roles of a chart grant, by namespace; under the empty name those of ClusterRoles. */
export function grantedBy(objects: readonly RenderedObject[]): Map<string, PolicyRule[]> {
  const granted = new Map<string, PolicyRule[]>();
  for (const object of objects.filter(({ kind }) => /^(Cluster)?Role$/.test(kind))) {
    const where = object.metadata.namespace ?? '';
    granted.set(where, [...(granted.get(where) ?? []), ...rulesSchema.parse(object).rules]);
  }
  return granted;
}

/** The rights that show in requests, each as `patch apps/deployments`: objects are made by a `patch`. */
export function requestsOfInstaller(): string[] {
  const isShown = (right: Right, verb: string) =>
    verb !== 'create' || (right.resource === 'secrets' && right.apiGroup === '');
  return INSTALLER_RIGHTS.flatMap((right) =>
    right.verbs
      .filter((verb) => isShown(right, verb))
      .map((verb) => `${verb} ${right.apiGroup}/${right.resource}`),
  ).sort();
}

function roleAndBinding(
  { namespace, name: account }: Installer,
  where: string,
  rules: readonly PolicyRule[],
): KubeObject[] {
  const kind = where === '' ? 'ClusterRole' : 'Role';
  // There may be several installers.
  const name = `${namespace}-${account}`;
  const metadata = { name, ...(where !== '' && { namespace: where }) };
  const role = { apiVersion: `${RBAC}/v1`, kind, metadata, rules };
  const binding = {
    apiVersion: `${RBAC}/v1`,
    kind: `${kind}Binding`,
    metadata,
    roleRef: { apiGroup: RBAC, kind, name },
    subjects: [{ kind: 'ServiceAccount', namespace, name: account }],
  };
  return [role, binding];
}
