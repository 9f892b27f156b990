import type { Right, Verb } from './rights.ts';

const CORE = '';
const RBAC = 'rbac.authorization.k8s.io';

/** Helm applies on the server's side: a `patch`, for which the API server wants the right to `create` too. */
const KEPT: readonly Verb[] = ['get', 'watch', 'create', 'patch'];
const MADE: readonly Verb[] = [...KEPT, 'delete'];

/**
 * What Helm asks the API server for when the chart gpu-classroom is installed with its default values, waited for, tested,
 * upgraded and uninstalled. `Own` is the namespace of the release. Not among them are the rights that the chart grants,
 * which whoever grants them must have as well.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping
 */
export const INSTALLER_RIGHTS: readonly Right[] = [
  own(CORE, 'secrets', ['get', 'list', 'create', 'update', 'delete'], 'Helm keeps releases in Secrets.'),
  own('apps', 'deployments', MADE, 'Operator and gateway.'),
  own('apps', 'replicasets', ['list'], 'For `--wait`.'),
  own(CORE, 'pods', ['list', 'watch', 'create', 'patch', 'delete'], 'For `--wait` and `helm test`.'),
  own(CORE, 'configmaps', MADE, "The gateway's settings."),
  own(CORE, 'services', MADE, 'The way to the gateway, and to metrics.'),
  own(CORE, 'serviceaccounts', MADE, 'Whom operator and gateway run as.'),
  own(CORE, 'persistentvolumeclaims', KEPT, 'The account of used tokens, which is kept.'),
  own('networking.k8s.io', 'networkpolicies', MADE, 'Who reaches operator and gateway.'),
  own('policy', 'poddisruptionbudgets', MADE, 'What a drain may take.'),
  own(RBAC, 'roles', MADE, 'What the operator may do with its own Lease; with `watchNamespace` everything.'),
  own(RBAC, 'rolebindings', MADE, 'The same.'),
  cluster(RBAC, 'clusterroles', MADE, 'What they may do in all namespaces. Not with `watchNamespace`.'),
  cluster(RBAC, 'clusterrolebindings', MADE, 'The same.'),
  cluster('apiextensions.k8s.io', 'customresourcedefinitions', KEPT, 'With `crds.install`. They are kept.'),
];

function own(apiGroup: string, resource: string, verbs: readonly Verb[], why: string): Right {
  return { apiGroup, resource, verbs, scope: 'Own', why };
}

function cluster(apiGroup: string, resource: string, verbs: readonly Verb[], why: string): Right {
  return { apiGroup, resource, verbs, scope: 'Cluster', why };
}
