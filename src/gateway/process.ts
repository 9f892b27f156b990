import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type Clock, systemClock } from '../kube/clock.ts';
import { createKubeClient } from '../kube/kube-client.ts';
import { defaultKubeContext } from '../kube/kubeconfig.ts';
import type { Logger } from '../kube/log.ts';
import { type HealthCheck, type HealthServer, startHealthServer } from '../observability/health.ts';
import type { AddressOfPod } from './engines/pods.ts';
import { createGateway, type Gateway } from './gateway.ts';
import { readinessOf } from './health.ts';
import { SALT_SECRET_BYTES } from './identity/cache-salt.ts';
import { openLedgerFile, openLedgerInMemory } from './ledger/database.ts';
import { LedgerFileError } from './ledger/errors.ts';
import { createLedger, type Ledger } from './ledger/ledger.ts';
import { createConcurrencyAdmission } from './limits/concurrency-admission.ts';
import type { GatewayMetrics } from './metrics.ts';
import type { GatewaySettings } from './options.ts';
import { type Source, watchKubernetes } from './source/kubernetes.ts';
import { loadStaticFile, parseStaticFile, StaticFileError } from './source/static-file.ts';

const MIN_SALT_SECRET_BYTES = 16;
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
  /** Called once with what stops the gateway; resolves when nothing runs any more. */
  readonly onStarted: (stop: () => Promise<void>) => void;
}

/**
 * Starts a gateway from checked settings, and its health server.
 *
 * @throws StartError when a file of the settings cannot be used
 */
export async function startGateway(given: GatewayProcess): Promise<void> {
  const { settings, log, onStarted } = given;
  const saltSecret = await readSaltSecret(settings.saltSecretFile);
  const ledger = openLedger(settings.ledger, log);
  let source: Source | undefined;
  const gateway = createGateway({
    clock: systemClock,
    log,
    admission: createConcurrencyAdmission(),
    usage: ledger,
    saltSecret,
    isSynced: () => source?.hasSynced ?? true,
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
      busyWaitMs: settings.queueTimeoutMs,
      engineWaitMs: settings.engineWaitTimeoutMs,
    },
    connectTimeoutMs: settings.connectTimeoutMs,
    maxBodyBytes: settings.maxBodyBytes,
  });
  let stopping = false;
  if (settings.staticFile !== undefined) await loadStatic(settings.staticFile, gateway, systemClock);
  else source = await watch(given, gateway);

  const health = await startHealth(settings, gateway.metrics, () =>
    readinessOf({
      hasSynced: source?.hasSynced ?? true,
      ageMs: source?.ageMs() ?? 0,
      maxAgeMs: settings.maxWatchAgeMs,
      stopping,
      ledgerTrouble: ledger.trouble,
    }),
  );
  const listening = await gateway.listen(settings.listen);
  log.info({ address: listening.address, ...gateway.directory.size }, 'The gateway takes requests');

  onStarted(async () => {
    stopping = true;
    log.info({ graceMs: settings.shutdownGraceMs }, 'The gateway stops');
    await gateway.stop(settings.shutdownGraceMs);
    // Only now: a key that is revoked while answers run out still ends them.
    await source?.stop();
    await health?.close();
    ledger.close();
  });
}

function openLedger(path: string, log: Logger): Ledger {
  try {
    const file = path === IN_MEMORY ? openLedgerInMemory() : openLedgerFile(path);
    if (path === IN_MEMORY) log.warn({}, 'Limits and used tokens are forgotten when this gateway ends');
    return createLedger({ file, clock: systemClock, log });
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
    if (!(error instanceof StaticFileError)) throw error;
    throw new StartError(error.faults.map((fault) => `${path}: ${fault}`).join('\n'));
  }
}

async function watch({ settings, env, log, addressOf }: GatewayProcess, gateway: Gateway): Promise<Source> {
  const { kubeconfig, namespace } = settings;
  const context = await defaultKubeContext({ env, kubeconfig, readFile, clock: systemClock });
  const client = createKubeClient({
    credentials: context.credentials,
    clock: systemClock,
    log,
    userAgent: 'gpu-classroom-gateway',
  });
  const source = watchKubernetes({
    client,
    namespace,
    directory: gateway.directory,
    engines: gateway.engines,
    addressOf,
    clock: systemClock,
    random: Math.random,
    log,
  });
  source.start();
  return source;
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
