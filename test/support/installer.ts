import { z } from 'zod';
import type { KubeObject } from '../../src/kube/object.ts';
import type { PolicyRule } from '../../src/rbac/manifest.ts';
import type { RenderedObject } from './helm.ts';

/** The ServiceAccount that Helm runs as. */
export const INSTALLER = 'installer';

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

/** What Helm does with an object of a chart; `list` and `watch` are for `--wait`. */
const OBJECT_VERBS = ['get', 'list', 'watch', 'create', 'patch', 'delete'];
/** Where Helm keeps releases. */
const RELEASES: PolicyRule = {
  apiGroups: [''],
  resources: ['secrets'],
  verbs: ['get', 'list', 'create', 'update', 'delete'],
};
/** What `--wait` looks at below a Deployment, and what `helm test` follows. */
const WAITED_FOR: readonly PolicyRule[] = [
  { apiGroups: ['apps'], resources: ['replicasets'], verbs: ['list', 'watch'] },
  { apiGroups: [''], resources: ['pods'], verbs: ['list', 'watch'] },
];

/**
 * An account with exactly the rights that it takes to install what was rendered: on the kinds of the chart, each where
 * its objects are, and the rights that the chart grants, because nobody can grant what he does not have.
 */
export function installerRights(objects: readonly RenderedObject[], namespace: string): KubeObject[] {
  const rules = new Map<string, PolicyRule[]>();
  const add = (where: string, ...more: readonly PolicyRule[]) =>
    rules.set(where, [...(rules.get(where) ?? []), ...more]);
  add(namespace, RELEASES, ...WAITED_FOR);
  for (const object of objects) {
    const where = object.metadata.namespace ?? '';
    add(where, ruleFor(object));
    if (/^(Cluster)?Role$/.test(object.kind)) add(where, ...rulesSchema.parse(object).rules);
  }
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace, name: INSTALLER } };
  return [account, ...[...rules].flatMap(([where, of]) => roleAndBinding(where, of, namespace))];
}

/**
 * Those of them that show as writes, without what the chart grants, each as `patch apps/deployments`. Objects are made
 * by server-side apply, a `patch` for which the API server asks for the right to `create` as well.
 */
export function ownWriteRights(objects: readonly RenderedObject[]): string[] {
  const shown = (rule: PolicyRule, verbs: readonly string[]) =>
    verbs
      .filter((verb) => rule.verbs.includes(verb))
      .map((verb) => `${verb} ${rule.apiGroups[0]}/${rule.resources[0]}`);
  const ofObjects = objects.flatMap((object) => shown(ruleFor(object), ['patch', 'delete']));
  return [...new Set([...shown(RELEASES, ['create', 'update', 'delete']), ...ofObjects])].sort();
}

function ruleFor(object: RenderedObject): PolicyRule {
  const isKept = object.metadata.annotations?.['helm.sh/resource-policy'] === 'keep';
  const verbs = OBJECT_VERBS.filter((verb) => !(isKept && verb === 'delete'));
  return { apiGroups: [groupOf(object)], resources: [pluralOf(object.kind)], verbs };
}

function roleAndBinding(where: string, rules: readonly PolicyRule[], namespace: string): KubeObject[] {
  const kind = where === '' ? 'ClusterRole' : 'Role';
  const metadata = { name: INSTALLER, ...(where !== '' && { namespace: where }) };
  const role = { apiVersion: `${RBAC}/v1`, kind, metadata, rules };
  const binding = {
    apiVersion: `${RBAC}/v1`,
    kind: `${kind}Binding`,
    metadata,
    roleRef: { apiGroup: RBAC, kind, name: INSTALLER },
    subjects: [{ kind: 'ServiceAccount', namespace, name: INSTALLER }],
  };
  return [role, binding];
}

function groupOf({ apiVersion }: RenderedObject): string {
  return apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
}

/** `networkpolicies` of NetworkPolicy. */
function pluralOf(kind: string): string {
  const singular = kind.toLowerCase();
  if (singular.endsWith('y')) return `${singular.slice(0, -1)}ies`;
  return singular.endsWith('s') ? `${singular}es` : `${singular}s`;
}
