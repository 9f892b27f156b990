import { APP_NAME, COMPONENTS, LABELS } from '../api/labels.ts';
import type { KubeObject } from '../kube/object.ts';
import { GATEWAY_ACCOUNT, OPERATOR_ACCOUNT, SYSTEM_NAMESPACE } from './accounts.ts';
import { GATEWAY_RIGHTS, NODE_PREPARATION_RIGHTS, OPERATOR_RIGHTS, type Right } from './rights.ts';

const RBAC_GROUP = 'rbac.authorization.k8s.io';

/** One entry of a Role's `rules`. */
export interface PolicyRule {
  apiGroups: string[];
  resources: string[];
  resourceNames?: string[];
  verbs: string[];
}

/** What is rendered: nothing in it is a secret, and nothing depends on the cluster. */
export type RbacObject = KubeObject & {
  rules?: PolicyRule[];
  roleRef?: { apiGroup: string; kind: string; name: string };
  subjects?: { kind: string; name: string; namespace: string }[];
  automountServiceAccountToken?: boolean;
};

/** Stands for the namespace in the manifest for one. No namespace can be called so: unreplaced it is refused. */
export const NAMESPACE_PLACEHOLDER = 'CLASS_NAMESPACE';

export interface RbacOptions {
  /** The only namespace with classes, for `--namespace`: Roles there instead of ClusterRoles. Undefined: all. */
  watchNamespace?: string;
}

interface Account {
  component: string;
  account: { namespace: string; name: string };
  rights: readonly Right[];
}

const ACCOUNTS: readonly Account[] = [
  { component: COMPONENTS.operator, account: OPERATOR_ACCOUNT, rights: OPERATOR_RIGHTS },
  { component: COMPONENTS.gateway, account: GATEWAY_ACCOUNT, rights: GATEWAY_RIGHTS },
];

/** The namespace, ServiceAccounts, roles and bindings of operator and gateway, ready for `kubectl apply`. */
export function rbacObjects({ watchNamespace }: RbacOptions = {}): RbacObject[] {
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: SYSTEM_NAMESPACE, labels: labels() } },
    ...ACCOUNTS.flatMap((of) => [serviceAccount(of), ...classRoles(of, watchNamespace), ...ownRoles(of)]),
  ];
}

/** The rights to change nodes, which the operator does not have otherwise: `kubectl apply` them where it shall. */
export function nodePreparationObjects(): RbacObject[] {
  const operator: Account = {
    component: COMPONENTS.operator,
    account: OPERATOR_ACCOUNT,
    rights: NODE_PREPARATION_RIGHTS,
  };
  const name = `${OPERATOR_ACCOUNT.name}-node-preparation`;
  return roleAndBinding('ClusterRole', operator, name, undefined, operator.rights);
}

function serviceAccount({ component, account }: Account): RbacObject {
  return {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { ...account, labels: labels(component) },
    // The pods of operator and gateway ask for the token themselves; nothing else that runs as them gets one.
    automountServiceAccountToken: false,
  };
}

function classRoles(of: Account, watchNamespace: string | undefined): RbacObject[] {
  const everywhere = of.rights.filter((right) => right.scope !== 'Own');
  const inNamespaces = everywhere.filter((right) => right.scope === 'Classes');
  return watchNamespace === undefined
    ? roleAndBinding('ClusterRole', of, of.account.name, undefined, everywhere)
    : roleAndBinding('Role', of, of.account.name, watchNamespace, inNamespaces);
}

function ownRoles(of: Account): RbacObject[] {
  const rights = of.rights.filter((right) => right.scope === 'Own');
  const name = `${of.account.name}-own`;
  return rights.length === 0 ? [] : roleAndBinding('Role', of, name, of.account.namespace, rights);
}

function roleAndBinding(
  kind: 'Role' | 'ClusterRole',
  { component, account }: Account,
  name: string,
  namespace: string | undefined,
  rights: readonly Right[],
): RbacObject[] {
  const apiVersion = `${RBAC_GROUP}/v1`;
  const metadata = { name, ...(namespace !== undefined && { namespace }), labels: labels(component) };
  return [
    { apiVersion, kind, metadata, rules: rulesOf(rights) },
    {
      apiVersion,
      kind: `${kind}Binding`,
      metadata,
      roleRef: { apiGroup: RBAC_GROUP, kind, name },
      subjects: [{ kind: 'ServiceAccount', ...account }],
    },
  ];
}

/** The rules of a role that gives these rights. */
export function rulesOf(rights: readonly Right[]): PolicyRule[] {
  return rights.map(ruleOf);
}

function ruleOf({ apiGroup, resource, resourceNames, verbs }: Right): PolicyRule {
  return {
    apiGroups: [apiGroup],
    resources: [resource],
    ...(resourceNames !== undefined && { resourceNames: [...resourceNames] }),
    verbs: [...verbs],
  };
}

function labels(component?: string): Record<string, string> {
  return {
    [LABELS.name]: APP_NAME,
    ...(component !== undefined && { [LABELS.component]: component }),
    [LABELS.partOf]: APP_NAME,
  };
}
