import type { ControlPlaneFiles } from './files.ts';

/**
 * The command lines of the throw-away control plane. Nothing here does anything: paths and ports come in,
 * arguments go out.
 *
 * No certificate has to be made: the API server signs its own into `--cert-dir`, and everybody logs in
 * with a random token from `--token-auth-file`.
 */

export interface ControlPlanePorts {
  readonly etcdClient: number;
  readonly etcdPeer: number;
  readonly apiServer: number;
}

/**
 * The controllers that a cluster without kubelets needs. `nodelifecycle` takes the not-ready taint off
 * new Nodes. The endpoint slice controllers are left out: they refuse the loopback addresses that
 * pods have here, and would only write warning events. The three of volumes bind claims and let go of them; who makes
 * the volumes is the node agent.
 */
export const DEFAULT_CONTROLLERS: readonly string[] = [
  'deployment',
  'replicaset',
  'garbagecollector',
  'namespace',
  'serviceaccount',
  'serviceaccount-token',
  'job',
  'cronjob',
  'resourcequota',
  'root-ca-cert-publisher',
  'ttl-after-finished',
  'clusterrole-aggregation',
  'podgc',
  'disruption',
  'nodelifecycle',
  'taint-eviction-controller',
  'persistentvolume-binder',
  'pvc-protection',
  'pv-protection',
];

/** Larger than any log a run writes: the log is read as one file, so it must not be rotated. */
const AUDIT_LOG_MAX_SIZE_MB = 4096;

export function etcdArguments(files: ControlPlaneFiles, ports: ControlPlanePorts): string[] {
  const client = `http://127.0.0.1:${ports.etcdClient}`;
  const peer = `http://127.0.0.1:${ports.etcdPeer}`;
  return [
    `--data-dir=${files.etcdData}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    '--unsafe-no-fsync',
    '--log-level=warn',
  ];
}

export function apiServerArguments(
  files: ControlPlaneFiles,
  ports: ControlPlanePorts,
  withControllerManager: boolean,
): string[] {
  return [
    `--etcd-servers=http://127.0.0.1:${ports.etcdClient}`,
    `--secure-port=${ports.apiServer}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--token-auth-file=${files.tokens}`,
    `--cert-dir=${files.certificates}`,
    '--authorization-mode=RBAC',
    '--service-cluster-ip-range=10.96.0.0/16',
    '--endpoint-reconciler-type=none',
    // Names of nodes lead nowhere here.
    '--kubelet-preferred-address-types=InternalIP',
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${files.serviceAccountPublicKey}`,
    `--service-account-signing-key-file=${files.serviceAccountPrivateKey}`,
    '--allow-privileged=true',
    '--profiling=false',
    '--enable-priority-and-fairness=false',
    '--shutdown-delay-duration=0s',
    `--audit-policy-file=${files.auditPolicy}`,
    `--audit-log-path=${files.auditLog}`,
    `--audit-log-maxsize=${AUDIT_LOG_MAX_SIZE_MB}`,
    // As on OpenShift: an owner is named only by who may set finalizers on it, so a missing right shows here too.
    '--enable-admission-plugins=OwnerReferencesPermissionEnforcement',
    // Nobody makes the `default` ServiceAccounts then, and without one every pod would be refused.
    ...(withControllerManager ? [] : ['--disable-admission-plugins=ServiceAccount']),
  ];
}

export function controllerManagerArguments(
  files: ControlPlaneFiles,
  kubeconfig: string,
  controllers: readonly string[],
): string[] {
  return [
    `--kubeconfig=${kubeconfig}`,
    '--leader-elect=false',
    '--secure-port=0',
    '--use-service-account-credentials=true',
    `--service-account-private-key-file=${files.serviceAccountPrivateKey}`,
    `--root-ca-file=${files.caFile}`,
    `--controllers=${controllers.join(',')}`,
    '--node-monitor-period=1s',
    '--kube-api-qps=200',
    '--kube-api-burst=400',
  ];
}

export function schedulerArguments(kubeconfig: string): string[] {
  return [
    `--kubeconfig=${kubeconfig}`,
    '--leader-elect=false',
    '--secure-port=0',
    '--kube-api-qps=200',
    '--kube-api-burst=400',
  ];
}
