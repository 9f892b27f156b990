import { z } from 'zod';
import { APP_NAME } from '../api/labels.ts';
import { duration } from '../command-line/values.ts';
import { FLAGS as GATEWAY_FLAGS } from '../gateway/options.ts';
import { LOG_LEVELS } from '../observability/logger.ts';
import { configurationSchema, FLAGS as OPERATOR_FLAGS } from '../operator/configuration.ts';
import {
  count,
  objectAsIs,
  objectsAsTheyAre,
  off,
  on,
  optionalText,
  secretEntry,
  textMap,
} from './fields.ts';
import { sentenceOf, wholeNumber } from './flag-values.ts';
import { gatewaySettingsValues } from './gateway-settings.ts';

/**
 * The values of `charts/gpu-classroom`: `values.yaml`, `values.schema.json` and the table in its README are generated
 * from here. Every value has a default, so that `values.yaml` shows all there is.
 */

const httpUrl = z.union([z.literal(''), z.url({ protocol: /^https?$/ })]);

/** https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/ */
const NGINX = 'nginx.ingress.kubernetes.io';

/** Longer than the gateway gives an answer: it ends one, with words, before a proxy cuts it. */
const STREAM_SECONDS = duration.parse(GATEWAY_FLAGS.totalTimeoutMs.default) / 1000 + 60;

const image = z
  .strictObject({
    repository: z
      .string()
      .min(1)
      .default(`ghcr.io/${APP_NAME}/${APP_NAME}`)
      .describe('Operator, gateway and plugin are one image.'),
    tag: optionalText().describe('Default: the version of the chart.'),
    digest: optionalText().describe('Such as sha256:…; wins over the tag.'),
    pullPolicy: z
      .enum(['IfNotPresent', 'Always', 'Never'])
      .default('IfNotPresent')
      .describe('When nodes pull it.'),
  })
  .prefault({})
  .describe('The image.');

const crds = z
  .strictObject({
    install: on().describe(
      'Install and upgrade the kinds Classroom and StudentQuota. False: somebody else does.',
    ),
    keep: on().describe(
      'Keep them, and with them all classes and students, when the release is uninstalled.',
    ),
  })
  .prefault({})
  .describe('Custom resource definitions.');

const rbac = z
  .strictObject({
    create: on().describe(
      'Make the roles of operator and gateway. False: somebody else gives them the rights of docs/rbac.md.',
    ),
    roles: z
      .strictObject({
        create: on().describe(
          'Make ClusterRoles for people: <name>-platform, <name>-trainer and <name>-student-viewer.',
        ),
        aggregate: on().describe("Add them to Kubernetes' own roles admin, edit and view."),
      })
      .prefault({})
      .describe('Roles for people.'),
    nodePreparation: z
      .strictObject({
        enabled: off().describe(
          'Give the operator the right to cordon, drain and label nodes, for classes with `gpu.nodePreparation: Manage`.',
        ),
        nodes: z
          .array(z.string().min(1))
          .default([])
          .describe('Only these nodes may be changed. Empty: all.'),
      })
      .prefault({})
      .describe('Cutting GPUs for classes.'),
  })
  .prefault({})
  .describe('Rights.');

/** What pods of operator and gateway have in common. */
function podFields(resources: { requests: object; limits: object }) {
  return {
    resources: objectAsIs()
      .default({ ...resources })
      .describe('Requests and limits of the container.'),
    podLabels: textMap().default({}).describe('Labels of the pods, besides.'),
    podAnnotations: textMap().default({}).describe('Annotations of the pods.'),
    nodeSelector: textMap()
      .default({ 'kubernetes.io/os': 'linux' })
      .describe('Nodes that the pods may run on.'),
    tolerations: objectsAsTheyAre().default([]).describe('Taints that the pods tolerate.'),
    affinity: objectAsIs().default({}).describe('Affinity of the pods.'),
    topologySpreadConstraints: objectsAsTheyAre()
      .default([])
      .describe('Where pods should be. Default: on different nodes, where that is possible.'),
    priorityClassName: optionalText().describe('PriorityClass of the pods.'),
    extraEnv: objectsAsTheyAre().default([]).describe('Environment variables of the container, besides.'),
    podDisruptionBudget: z
      .strictObject({ enabled: on().describe('Let a drain take one pod at a time.') })
      .prefault({})
      .describe('Voluntary disruptions.'),
    serviceAccount: z
      .strictObject({
        create: on().describe('Make the ServiceAccount.'),
        name: optionalText().describe('Its name. Default: that of the Deployment.'),
        annotations: textMap().default({}).describe('Its annotations.'),
      })
      .prefault({})
      .describe('Whom the pods run as.'),
  };
}

