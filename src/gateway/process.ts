import { randomBytes, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { type Clock, systemClock } from '../kube/clock.ts';
import { createKubeClient } from '../kube/kube-client.ts';
import { defaultKubeContext } from '../kube/kubeconfig.ts';
import type { Logger } from '../kube/log.ts';
import { type HealthCheck, type HealthServer, startHealthServer } from '../observability/health.ts';
import type { AddressOfPod } from '../vllm/pod-address.ts';
import { YamlFaultsError } from '../yaml/located.ts';
import { createDemandPublisher, type DemandPublisher } from './demand/demand-publisher.ts';
import { askedClassroomOf, replicaOf } from './demand/replica.ts';
import { createEngineTime, type EngineTime } from './engine-time/recorder.ts';
import { watchEngines } from './engines/watch.ts';
import { createGateway, type Gateway, type GatewayOptions } from './gateway.ts';
import { readinessOf } from './health.ts';
import {
  type Certificate,
  CertificateError,
  checkCertificate,
  type FollowedCertificate,
  followCertificate,
} from './http/certificate.ts';
import { SALT_SECRET_BYTES } from './identity/cache-salt.ts';
import { fetchKeys } from './identity/fetch-keys.ts';
import { createTokenVerifier, type TokenVerifier } from './identity/jwt.ts';
import {
  createRemoteKeys,
  KeyFileError,
  publicKeysOf,
  secretKeyOf,
  type TokenKeys,
} from './identity/token-keys.ts';
import type { TokenSettings } from './identity/token-settings.ts';
import { openLedgerFile, openLedgerInMemory } from './ledger/database.ts';
import { LedgerFileError } from './ledger/errors.ts';
import { createLedger, type Ledger } from './ledger/ledger.ts';
import { createUsagePublisher, type UsagePublisher } from './ledger/usage-publisher.ts';
import type { UsageReader } from './ledger/usage-reader.ts';
import { createLocalAdmission } from './limits/local-admission.ts';
import type { GatewayMetrics } from './metrics.ts';
import type { GatewaySettings } from './options.ts';
import { noPeers } from './queue/peers.ts';
import { type Source, watchKubernetes } from './source/kubernetes.ts';
import { loadStaticFile, parseStaticFile } from './source/static-file.ts';
import type { GatewayState } from './state.ts';
import type { Tracing } from './tracing/tracing.ts';
import { openValkeyState } from './valkey/valkey-state.ts';

const MIN_SALT_SECRET_BYTES = 16;
const LEASE_MARGIN_MS = 60_000;
/** In place of a file's name. */
const IN_MEMORY = 'memory';

/** What went wrong in words for the one who started the gateway. */
export class StartError extends Error {}

/** What a process gives to its gateway. */
export interface GatewayProcess {
  readonly settings: GatewaySettings;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Logger;
  /** Where the engine of a pod listens. */
  readonly addressOf: AddressOfPod;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** Called once with what stops the gateway; resolves when nothing runs any more. */
  readonly onStarted: (stop: () => Promise<void>) => void;
}

/**
 * Starts a gateway from checked settings, and its health server.
 *
 * @throws StartError when a file of the settings cannot be used
 */
export async function startGateway(given: GatewayProcess): Promise<void> {
  const { settings, log, onStarted, clock = systemClock } = given;
  const shared = { settings, log, clock };
  const saltSecret = await readSaltSecret(settings.saltSecretFile);
  const tls = await readTls(settings);
  const tracing = await startTracing(settings, log);
  const tokens = await readTokenVerifier(settings.jwt, clock, log);
  const state = await openState(shared);
  let source: Source | undefined;
  let publisher: UsagePublisher | undefined;
  let demand: DemandPublisher | undefined;
  const gateway = createGateway({
    ...boundsOf(settings),
    clock,
    log,
    admission: state.admission,
    usage: state.usage,
    reports: state.reports,
    onSettled: (seatKey) => publisher?.onSettled(seatKey),
    onEngineUsed: (engineId, fromMs, toMs) => engineTime.used(engineId, fromMs, toMs),
    onAsked: (asked) => demand?.onAsked(asked),
    peers: state.peers,
    stateStore: state.figures,
    saltSecret,
    isSynced: () => source?.hasSynced ?? true,
    tokens,
    trustedProxies: settings.trustedProxies,
    tracing,
  });
  const engineTime = createEngineTime({
    book: state.reports,
    gpuShareOf: (key) => gateway.directory.classroom(key)?.gpuShare,
    clock,
    log,
  });
  const intervalMs = settings.engineMetricsIntervalMs;
  watchEngines({
    engines: gateway.engines,
    clock,
    log,
    hasAdapters: (key) => (gateway.directory.classroom(key)?.adapters.length ?? 0) > 0,
    intervalMs,
  });
  if (settings.staticFile !== undefined) await loadStatic(settings.staticFile, gateway, clock);
  else ({ source, publisher, demand } = await watch({ ...given, clock }, gateway, state.usage, engineTime));

  let stopping = false;
  const health = await startHealth(settings, gateway.metrics, () =>
    readinessOf({
      hasSynced: source?.hasSynced ?? true,
      ageMs: source?.ageMs() ?? 0,
      maxAgeMs: settings.maxWatchAgeMs,
      stopping,
      state: state.health(),
    }),
  );
  const { address, unfollow } = await listen(shared, gateway, tls);
  const ready = { address, health: health?.address.authority, ...gateway.directory.size };
  log.info(ready, 'The gateway takes requests');

  onStarted(async () => {
    stopping = true;
    const { shutdownDelayMs, shutdownGraceMs } = settings;
    log.info({ delayMs: shutdownDelayMs, graceMs: shutdownGraceMs }, 'The gateway stops');
    unfollow();
    await clock.sleep(shutdownDelayMs);
    await gateway.stop(shutdownGraceMs);
    // Only now: a key that is revoked while answers run out still ends them.
    publisher?.stop();
    demand?.stop();
    await source?.stop();
    await engineTime.stop();
    await tracing?.close();
    await health?.close();
    await state.close();
  });
}

/** What most parts of a gateway's process need. */
type Shared = Pick<GatewayProcess, 'settings' | 'log'> & { readonly clock: Clock };

type Bounds = Pick<
  GatewayOptions,
  'patience' | 'queueBounds' | 'connectTimeoutMs' | 'maxBodyBytes' | 'failedAttemptsPerMinute'
>;

function boundsOf(settings: GatewaySettings): Bounds {
  return {
    connectTimeoutMs: settings.connectTimeoutMs,
    maxBodyBytes: settings.maxBodyBytes,
    failedAttemptsPerMinute: settings.failedAttemptsPerMinute,
    patience: {
      firstByteMs: settings.firstByteTimeoutMs,
      idleMs: settings.idleTimeoutMs,
      totalMs: settings.totalTimeoutMs,
      heartbeatMs: settings.heartbeatMs,
    },
    queueBounds: {
      requestsPerStudent: settings.queuePerStudent,
      requestsPerClass: settings.queuePerClass,
      bytesPerStudent: settings.queueBytesPerStudent,
      bytesPerClass: settings.queueBytesPerClass,
      bytesOfAll: settings.queueBytes,
      busyWaitMs: settings.queueTimeoutMs,
      engineWaitMs: settings.engineWaitTimeoutMs,
      wakeWaitMs: settings.wakeTimeoutMs,
    },
  };
}

type ReadCertificate = Pick<FollowedCertificate, 'first' | 'read'>;

/** @returns where it listens, and what ends the look at the files of its certificate */
async function listen(
  { settings, clock, log }: Shared,
  gateway: Gateway,
  tls: ReadCertificate | undefined,
): Promise<{ readonly address: string; readonly unfollow: () => void }> {
  const { listen: where, headersTimeoutMs, requestTimeoutMs, maxConnections } = settings;
  const bounds = { headersTimeoutMs, requestTimeoutMs, maxConnections };
  const { address, useCertificate: use } = await gateway.listen(where, { certificate: tls?.first, bounds });
  if (tls === undefined) return { address, unfollow() {} };
  return { address, unfollow: followCertificate({ ...tls, use, clock, log }) };
}

async function openState(shared: Shared): Promise<GatewayState> {
  const { settings, clock, log } = shared;
  const { valkey: url, valkeyPasswordFile: path, valkeyCaFile } = settings;
  if (url === undefined) return openLocalState(shared);
  return openValkeyState({
    url,
    password: path === undefined ? undefined : (await readText(path, '--valkey-password-file')).trim(),
    ca: valkeyCaFile === undefined ? undefined : await readText(valkeyCaFile, '--valkey-ca-file'),
    prefix: settings.valkeyPrefix,
    timeoutMs: settings.valkeyTimeoutMs,
    graceMs: settings.valkeyGraceMs,
    clock,
    random: Math.random,
    newId: randomUUID,
    log,
  });
}

async function openLocalState({ settings, clock, log }: Shared): Promise<GatewayState> {
  const ledger = openLedger(settings.ledger, clock, log);
  const admission = await createLocalAdmission({
    clock,
    journal: ledger,
    log,
    newLeaseId: randomUUID,
    leaseMs: longestRequestMs(settings),
  });
  return {
    admission,
    usage: ledger,
    reports: ledger,
    peers: noPeers,
    figures: undefined,
    health() {
      const { trouble } = ledger;
      if (trouble === undefined) return { ok: true, trouble };
      return { ok: false, trouble: `the account of used tokens cannot be written: ${trouble}` };
    },
    close: async () => ledger.close(),
  };
}

/** Longer than any request can take, with all waits: one that waited for an adapter enters the queue again. */
function longestRequestMs(settings: GatewaySettings): number {
  const { queueTimeoutMs, engineWaitTimeoutMs, wakeTimeoutMs, totalTimeoutMs } = settings;
  const waitsMs = queueTimeoutMs + Math.max(engineWaitTimeoutMs, wakeTimeoutMs);
  return 2 * waitsMs + totalTimeoutMs + LEASE_MARGIN_MS;
}

function openLedger(path: string, clock: Clock, log: Logger): Ledger {
  try {
    const file = path === IN_MEMORY ? openLedgerInMemory() : openLedgerFile(path);
    if (path === IN_MEMORY) log.warn({}, 'Limits and used tokens are forgotten when this gateway ends');
    return createLedger({ file, clock, log });
  } catch (error) {
    throw error instanceof LedgerFileError ? new StartError(error.message, { cause: error }) : error;
  }
}

async function loadStatic(path: string, gateway: Gateway, clock: Clock): Promise<void> {
  const text = await readText(path, '--static');
  try {
    const file = parseStaticFile(text);
    loadStaticFile(file, gateway.directory, gateway.engines, Math.floor(clock.now() / 1000));
  } catch (error) {
    if (!(error instanceof YamlFaultsError)) throw error;
    throw new StartError(error.faults.map((fault) => `${path}: ${fault}`).join('\n'));
  }
}

interface Watched {
  readonly source: Source;
  readonly publisher: UsagePublisher;
  readonly demand: DemandPublisher;
}

async function watch(
  { settings, env, log, addressOf, clock }: GatewayProcess & Shared,
  gateway: Gateway,
  usage: UsageReader,
  engineTime: EngineTime,
): Promise<Watched> {
  const { kubeconfig, namespace } = settings;
  const context = await defaultKubeContext({ env, kubeconfig, readFile, clock });
  const client = createKubeClient({
    credentials: context.credentials,
    clock,
    log,
    userAgent: 'gpu-classroom-gateway',
  });
  const shared = { client, clock, random: Math.random, log };
  const timeZoneOf = (classroomKey: string) => gateway.directory.classroom(classroomKey)?.timeZone;
  const publisher = createUsagePublisher({ ...shared, usage, timeZoneOf });
  const source = watchKubernetes({
    ...shared,
    namespace,
    directory: gateway.directory,
    engines: gateway.engines,
    onStudentQuota: publisher.onStudentQuota,
    onEnginePod: engineTime.onPod,
    addressOf,
  });
  source.start();
  const demand = createDemandPublisher({
    ...shared,
    ...replicaOf(hostname(), settings.listen, randomUUID),
    classroomOf: (key) => askedClassroomOf(gateway.directory.classroom(key)),
    onWritten: gateway.metrics.demandWritten,
  });
  return { source, publisher, demand };
}

/** There is nothing that a restart of the gateway would cure: it lives as long as it answers. */
async function startHealth(
  { healthAddress }: GatewaySettings,
  metrics: GatewayMetrics,
  check: HealthCheck['check'],
): Promise<HealthServer | undefined> {
  if (healthAddress === undefined) return undefined;
  return startHealthServer({
    address: healthAddress,
    live: [],
    ready: [{ name: 'gateway', check }],
    metrics,
  });
}

async function startTracing(
  { otlpEndpoint: endpoint, trustTraceparent }: GatewaySettings,
  log: Logger,
): Promise<Tracing | undefined> {
  if (endpoint === undefined) return undefined;
  const { createOtlpTracing } = await import('./tracing/otlp.ts');
  return createOtlpTracing({ endpoint, trustClients: trustTraceparent, log });
}

async function readTls({ tlsCertFile, tlsKeyFile }: GatewaySettings): Promise<ReadCertificate | undefined> {
  if (tlsCertFile === undefined || tlsKeyFile === undefined) return undefined;
  const read = async (): Promise<Certificate> => ({
    cert: await readText(tlsCertFile, '--tls-cert-file'),
    key: await readText(tlsKeyFile, '--tls-key-file'),
  });
  try {
    return { first: checkCertificate(await read()), read };
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    throw new StartError(`${tlsCertFile} and ${tlsKeyFile}: ${error.message}`);
  }
}

async function readTokenVerifier(
  settings: TokenSettings | undefined,
  clock: Clock,
  log: Logger,
): Promise<TokenVerifier | undefined> {
  if (settings === undefined) return undefined;
  const keys = await readTokenKeys(settings, clock, log);
  return createTokenVerifier({ settings, keys, clock });
}

async function readTokenKeys(settings: TokenSettings, clock: Clock, log: Logger): Promise<TokenKeys> {
  const { jwksUrl, publicKeyFile, secretFile } = settings;
  if (jwksUrl !== undefined) {
    return createRemoteKeys({ fetchKeys: () => fetchKeys(jwksUrl), clock, log });
  }
  const [path, field, read] =
    publicKeyFile !== undefined
      ? ([publicKeyFile, 'jwt.publicKeyFile', publicKeysOf] as const)
      : ([secretFile ?? '', 'jwt.secretFile', secretKeyOf] as const);
  try {
    return read(await readText(path, field));
  } catch (error) {
    throw error instanceof KeyFileError ? new StartError(`${path} (${field}) ${error.message}`) : error;
  }
}

async function readSaltSecret(path: string | undefined): Promise<Uint8Array> {
  if (path === undefined) return randomBytes(SALT_SECRET_BYTES);
  const secret = Buffer.from((await readText(path, '--salt-secret-file')).trim(), 'utf8');
  if (secret.length >= MIN_SALT_SECRET_BYTES) return secret;
  throw new StartError(
    `${path} (--salt-secret-file) holds ${secret.length} bytes, but at least ${MIN_SALT_SECRET_BYTES} are needed. Make one with: openssl rand -hex 32`,
  );
}

async function readText(path: string, flag: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new StartError(
      `${path} (${flag}) cannot be read: ${error instanceof Error ? error.message : error}`,
    );
  }
}
