import { z } from 'zod';
import { APP_NAME, COMPONENTS, LABELS } from '../api/labels.ts';
import { type Environment, type Parsed, type Program, parseCommandLine } from '../command-line/parse.ts';
import { listenAddress, nonEmpty, oneOf, onOrOff, wholeNumber } from '../command-line/values.ts';
import { LOG_LEVELS } from '../observability/logger.ts';
import { LEADER_LEASE } from '../rbac/rights.ts';

const namespaceName = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'must be the name of a namespace');

/** `key=value,key=value`. */
const podLabels = z
  .string()
  .regex(/^[^=,\s]+=[^=,\s]*(,[^=,\s]+=[^=,\s]*)*$/, "must be labels, such as 'app=gateway,tier=web'")
  .transform((text) =>
    Object.fromEntries(
      text.split(',').map((pair): [string, string] => {
        const equals = pair.indexOf('=');
        return [pair.slice(0, equals), pair.slice(equals + 1)];
      }),
    ),
  );

/** An OpenAI client appends `/chat/completions`, so the URL ends in `/v1`, which is added where no path is given. */
const openAIBaseURL = z
  .url({ protocol: /^https?$/, error: "must be a URL, such as 'https://llm.school.example/v1'" })
  .transform((text) => {
    const trimmed = text.replace(/\/+$/, '');
    return new URL(trimmed).pathname === '/' ? `${trimmed}/v1` : trimmed;
  });

/** Reads the configuration as texts, as they stand on a command line. */
export const configurationSchema = z.object({
  kubeconfig: nonEmpty.optional(),
  context: nonEmpty.optional(),
  namespace: namespaceName.optional(),
  operatorNamespace: namespaceName.optional(),
  once: onOrOff,
  onceTimeoutSeconds: wholeNumber(1, 86_400),
  leaderElect: onOrOff,
  leaderElectionNamespace: namespaceName.optional(),
  leaderElectionId: nonEmpty,
  healthAddress: listenAddress,
  metrics: onOrOff,
  logLevel: oneOf(LOG_LEVELS),
  gatewayBaseUrl: openAIBaseURL,
  gatewayNamespace: namespaceName.optional(),
  gatewayLabels: podLabels,
  operatorLabels: podLabels,
  prometheusNamespace: namespaceName.optional(),
  prometheusLabels: podLabels,
  workers: wholeNumber(1, 64),
  rolloutIdleSeconds: wholeNumber(1, 86_400),
  requestsPerSecond: wholeNumber(1, 10_000).optional(),
});

export type OperatorConfiguration = z.infer<typeof configurationSchema>;

export const FLAGS: Program<typeof configurationSchema>['flags'] = {
  kubeconfig: {
    spelling: '--kubeconfig <path>',
    about: 'kubeconfig; default: KUBECONFIG, the ServiceAccount of the pod, ~/.kube/config',
  },
  context: { spelling: '--context <name>', about: 'context of the kubeconfig; default: its current one' },
  namespace: { spelling: '--namespace <name>', about: 'serve only this namespace; default: all' },
  operatorNamespace: {
    spelling: '--operator-namespace <name>',
    about: 'namespace the operator runs in; default: that of the context or pod',
  },
  once: {
    spelling: '--once',
    about: 'reconcile everything, then exit: 0 when all is as wanted, 1 with what is not',
  },
  onceTimeoutSeconds: {
    spelling: '--once-timeout-seconds <n>',
    about: 'how long --once waits for things to settle',
    default: '300',
  },
  leaderElect: {
    spelling: '--leader-elect',
    about: 'work only while holding the Lease, for several replicas',
  },
  leaderElectionNamespace: {
    spelling: '--leader-election-namespace <name>',
    about: 'namespace of the Lease; default: --operator-namespace',
  },
  leaderElectionId: {
    spelling: '--leader-election-id <name>',
    about: 'name of the Lease',
    default: LEADER_LEASE,
  },
  healthAddress: {
    spelling: '--health-address <host:port>',
    about: '/healthz, /readyz and /metrics',
    default: '0.0.0.0:8080',
  },
  metrics: { spelling: '--no-metrics', about: 'do not serve /metrics' },
  logLevel: { spelling: '--log-level <level>', about: LOG_LEVELS.join(', '), default: 'info' },
  gatewayBaseUrl: {
    spelling: '--gateway-base-url <url>',
    about: 'the OpenAI base URL that students get; required',
  },
  gatewayNamespace: {
    spelling: '--gateway-namespace <name>',
    about: 'namespace of the gateway; default: --operator-namespace',
  },
  gatewayLabels: {
    spelling: '--gateway-labels <labels>',
    about: 'labels of the pods of the gateway, which may reach the engines',
    default: labelsOf(COMPONENTS.gateway),
  },
  operatorLabels: {
    spelling: '--operator-labels <labels>',
    about: 'labels of the pods of the operator, which may reach the engines',
    default: labelsOf(COMPONENTS.operator),
  },
  prometheusNamespace: {
    spelling: '--prometheus-namespace <name>',
    about: 'let monitoring in this namespace reach the engines; default: none',
  },
  prometheusLabels: {
    spelling: '--prometheus-labels <labels>',
    about: 'labels of its pods',
    default: 'app.kubernetes.io/name=prometheus',
  },
  workers: {
    spelling: '--workers <n>',
    about: 'objects worked on at once by each controller',
    default: '8',
  },
  rolloutIdleSeconds: {
    spelling: '--rollout-idle-seconds <n>',
    about: 'how long nobody may have asked, so that a changed spec may restart engines',
    default: '300',
  },
  requestsPerSecond: {
    spelling: '--requests-per-second <n>',
    about: 'limit of requests to the API server; default: none',
  },
};

/**
 * Reads flags and environment of the operator; see {@link parseCommandLine}.
 *
 * @param argv without the program's name
 */
export function parseConfiguration(argv: readonly string[], env: Environment): Parsed<OperatorConfiguration> {
  return parseCommandLine(
    {
      name: 'gpu-classroom-operator',
      description: 'Turns Classrooms and StudentQuotas into vLLM engines and keys.',
      schema: configurationSchema,
      flags: FLAGS,
    },
    argv,
    env,
  );
}

function labelsOf(component: string): string {
  return `${LABELS.name}=${APP_NAME},${LABELS.component}=${component}`;
}