/** A number that the operator takes as a flag, with its bounds and default. */
function numberOfFlag(field: 'workers' | 'rolloutIdleSeconds') {
  const flag = OPERATOR_FLAGS[field];
  return wholeNumber(configurationSchema.shape[field])
    .default(Number(flag.default))
    .describe(sentenceOf(flag));
}

const operator = z
  .strictObject({
    replicas: count(1, 10).default(1).describe('One works, the others stand by.'),
    logLevel: z.enum(LOG_LEVELS).default('info').describe('How much is logged.'),
    workers: numberOfFlag('workers'),
    rolloutIdleSeconds: numberOfFlag('rolloutIdleSeconds'),
    requestsPerSecond: z
      .union([z.literal(0), wholeNumber(configurationSchema.shape.requestsPerSecond)])
      .default(0)
      .describe('Limit of requests to the API server. 0: none.'),
    extraArgs: z.array(z.string()).default([]).describe('Flags, besides.'),
    ...podFields({ requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '512Mi' } }),
  })
  .prefault({})
  .describe('The operator: turns classes into engines, and students into keys.');

const valkey = z
  .strictObject({
    url: z
      .union([z.literal(''), z.string().regex(/^rediss?:\/\/[^\s]+$/)])
      .default('')
      .describe(
        'Such as rediss://gateway@valkey.school.svc:6379. Empty: one gateway with an account on a disk.',
      ),
    passwordSecret: secretEntry('password', 'Its password.'),
    caSecret: secretEntry(
      'ca.crt',
      'Whose signature its certificate must have. Default: one of those that Node trusts.',
    ),
    prefix: z
      .string()
      .regex(/^[^{}\s]*$/)
      .default(`${APP_NAME}:`)
      .describe('What the names of all keys there begin with.'),
  })
  .prefault({})
  .describe('A Valkey or Redis server in which several gateways count together (docs/gateway-replicas.md).');

const persistence = z
  .strictObject({
    enabled: on().describe('False: limits and used tokens are forgotten with every restart.'),
    existingClaim: optionalText().describe('A claim that is there. Default: one is made.'),
    size: z
      .string()
      .regex(/^[0-9]+(\.[0-9]+)?(Ki|Mi|Gi|Ti|Pi|k|M|G|T|P)?$/)
      .default('2Gi')
      .describe('Of the claim. A class of 30 needs some 6 MiB in 6 months.'),
    storageClassName: optionalText().describe(
      'Default: that of the cluster. No network file system: SQLite needs its locks.',
    ),
    accessModes: z
      .array(z.enum(['ReadWriteOnce', 'ReadWriteOncePod', 'ReadWriteMany']))
      .min(1)
      .default(['ReadWriteOnce'])
      .describe('Of the claim.'),
    keep: on().describe('Keep the claim, and so the account, when the release is uninstalled.'),
    annotations: textMap().default({}).describe('Of the claim.'),
  })
  .prefault({})
  .describe(
    'Where one gateway keeps limits and the account of used tokens. Not used with `gateway.valkey.url`.',
  );

const service = z
  .strictObject({
    type: z.enum(['ClusterIP', 'NodePort', 'LoadBalancer']).default('ClusterIP').describe('Of the Service.'),
    port: count(0, 65_535)
      .default(0)
      .describe('Where the Service listens. 0: 80, with `gateway.tlsSecretName` 443.'),
    nodePort: count(0, 65_535).default(0).describe('With NodePort and LoadBalancer. 0: any.'),
    loadBalancerSourceRanges: z
      .array(z.string())
      .default([])
      .describe('Who may connect, with LoadBalancer. Empty: all.'),
    loadBalancerClass: optionalText().describe('With LoadBalancer.'),
    externalTrafficPolicy: z
      .enum(['', 'Cluster', 'Local'])
      .default('')
      .describe("Local keeps the clients' addresses, with NodePort and LoadBalancer."),
    annotations: textMap().default({}).describe('Of the Service.'),
  })
  .prefault({})
  .describe('How the gateway is reached.');

