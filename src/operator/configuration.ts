import { Command, CommanderError } from 'commander';
import { z } from 'zod';
import { APP_NAME, COMPONENTS, LABELS } from '../api/labels.ts';
import { LOG_LEVELS } from '../observability/logger.ts';
import { LEADER_LEASE } from '../rbac/rights.ts';

/** Environment variables are the flags in capitals with this prefix: `--log-level` is `GPU_CLASSROOM_LOG_LEVEL`. */
const ENVIRONMENT_PREFIX = 'GPU_CLASSROOM_';

const booleanText = z
  .union([z.boolean(), z.enum(['true', 'false'])], "must be 'true' or 'false'")
  .transform((value) => value === true || value === 'true');

const wholeNumber = (min: number, max: number) =>
  z.coerce
    .number(`must be a whole number`)
    .int('must be a whole number')
    .min(min, `must not be less than ${min}`)
    .max(max, `must not be more than ${max}`);

const namespaceName = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'must be the name of a namespace');

/** `host:port`; the host may be an IPv6 address in brackets. */
const address = z
  .string()
  .regex(/^([^:[\]]*|\[[0-9a-fA-F:]+\]):[0-9]{1,5}$/, "must be 'host:port', such as '0.0.0.0:8080'")
  .transform((text) => {
    const colon = text.lastIndexOf(':');
    return { host: text.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(text.slice(colon + 1)) };
  })
  .refine(({ port }) => port <= 65_535, 'must not have a port above 65535');

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

const configurationSchema = z.object({
  kubeconfig: z.string().min(1).optional(),
  context: z.string().min(1).optional(),
  namespace: namespaceName.optional(),
  operatorNamespace: namespaceName.optional(),
  once: booleanText.default(false),
  onceTimeoutSeconds: wholeNumber(1, 86_400).default(300),
  leaderElect: booleanText.default(false),
  leaderElectionNamespace: namespaceName.optional(),
  leaderElectionId: z.string().min(1).default(LEADER_LEASE),
  healthAddress: address.prefault('0.0.0.0:8080'),
  metrics: booleanText.default(true),
  logLevel: z.enum(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(', ')}`).default('info'),
  gatewayBaseUrl: openAIBaseURL,
  gatewayNamespace: namespaceName.optional(),
  gatewayLabels: podLabels.prefault(defaultLabels(COMPONENTS.gateway)),
  operatorLabels: podLabels.prefault(defaultLabels(COMPONENTS.operator)),
  prometheusNamespace: namespaceName.optional(),
  prometheusLabels: podLabels.prefault('app.kubernetes.io/name=prometheus'),
  workers: wholeNumber(1, 64).default(4),
  requestsPerSecond: wholeNumber(1, 10_000).optional(),
});

export type OperatorConfiguration = z.infer<typeof configurationSchema>;

/** How a command line was understood. */
export type ParsedConfiguration =
  | { kind: 'run'; configuration: OperatorConfiguration }
  /** `--help` or `--version`: print and end well. */
  | { kind: 'print'; text: string }
  /** Everything that is wrong, for standard error; the exit code is 2. */
  | { kind: 'refused'; text: string };

/**
 * Reads flags and environment; flags win. All mistakes are reported at once.
 *
 * @param argv without the program's name
 */
export function parseConfiguration(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ParsedConfiguration {
  let output = '';
  const command = createCommand((text) => {
    output += text;
  });
  try {
    command.parse(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? { kind: 'print', text: output } : { kind: 'refused', text: output };
  }
  const raw = { ...fromEnvironment(command, env), ...fromFlags(command) };
  const parsed = configurationSchema.safeParse(raw);
  if (parsed.success) return { kind: 'run', configuration: parsed.data };
  return { kind: 'refused', text: refusal(parsed.error, raw) };
}

function createCommand(write: (text: string) => void): Command {
  return new Command('gpu-classroom-operator')
    .description(
      'Turns Classrooms and StudentQuotas into vLLM engines and keys.\n' +
        `Every flag can be given as an environment variable: --log-level is ${ENVIRONMENT_PREFIX}LOG_LEVEL.`,
    )
    .option(
      '--kubeconfig <path>',
      'kubeconfig; default: KUBECONFIG, the ServiceAccount of the pod, ~/.kube/config',
    )
    .option('--context <name>', 'context of the kubeconfig; default: its current one')
    .option('--namespace <name>', 'serve only this namespace; default: all')
    .option(
      '--operator-namespace <name>',
      'namespace the operator runs in; default: that of the context or pod',
    )
    .option('--once', 'reconcile everything, then exit: 0 when all is as wanted, 1 with what is not')
    .option('--once-timeout-seconds <n>', 'how long --once waits for things to settle (default: 300)')
    .option('--leader-elect', 'work only while holding the Lease, for several replicas')
    .option('--leader-election-namespace <name>', 'namespace of the Lease; default: --operator-namespace')
    .option('--leader-election-id <name>', `name of the Lease (default: ${LEADER_LEASE})`)
    .option('--health-address <host:port>', '/healthz, /readyz and /metrics (default: 0.0.0.0:8080)')
    .option('--no-metrics', 'do not serve /metrics')
    .option('--log-level <level>', `${LOG_LEVELS.join(', ')} (default: info)`)
    .option('--gateway-base-url <url>', 'the OpenAI base URL that students get; required')
    .option('--gateway-namespace <name>', 'namespace of the gateway; default: --operator-namespace')
    .option('--gateway-labels <labels>', 'labels of the pods of the gateway, which may reach the engines')
    .option('--operator-labels <labels>', 'labels of the pods of the operator, which may reach the engines')
    .option(
      '--prometheus-namespace <name>',
      'let monitoring in this namespace reach the engines; default: none',
    )
    .option('--prometheus-labels <labels>', 'labels of its pods (default: app.kubernetes.io/name=prometheus)')
    .option('--workers <n>', 'objects worked on at once by each controller (default: 4)')
    .option('--requests-per-second <n>', 'limit of requests to the API server; default: none')
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({ writeOut: write, writeErr: write });
}

function fromEnvironment(
  command: Command,
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const names = command.options.map((option) => option.attributeName());
  const pairs = names.map((name): [string, string] => [name, env[variableOf(name)] ?? '']);
  return Object.fromEntries(pairs.filter(([, value]) => value !== ''));
}

/** Only what was written on the command line: commander gives `--no-metrics` a default that would hide the environment. */
function fromFlags(command: Command): Record<string, unknown> {
  const given = Object.entries(command.opts()).filter(
    ([name]) => command.getOptionValueSource(name) === 'cli',
  );
  return Object.fromEntries(given);
}

/** `gatewayBaseUrl` → `GPU_CLASSROOM_GATEWAY_BASE_URL`. */
function variableOf(name: string): string {
  return ENVIRONMENT_PREFIX + name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function refusal(error: z.ZodError, raw: Record<string, unknown>): string {
  const lines = error.issues.map((issue) => {
    const name = String(issue.path[0] ?? '');
    const message = raw[name] === undefined ? 'must be set' : issue.message;
    return `  ${flagOf(name)} (or ${variableOf(name)}) ${message}`;
  });
  return `The configuration is not valid:\n${lines.join('\n')}\nSee --help.\n`;
}

function defaultLabels(component: string): string {
  return `${LABELS.name}=${APP_NAME},${LABELS.component}=${component}`;
}
