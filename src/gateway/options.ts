import { z } from 'zod';
import { type Environment, type Parsed, type Program, parseCommandLine } from '../command-line/parse.ts';
import { duration, listenAddress, nonEmpty, oneOf, onOrOff, wholeNumber } from '../command-line/values.ts';
import { LOG_LEVELS } from '../observability/logger.ts';

const off = z.literal('off').transform(() => undefined);

const settingsSchema = z
  .object({
    newKey: onOrOff,
    listen: listenAddress,
    healthAddress: z.union([off, listenAddress]),
    staticFile: nonEmpty.optional(),
    kubeconfig: nonEmpty.optional(),
    namespace: nonEmpty.optional(),
    saltSecretFile: nonEmpty.optional(),
    ledger: nonEmpty,
    queuePerStudent: wholeNumber(1, 100_000),
    queuePerClass: wholeNumber(1, 1_000_000),
    queueBytesPerStudent: wholeNumber(1024, 2 ** 40),
    queueBytesPerClass: wholeNumber(1024, 2 ** 40),
    queueTimeoutMs: duration,
    engineWaitTimeoutMs: duration,
    connectTimeoutMs: duration,
    firstByteTimeoutMs: duration,
    idleTimeoutMs: duration,
    totalTimeoutMs: duration,
    heartbeatMs: duration,
    maxBodyBytes: wholeNumber(1024, 1_073_741_824),
    maxWatchAgeMs: duration,
    shutdownGraceMs: duration,
    logLevel: oneOf(LOG_LEVELS),
  })
  .refine(({ staticFile, kubeconfig }) => staticFile === undefined || kubeconfig === undefined, {
    path: ['staticFile'],
    message: 'cannot be used together with --kubeconfig: take one of them',
  });

/** Checked settings of a gateway. */
export type GatewaySettings = z.infer<typeof settingsSchema>;

const FLAGS: Program<typeof settingsSchema>['flags'] = {
  newKey: {
    spelling: '--new-key',
    about: 'print a new key and its SHA-256 for a static file, and exit',
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
  queueTimeoutMs: {
    spelling: '--queue-timeout <duration>',
    about: 'for a place at an engine while all are busy',
    default: '2m',
  },
  engineWaitTimeoutMs: {
    spelling: '--engine-wait-timeout <duration>',
    about: 'for an engine while the class has none that can be asked',
    default: '10s',
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
  shutdownGraceMs: {
    spelling: '--shutdown-grace <duration>',
    about: 'for running answers when the gateway is stopped',
    default: '30s',
  },
  logLevel: { spelling: '--log-level <level>', about: LOG_LEVELS.join(', '), default: 'info' },
};

/**
 * Reads flags and environment of the gateway; see {@link parseCommandLine}.
 *
 * @param argv without the program's name
 */
export function parseSettings(argv: readonly string[], env: Environment): Parsed<GatewaySettings> {
  return parseCommandLine(
    {
      name: 'gpu-classroom-gateway',
      description: 'Serves the students of GPU classes: one OpenAI API in front of the vLLM engines.',
      schema: settingsSchema,
      flags: FLAGS,
    },
    argv,
    env,
  );
}