const gateway = z
  .strictObject({
    baseURL: httpUrl
      .default('')
      .describe(
        'The OpenAI base URL that students get, such as https://llm.school.example/v1. Default: that of the ingress or httpRoute, or of the Service.',
      ),
    replicas: count(1, 50).default(1).describe('More than one need `gateway.valkey.url`.'),
    settings: gatewaySettingsValues()
      .prefault({})
      .describe(
        'What docs/gateway-settings.md lists, by the names "in the file", and the block `jwt`. The rest is set by the chart.',
      ),
    shutdownDelaySeconds: count(0, 600)
      .default(5)
      .describe(
        'From the signal to stop until no new request is taken: the Service has to notice. Only with several gateways.',
      ),
    shutdownGraceSeconds: count(0, 3600)
      .default(30)
      .describe('How long running answers may go on after that.'),
    tlsSecretName: optionalText().describe(
      'Serve HTTPS with the certificate of this Secret of type kubernetes.io/tls.',
    ),
    saltSecret: secretEntry(
      'salt',
      "At least 16 random bytes that isolate the students' prefix caches. Default: random for each start; with several gateways, set it.",
    ),
    nodeOptions: z
      .string()
      .default('--max-semi-space-size=16')
      .describe('NODE_OPTIONS: less memory at the same speed (docs/gateway.md).'),
    valkey,
    persistence,
    service,
    extraVolumes: objectsAsTheyAre()
      .default([])
      .describe('Volumes, besides: for files that `settings.jwt` names.'),
    extraVolumeMounts: objectsAsTheyAre().default([]).describe('Where they are mounted.'),
    ...podFields({ requests: { cpu: '250m', memory: '256Mi' }, limits: { memory: '1Gi' } }),
  })
  .prefault({})
  .describe('The gateway: the only thing that students talk to.');

const ingress = z
  .strictObject({
    enabled: off().describe('Make an Ingress to the gateway.'),
    className: optionalText().describe('IngressClass. Default: that of the cluster.'),
    host: optionalText().describe('Such as llm.school.example. Required.'),
    tlsSecretName: optionalText().describe(
      'Secret with the certificate. Empty: keys travel readable, or something before the Ingress ends TLS.',
    ),
    annotations: textMap()
      .default({
        [`${NGINX}/proxy-read-timeout`]: String(STREAM_SECONDS),
        [`${NGINX}/proxy-send-timeout`]: String(STREAM_SECONDS),
        [`${NGINX}/proxy-buffering`]: 'off',
        [`${NGINX}/proxy-body-size`]: '8m',
      })
      .describe(
        'For ingress-nginx: an answer may take 30 minutes, goes to the student as it comes, and too large requests are refused by the gateway, in words. Other controllers have annotations of their own: see the README.',
      ),
    labels: textMap().default({}).describe('Of the Ingress.'),
  })
  .prefault({})
  .describe('An Ingress (networking.k8s.io/v1). Name its addresses in `gateway.settings.trustedProxies`.');

const httpRoute = z
  .strictObject({
    enabled: off().describe('Make an HTTPRoute to the gateway.'),
    parentRefs: objectsAsTheyAre().default([]).describe('The Gateways that it belongs to. Required.'),
    hostnames: z.array(z.string().min(1)).default([]).describe('Such as llm.school.example.'),
    requestTimeout: z
      .string()
      .regex(/^([0-9]{1,5}(h|m|s|ms)){1,4}$/)
      .default(`${STREAM_SECONDS}s`)
      .describe('For a whole request with its answer; 0s: none.'),
    annotations: textMap().default({}).describe('Of the HTTPRoute.'),
    labels: textMap().default({}).describe('Of the HTTPRoute.'),
  })
  .prefault({})
  .describe('An HTTPRoute of the Gateway API (gateway.networking.k8s.io/v1).');

