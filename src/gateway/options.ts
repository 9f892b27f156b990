import { stringify } from 'yaml';
import { z } from 'zod';
import {
  type Environment,
  type Parsed,
  type Program,
  parseCommandLine,
  settingNameOf,
  type Texts,
} from '../command-line/parse.ts';
import {
  duration,
  listenAddress,
  nonEmpty,
  oneOf,
  onOrOff,
  positiveDuration,
  wholeNumber,
} from '../command-line/values.ts';
import { LOG_LEVELS } from '../observability/logger.ts';
import { type AddressRange, parseAddressRange } from './http/client-address.ts';
import type { TokenSettings } from './identity/token-settings.ts';
import { type GatewayFile, readGatewayFile } from './settings-file.ts';

const off = z.literal('off').transform(() => undefined);

const addressRanges = z.string().transform((text, context) => {
  const ranges: AddressRange[] = [];
  for (const word of text.split(',').filter((one) => one.trim() !== '')) {
    const range = parseAddressRange(word);
    if (range === undefined) context.addIssue('must be ranges of addresses, such as 10.0.0.0/8,fd00::/8');
    else ranges.push(range);
  }
  return ranges;
});

const valkeyUrl = z
  .url({
    protocol: /^rediss?$/,
    error: 'must be a URL such as redis://host:6379 or rediss://user@host:6379',
    abort: true,
  })
  .refine((url) => new URL(url).hostname !== '', 'must name a host');

/** Reads settings as texts, as they stand on a command line. */
export const settingsSchema = z
  .object({
    newKey: onOrOff,
    config: nonEmpty.optional(),
    printConfig: onOrOff,
    listen: listenAddress,
    healthAddress: z.union([off, listenAddress]),
    staticFile: nonEmpty.optional(),
    kubeconfig: nonEmpty.optional(),
    namespace: nonEmpty.optional(),
    saltSecretFile: nonEmpty.optional(),
    ledger: nonEmpty,
    valkey: valkeyUrl.optional(),
    valkeyPasswordFile: nonEmpty.optional(),
    valkeyCaFile: nonEmpty.optional(),
    valkeyPrefix: z.string().regex(/^[^{}\s]*$/, 'must not have braces or spaces'),
    valkeyTimeoutMs: positiveDuration,
    valkeyGraceMs: duration,
    failedAttemptsPerMinute: wholeNumber(0, 1_000_000),
    trustedProxies: addressRanges,
    queuePerStudent: wholeNumber(1, 100_000),
    queuePerClass: wholeNumber(1, 1_000_000),
    queueBytesPerStudent: wholeNumber(1024, 2 ** 40),
    queueBytesPerClass: wholeNumber(1024, 2 ** 40),
    queueBytes: wholeNumber(1024, 2 ** 40),
    queueTimeoutMs: duration,
    engineWaitTimeoutMs: duration,
    wakeTimeoutMs: duration,
    engineMetricsIntervalMs: positiveDuration,
    tlsCertFile: nonEmpty.optional(),
    tlsKeyFile: nonEmpty.optional(),
    maxConnections: wholeNumber(1, 1_000_000),
    headersTimeoutMs: positiveDuration,
    requestTimeoutMs: positiveDuration,
    connectTimeoutMs: positiveDuration,
    firstByteTimeoutMs: positiveDuration,
    idleTimeoutMs: positiveDuration,
    totalTimeoutMs: positiveDuration,
    heartbeatMs: duration,
    maxBodyBytes: wholeNumber(1024, 1_073_741_824),
    maxWatchAgeMs: positiveDuration,
    shutdownDelayMs: duration,
    shutdownGraceMs: duration,
    otlpEndpoint: z.url({ protocol: /^https?$/, error: 'must be a URL' }).optional(),
    trustTraceparent: onOrOff,
    logLevel: oneOf(LOG_LEVELS),
  })
  .refine(({ staticFile, kubeconfig }) => staticFile === undefined || kubeconfig === undefined, {
    path: ['staticFile'],
    message: 'cannot be used together with --kubeconfig: take one of them',
  })
  .refine(({ tlsCertFile, tlsKeyFile }) => (tlsCertFile === undefined) === (tlsKeyFile === undefined), {
    path: ['tlsCertFile'],
    message: 'needs --tls-key-file, and that needs this',
  })
  .refine(({ headersTimeoutMs, requestTimeoutMs }) => headersTimeoutMs <= requestTimeoutMs, {
    path: ['requestTimeoutMs'],
    message: 'must not be shorter than --headers-timeout: headers are a part of the request',
  });

/** Checked settings of a gateway. */
export type GatewaySettings = z.infer<typeof settingsSchema> & {
  /** From the file alone. Absent: only keys are accepted. */
  readonly jwt?: TokenSettings | undefined;
};

