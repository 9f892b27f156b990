import { Command } from 'commander';
import { z } from 'zod';
import type { ListenAddress } from './http-server.ts';

/** What can be set; each also as an environment variable, which the flag overrides. */
const FLAGS = {
  listen: ['<host:port>', 'where students connect', '0.0.0.0:8080'],
  'health-address': ['<host:port>', '/healthz, /readyz and /metrics; "off" for none', '0.0.0.0:8081'],
  static: ['<file>', 'classes, students and engines from this YAML file, without Kubernetes', undefined],
  kubeconfig: [
    '<file>',
    'how to reach the API server; default: as kubectl finds it, or the pod itself',
    undefined,
  ],
  namespace: ['<name>', 'serve only the classes of this namespace; default: of all', undefined],
  'salt-secret-file': [
    '<file>',
    'secret of at least 16 bytes that isolates the prefix caches; the same for all replicas; default: random',
    undefined,
  ],
  'connect-timeout': ['<duration>', 'for a connection to an engine', '3s'],
  'first-byte-timeout': ['<duration>', 'until an engine begins to answer', '10m'],
  'idle-timeout': ['<duration>', 'between two pieces of an answer', '2m'],
  'total-timeout': ['<duration>', 'for a whole answer', '30m'],
  'max-body-bytes': ['<number>', 'the largest request body', String(4 * 1024 * 1024)],
  'max-watch-age': ['<duration>', 'not ready when the API server said nothing for so long', '10m'],
  'shutdown-grace': ['<duration>', 'for running answers when the gateway is stopped', '30s'],
  'log-level': ['<level>', 'debug, info, warn, error or silent', 'info'],
} as const satisfies Record<string, readonly [string, string, string | undefined]>;

type FlagName = keyof typeof FLAGS;

const UNITS_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;
type Unit = keyof typeof UNITS_MS;

const duration = z
  .string()
  .regex(/^\d+(ms|s|m|h)$/, 'must be a number with a unit, such as 500ms, 30s, 10m or 1h')
  .transform((text) => {
    const unit = text.replace(/^\d+/, '') as Unit;
    return Number.parseInt(text, 10) * UNITS_MS[unit];
  });

const listenAddress = z
  .string()
  .regex(/^(\[[0-9a-fA-F:]+\]|[^:[\]]+):\d{1,5}$/, 'must be an address and a port, such as 127.0.0.1:8080')
  .transform((text): ListenAddress => {
    const colon = text.lastIndexOf(':');
    return { host: text.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(text.slice(colon + 1)) };
  })
  .refine(({ port }) => port <= 65_535, 'must have a port of at most 65535');

const optionsSchema = z
  .object({
    listen: listenAddress,
    'health-address': z.union([z.literal('off').transform(() => undefined), listenAddress]),
    static: z.string().min(1).optional(),
    kubeconfig: z.string().min(1).optional(),
    namespace: z.string().min(1).optional(),
    'salt-secret-file': z.string().min(1).optional(),
    'connect-timeout': duration,
    'first-byte-timeout': duration,
    'idle-timeout': duration,
    'total-timeout': duration,
    'max-body-bytes': z.coerce.number({ error: 'must be a number' }).int().min(1024).max(1_073_741_824),
    'max-watch-age': duration,
    'shutdown-grace': duration,
    'log-level': z.enum(['debug', 'info', 'warn', 'error', 'silent']),
  })
  .refine((options) => options.static === undefined || options.kubeconfig === undefined, {
    path: ['static'],
    message: 'cannot be used together with --kubeconfig: take one of them',
  });

/** Checked settings of a gateway. */
export interface GatewaySettings {
  readonly listen: ListenAddress;
  readonly healthAddress: ListenAddress | undefined;
  readonly staticFile: string | undefined;
  readonly kubeconfig: string | undefined;
  readonly namespace: string | undefined;
  readonly saltSecretFile: string | undefined;
  readonly connectTimeoutMs: number;
  readonly firstByteTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly totalTimeoutMs: number;
  readonly maxBodyBytes: number;
  readonly maxWatchAgeMs: number;
  readonly shutdownGraceMs: number;
  readonly logLevel: string;
}

export type ParsedCommandLine =
  | { readonly kind: 'run'; readonly settings: GatewaySettings }
  | { readonly kind: 'new-key' }
  /** `text` is the help or the version, asked for; exit 0. */
  | { readonly kind: 'show'; readonly text: string }
  | { readonly kind: 'invalid'; readonly faults: readonly string[] };

/** `--health-address` is `GPU_CLASSROOM_HEALTH_ADDRESS`. */
export function environmentName(flag: string): string {
  return `GPU_CLASSROOM_${flag.replaceAll('-', '_').toUpperCase()}`;
}

/**
 * Reads flags and environment, and checks all of them before it complains.
 *
 * @param argv without the program
 */
export function parseCommandLine(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ParsedCommandLine {
  let shown = '';
  const command = defineCommand((text) => {
    shown += text;
  });
  try {
    command.parse([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof Error) || !('exitCode' in error)) throw error;
    return error.exitCode === 0 ? { kind: 'show', text: shown } : { kind: 'invalid', faults: [shown.trim()] };
  }
  const given: Record<string, unknown> = command.opts();
  if (given.newKey === true) return { kind: 'new-key' };
  return check(given, env);
}

function defineCommand(write: (text: string) => void): Command {
  const command = new Command('gpu-classroom-gateway')
    .description('Serves the students of GPU classes: one OpenAI API in front of the vLLM engines.')
    .option('--new-key', 'print a new key and its SHA-256 for a static file, and exit')
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({ writeOut: write, writeErr: write });
  for (const [name, [argument, description, fallback]] of Object.entries(FLAGS)) {
    const about = fallback === undefined ? description : `${description} (default: ${fallback})`;
    command.option(`--${name} ${argument}`, `${about} [${environmentName(name)}]`);
  }
  return command;
}

function check(
  given: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string | undefined>>,
): ParsedCommandLine {
  const names = Object.keys(FLAGS) as FlagName[];
  const sourceOf = (name: FlagName): string =>
    given[camelCase(name)] === undefined && env[environmentName(name)] ? environmentName(name) : `--${name}`;
  const values = names.map((name) => [
    name,
    given[camelCase(name)] ?? (env[environmentName(name)] || FLAGS[name][2]),
  ]);
  const parsed = optionsSchema.safeParse(Object.fromEntries(values));
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => {
      const name = names.find((candidate) => candidate === issue.path[0]);
      return `${name === undefined ? 'options' : sourceOf(name)} ${issue.message}`;
    });
    return { kind: 'invalid', faults };
  }
  return { kind: 'run', settings: settingsOf(parsed.data) };
}

function settingsOf(options: z.infer<typeof optionsSchema>): GatewaySettings {
  return {
    listen: options.listen,
    healthAddress: options['health-address'],
    staticFile: options.static,
    kubeconfig: options.kubeconfig,
    namespace: options.namespace,
    saltSecretFile: options['salt-secret-file'],
    connectTimeoutMs: options['connect-timeout'],
    firstByteTimeoutMs: options['first-byte-timeout'],
    idleTimeoutMs: options['idle-timeout'],
    totalTimeoutMs: options['total-timeout'],
    maxBodyBytes: options['max-body-bytes'],
    maxWatchAgeMs: options['max-watch-age'],
    shutdownGraceMs: options['shutdown-grace'],
    logLevel: options['log-level'],
  };
}

/** As commander names the values of its options. */
function camelCase(flag: string): string {
  return flag.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