const networkPolicy = z
  .strictObject({
    enabled: on().describe('Let only who needs it reach operator and gateway.'),
    clients: objectsAsTheyAre()
      .default([])
      .describe(
        'Who may reach the gateway, as peers of a NetworkPolicy, such as the namespace of the Ingress controller. Empty: all.',
      ),
    egress: z
      .strictObject({
        enabled: on().describe(
          'Let operator and gateway reach only DNS, the API server, engines, and what is configured here.',
        ),
        apiServerPorts: z
          .array(count(1, 65_535))
          .min(1)
          .default([443, 6443])
          .describe('Where the API server listens, as Service and as endpoint.'),
        extra: objectsAsTheyAre().default([]).describe('Egress rules, besides.'),
      })
      .prefault({})
      .describe('What they may reach.'),
  })
  .prefault({})
  .describe('NetworkPolicies of operator and gateway. Those of the engines are made by the operator.');

const monitoring = z
  .strictObject({
    prometheus: z
      .strictObject({
        namespace: optionalText().describe(
          'Its namespace. Empty: the NetworkPolicies let nobody reach the metrics.',
        ),
        podLabels: textMap()
          .default({ 'app.kubernetes.io/name': 'prometheus' })
          .describe('Labels of its pods.'),
      })
      .prefault({})
      .describe('Who may read metrics, of engines too.'),
    serviceMonitor: z
      .strictObject({
        enabled: on().describe('Make ServiceMonitors, where the cluster has the kind.'),
        interval: z.string().min(1).default('30s').describe('Between two scrapes.'),
        labels: textMap().default({}).describe('Labels that your Prometheus selects by.'),
      })
      .prefault({})
      .describe("Scraping by Prometheus' operator (monitoring.coreos.com/v1)."),
    prometheusRule: z
      .strictObject({
        enabled: on().describe('Make a PrometheusRule with alerts, where the cluster has the kind.'),
        labels: textMap().default({}).describe('Labels that your Prometheus selects by.'),
      })
      .prefault({})
      .describe('Alerts.'),
    dashboards: z
      .strictObject({
        enabled: off().describe('Make a ConfigMap for each Grafana dashboard.'),
        labels: textMap()
          .default({ grafana_dashboard: '1' })
          .describe("Labels that Grafana's sidecar selects by."),
        annotations: textMap().default({}).describe('Such as grafana_folder.'),
      })
      .prefault({})
      .describe('Dashboards.'),
  })
  .prefault({})
  .describe('Metrics, alerts, dashboards.');

export const gpuClassroomValues = z.strictObject({
  global: objectAsIs()
    .default({})
    .describe('What a chart that this one is part of gives to all its parts. Not used.'),
  nameOverride: optionalText().describe('In the place of the name of the chart, in labels and names.'),
  fullnameOverride: optionalText().describe('What the names of all objects begin with.'),
  commonLabels: textMap().default({}).describe('Labels of all objects.'),
  image,
  imagePullSecrets: objectsAsTheyAre()
    .default([])
    .describe('Secrets for the registry, such as {name: registry}.'),
  watchNamespace: optionalText().describe(
    'Serve only classes in this namespace, with Roles there in the place of ClusterRoles. Empty: all namespaces.',
  ),
  crds,
  rbac,
  podSecurityContext: objectAsIs()
    .default({
      runAsNonRoot: true,
      runAsUser: 65_532,
      runAsGroup: 65_532,
      fsGroup: 65_532,
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
    })
    .describe('Of all pods. On OpenShift set runAsUser, runAsGroup and fsGroup to null.'),
  securityContext: objectAsIs()
    .default({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
    .describe('Of all containers.'),
  operator,
  gateway,
  ingress,
  httpRoute,
  networkPolicy,
  monitoring,
  admissionPolicy: z
    .strictObject({
      enabled: off().describe(
        'Make ValidatingAdmissionPolicies: only operator and gateway write the status of seats, each its part; `gpu.nodePreparation: Manage` only by who may change nodes.',
      ),
    })
    .prefault({})
    .describe('What neither RBAC nor the schemas can say.'),
  extraObjects: z
    .array(z.union([z.string(), objectAsIs()]))
    .default([])
    .describe('Objects, besides; texts are templates.'),
});

export type GpuClassroomValues = z.infer<typeof gpuClassroomValues>;