export const FLAGS: Program<typeof settingsSchema>['flags'] = {
  newKey: {
    spelling: '--new-key',
    about: 'print a new key and its SHA-256 for a static file, and exit',
  },
  config: {
    spelling: '--config <file>',
    about: 'settings from this YAML file; flags and variables win over it',
  },
  printConfig: {
    spelling: '--print-config',
    about: 'print the settings that are in force as such a file, without passwords, and exit',
  },
  listen: { spelling: '--listen <host:port>', about: 'where students connect', default: '0.0.0.0:8080' },
  healthAddress: {
    spelling: '--health-address <host:port>',
    about: '/healthz, /readyz and /metrics; "off" for none',
    default: '0.0.0.0:8081',
  },
  staticFile: {
    spelling: '--static <file>',
    about: 'classes, students and engines from this YAML file, without Kubernetes',
  },
  kubeconfig: {
    spelling: '--kubeconfig <file>',
    about: 'how to reach the API server; default: as kubectl finds it, or the pod itself',
  },
  namespace: {
    spelling: '--namespace <name>',
    about: 'serve only the classes of this namespace; default: of all',
  },
  saltSecretFile: {
    spelling: '--salt-secret-file <file>',
    about:
      'secret of at least 16 bytes that isolates the prefix caches; the same for all replicas; default: random',
  },
  ledger: {
    spelling: '--ledger <file>',
    about:
      'where limits and used tokens are written down, on a disk that stays; "memory": forgotten at each restart',
    default: '/var/lib/gpu-classroom/ledger.db',
  },
  valkey: {
    spelling: '--valkey <url>',
    about:
      'several gateways keep limits and used tokens together in this Valkey or Redis server (redis:// or rediss://), instead of --ledger',
  },
  valkeyPasswordFile: {
    spelling: '--valkey-password-file <file>',
    about: 'its password; command lines are no place for it',
  },
  valkeyCaFile: {
    spelling: '--valkey-ca-file <file>',
    about:
      'whose signature its certificate must have (PEM), with rediss://; default: one of those that Node trusts',
  },
  valkeyPrefix: {
    spelling: '--valkey-prefix <text>',
    about: 'what the names of all keys there begin with',
    default: 'gpu-classroom:',
  },
  valkeyTimeoutMs: {
    spelling: '--valkey-timeout <duration>',
    about: 'for a connection to it, and for each of its answers',
    default: '1s',
  },
  valkeyGraceMs: {
    spelling: '--valkey-grace <duration>',
    about: 'how long requests are admitted without it, each gateway by its part of the limits',
    default: '60s',
  },
  failedAttemptsPerMinute: {
    spelling: '--failed-attempts-per-minute <number>',
    about: 'wrong keys from one address that are answered as what they are; the rest gets 429; 0: all',
    default: '60',
  },
  trustedProxies: {
    spelling: '--trusted-proxies <ranges>',
    about: 'addresses whose X-Forwarded-For tells the client, such as 10.0.0.0/8,fd00::/8; default: none',
    default: '',
  },
  queuePerStudent: {
    spelling: '--queue-per-student <number>',
    about: 'requests of one student that may wait for an engine',
    default: '64',
  },
  queuePerClass: {
    spelling: '--queue-per-class <number>',
    about: 'requests of one class that may wait; beyond, whoever has most waiting is refused',
    default: '1024',
  },
  queueBytesPerStudent: {
    spelling: '--queue-bytes-per-student <number>',
    about: 'bytes of request bodies of one student that may wait',
    default: String(32 * 1024 * 1024),
  },
  queueBytesPerClass: {
    spelling: '--queue-bytes-per-class <number>',
    about: 'bytes of request bodies of one class that may wait',
    default: String(256 * 1024 * 1024),
  },
  queueBytes: {
    spelling: '--queue-bytes <number>',
    about:
      'bytes of request bodies of all classes together that may wait; they take up to twice as much memory',
    default: String(384 * 1024 * 1024),
  },
  queueTimeoutMs: {
    spelling: '--queue-timeout <duration>',
    about: 'for a place at an engine while all are busy',
    default: '2m',
  },
  engineWaitTimeoutMs: {
    spelling: '--engine-wait-timeout <duration>',
    about: 'for an engine while the class has none that can be asked, and none is being started',
    default: '10s',
  },
  wakeTimeoutMs: {
    spelling: '--wake-timeout <duration>',
    about: 'for an engine that is being started, such as that of a class that slept',
    // Less than the 5 min after which fetch of Node gives up: https://undici.nodejs.org/#/docs/api/Client (headersTimeout).
    default: '4m',
  },
  engineMetricsIntervalMs: {
    spelling: '--engine-metrics-interval <duration>',
    about: 'between two looks at the metrics of each engine, which bound what it is given',
    default: '1s',
  },
  tlsCertFile: {
    spelling: '--tls-cert-file <file>',
    about: 'serve HTTPS with this certificate and its chain (PEM); read again when it changes',
  },
  tlsKeyFile: { spelling: '--tls-key-file <file>', about: 'its private key (PEM)' },
  maxConnections: {
    spelling: '--max-connections <number>',
    about: 'of students at a time; more are closed unheard',
    default: '10000',
  },
  headersTimeoutMs: {
    spelling: '--headers-timeout <duration>',
    about: 'for the headers of a request to arrive',
    default: '15s',
  },
  requestTimeoutMs: {
    spelling: '--request-timeout <duration>',
    about: 'for a whole request to arrive',
    default: '2m',
  },
  connectTimeoutMs: {
    spelling: '--connect-timeout <duration>',
    about: 'for a connection to an engine',
    default: '3s',
  },
  firstByteTimeoutMs: {
    spelling: '--first-byte-timeout <duration>',
    about: 'until an engine begins to answer',
    default: '10m',
  },
  idleTimeoutMs: {
    spelling: '--idle-timeout <duration>',
    about: 'between two pieces of an answer',
    default: '2m',
  },
  totalTimeoutMs: { spelling: '--total-timeout <duration>', about: 'for a whole answer', default: '30m' },
  heartbeatMs: {
    spelling: '--heartbeat <duration>',
    about: 'between comments in a stream that waits to begin; the first after half of it; 0s for none',
    default: '10s',
  },
  maxBodyBytes: {
    spelling: '--max-body-bytes <number>',
    about: 'the largest request body',
    default: String(4 * 1024 * 1024),
  },
  maxWatchAgeMs: {
    spelling: '--max-watch-age <duration>',
    about: 'not ready when the API server said nothing for so long',
    default: '10m',
  },
  shutdownDelayMs: {
    spelling: '--shutdown-delay <duration>',
    about: 'from the signal to stop, when /readyz fails, until no new request is taken',
    default: '0s',
  },
  shutdownGraceMs: {
    spelling: '--shutdown-grace <duration>',
    about: 'for running answers when the gateway is stopped',
    default: '30s',
  },
  otlpEndpoint: {
    spelling: '--otlp-endpoint <url>',
    about: 'send traces there with OTLP over HTTP, such as http://localhost:4318/v1/traces; default: none',
  },
  trustTraceparent: {
    spelling: '--trust-traceparent',
    about: "take the client's traceparent header for the parent of its span",
  },
  logLevel: { spelling: '--log-level <level>', about: LOG_LEVELS.join(', '), default: 'info' },
};

