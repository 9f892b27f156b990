/** A fragment of a values file. */
export type Values = Readonly<Record<string, unknown>>;

/** What a platform engineer may choose, each with the ways it can be: a name, and the values that it stands for. */
export type Switches = Readonly<Record<string, Readonly<Record<string, Values>>>>;

const VALKEY = {
  replicas: 3,
  shutdownDelaySeconds: 10,
  saltSecret: { name: 'salt', key: 'bytes' },
  valkey: {
    url: 'rediss://gateway@valkey.school.svc:6380',
    passwordSecret: { name: 'valkey', key: 'valkey-password' },
    caSecret: { name: 'valkey-tls' },
    prefix: 'school:',
  },
};

const INGRESS = { enabled: true, className: 'nginx', host: 'llm.school.example', labels: { team: 'llm' } };

const HTTP_ROUTE = {
  enabled: true,
  parentRefs: [{ name: 'public', namespace: 'gateways', sectionName: 'https' }],
  hostnames: ['llm.school.example'],
  annotations: { 'school.example/owner': 'llm' },
};

const FROM_INGRESS = [
  { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'ingress-nginx' } } },
];

/** What pods of operator and gateway can have in addition. */
const POD_EXTRAS = {
  podLabels: { team: 'llm' },
  podAnnotations: { 'school.example/owner': 'llm' },
  nodeSelector: { 'kubernetes.io/os': 'linux', pool: 'system' },
  tolerations: [{ key: 'CriticalAddonsOnly', operator: 'Exists' }],
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [
          { matchExpressions: [{ key: 'nvidia.com/gpu.present', operator: 'DoesNotExist' }] },
        ],
      },
    },
  },
  topologySpreadConstraints: [
    {
      maxSkew: 1,
      topologyKey: 'topology.kubernetes.io/zone',
      whenUnsatisfiable: 'ScheduleAnyway',
      labelSelector: { matchLabels: { team: 'llm' } },
    },
  ],
  priorityClassName: 'system-cluster-critical',
  extraEnv: [{ name: 'TZ', value: 'Asia/Shanghai' }],
  podDisruptionBudget: { enabled: false },
  resources: { requests: { cpu: '1' }, limits: { memory: '2Gi' } },
  serviceAccount: { annotations: { 'school.example/owner': 'llm' } },
};

/** One as an object, and one as a text that is a template. */
const extraObjects = (namespace: string) => [
  { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'extra', namespace }, data: { a: 'b' } },
  `apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include "gpu-classroom.gateway.name" . }}-extra
  namespace: {{ .Release.Namespace }}
data:
  url: {{ include "gpu-classroom.gateway.serviceURL" . }}
`,
];

/**
 * All switches of the chart gpu-classroom. They may be combined as one likes: what only goes together is one switch.
 *
 * @param classes a namespace for classes
 */
export function gpuClassroomSwitches(classes: string): Switches {
  return {
    classes: { everywhere: {}, 'in one namespace': { watchNamespace: classes } },
    kinds: {
      // First, because the first ways are taken most often, and large schemas are slow to check.
      'there already': { crds: { install: false } },
      'installed and kept': {},
      'installed and not kept': { crds: { keep: false } },
    },
    rights: {
      granted: {},
      'without those of Kubernetes': { rbac: { roles: { aggregate: false } } },
      'granted by somebody else': { rbac: { create: false, roles: { create: false } } },
      'to change nodes': { rbac: { nodePreparation: { enabled: true } } },
      'to change two nodes': { rbac: { nodePreparation: { enabled: true, nodes: ['h100-1', 'h100-2'] } } },
    },
    counting: {
      'on a disk': {},
      'on a disk of another kind': {
        gateway: {
          persistence: {
            size: '5Gi',
            storageClassName: 'fast',
            accessModes: ['ReadWriteOncePod'],
            keep: false,
            annotations: { 'school.example/backup': 'daily' },
          },
        },
      },
      'on a disk that is there': { gateway: { persistence: { existingClaim: 'ledger' } } },
      'in memory': { gateway: { persistence: { enabled: false } } },
      'in Valkey, by three gateways': { gateway: VALKEY },
    },
    transport: { HTTP: {}, HTTPS: { gateway: { tlsSecretName: 'llm-school-example' } } },
    service: {
      'within the cluster': {},
      'by a port of nodes': {
        gateway: { service: { type: 'NodePort', nodePort: 30_080, externalTrafficPolicy: 'Local' } },
      },
      'by a load balancer': {
        gateway: {
          service: {
            type: 'LoadBalancer',
            port: 8443,
            loadBalancerClass: 'school.example/lan',
            loadBalancerSourceRanges: ['10.0.0.0/8'],
            annotations: { 'school.example/pool': 'students' },
          },
        },
      },
    },
    way: {
      direct: {},
      'by an Ingress': { ingress: INGRESS },
      'by an Ingress with TLS': { ingress: { ...INGRESS, tlsSecretName: 'llm-school-example' } },
      'by an HTTPRoute': { httpRoute: HTTP_ROUTE },
    },
    network: {
      'with policies': {},
      'for named clients': { networkPolicy: { clients: FROM_INGRESS } },
      'without limits for what goes out': { networkPolicy: { egress: { enabled: false } } },
      'with more ways out': {
        networkPolicy: {
          egress: {
            apiServerPorts: [443, 8443],
            extra: [{ to: [{ ipBlock: { cidr: '10.1.0.0/16' } }], ports: [{ port: 4318, protocol: 'TCP' }] }],
          },
        },
      },
      'without policies': { networkPolicy: { enabled: false } },
    },
    watching: {
      unwatched: { monitoring: { serviceMonitor: { enabled: false }, prometheusRule: { enabled: false } } },
      'by Prometheus': { monitoring: { prometheus: { namespace: 'monitoring' } } },
      'by Prometheus and Grafana': {
        monitoring: {
          prometheus: { namespace: 'monitoring', podLabels: { app: 'prometheus', tier: 'infra' } },
          serviceMonitor: { interval: '15s', labels: { release: 'kube-prometheus-stack' } },
          prometheusRule: { labels: { release: 'kube-prometheus-stack' } },
          dashboards: { enabled: true, annotations: { grafana_folder: 'School' } },
        },
      },
    },
    admission: { 'without policies': {}, 'with policies': { admissionPolicy: { enabled: true } } },
    names: {
      'of the release': {},
      overridden: { nameOverride: 'llm', commonLabels: { team: 'llm', 'school.example/cost-centre': '214' } },
      'as long as can be': { fullnameOverride: 'a'.repeat(63) },
    },
    pods: {
      plain: {},
      'with everything': {
        operator: {
          ...POD_EXTRAS,
          replicas: 2,
          requestsPerSecond: 50,
          logLevel: 'debug',
          extraArgs: ['--context=school'],
        },
        gateway: {
          ...POD_EXTRAS,
          extraVolumes: [{ name: 'issuer', configMap: { name: 'issuer' } }],
          extraVolumeMounts: [{ name: 'issuer', mountPath: '/etc/issuer', readOnly: true }],
          settings: {
            otlpEndpoint: 'http://collector.monitoring.svc:4318',
            trustedProxies: ['10.0.0.0/8'],
            jwt: {
              issuer: 'https://login.school.example',
              audience: 'gpu-classroom',
              jwksUrl: 'https://login.school.example/keys',
              classroom: 'python-101/python-101',
            },
          },
        },
        image: { digest: `sha256:${'0'.repeat(64)}`, pullPolicy: 'Always' },
        imagePullSecrets: [{ name: 'registry' }],
        extraObjects: extraObjects(classes),
      },
      'for OpenShift': { podSecurityContext: { runAsUser: null, runAsGroup: null, fsGroup: null } },
    },
  };
}