/** What only a command line can mean. */
const NOT_IN_FILE: ReadonlySet<string> = new Set<keyof typeof FLAGS>(['newKey', 'config', 'printConfig']);

/** The settings that may stand in a file: the names there, and the fields they are for. */
export const NAMES_IN_FILE: ReadonlyMap<string, string> = new Map(
  Object.entries(FLAGS)
    .filter(([field]) => !NOT_IN_FILE.has(field))
    .map(([field, { spelling }]) => [settingNameOf(spelling), field]),
);

/**
 * Reads flags, environment and file of the gateway; see {@link parseCommandLine}.
 *
 * @param argv without the program's name
 * @param readText of the file that `--config` names; may throw
 */
export function parseSettings(
  argv: readonly string[],
  env: Environment,
  readText: (path: string) => string,
): Parsed<GatewaySettings> {
  let file: GatewayFile | undefined;
  const parsed = parseCommandLine(
    {
      name: 'gpu-classroom-gateway',
      description: 'Serves the students of GPU classes: one OpenAI API in front of the vLLM engines.',
      schema: settingsSchema,
      flags: FLAGS,
    },
    argv,
    env,
    ({ config }) => {
      if (config !== undefined) file = readFile(config, readText);
      return file;
    },
  );
  if (parsed.kind !== 'run') return parsed;
  const options = { ...parsed.options, jwt: file?.jwt };
  return options.printConfig
    ? { kind: 'print', text: printed(parsed.texts, options.jwt) }
    : { ...parsed, options };
}

function readFile(path: string, readText: (path: string) => string): GatewayFile {
  try {
    return readGatewayFile(path, readText(path), NAMES_IN_FILE);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { texts: new Map(), jwt: undefined, faults: [`${path} (--config) cannot be read: ${why}`] };
  }
}

/** A file that gives the same settings. Passwords in URLs are the only secrets that a setting can hold. */
function printed(texts: Texts, jwt: TokenSettings | undefined): string {
  const settings = [...NAMES_IN_FILE].flatMap(([name, field]) => {
    const text = texts[field];
    return text === undefined ? [] : [[name, text.replace(/(:\/\/)[^/@]*@/, '$1[hidden]@')]];
  });
  const { clockToleranceMs, ...rest } = jwt ?? { clockToleranceMs: 0 };
  const block = jwt === undefined ? {} : { jwt: { ...rest, clockTolerance: `${clockToleranceMs}ms` } };
  return stringify({ ...Object.fromEntries(settings), ...block });
}
