import { API_GROUP } from '../api/group.ts';
import { createEngineCaller } from '../classroom/engine-calls.ts';
import type { Clock } from '../kube/clock.ts';
import type { Credentials } from '../kube/credentials.ts';
import { createEventRecorder } from '../kube/events.ts';
import { createKubeClient } from '../kube/kube-client.ts';
import { runAsLeader } from '../kube/leader.ts';
import type { Logger } from '../kube/log.ts';
import { type HealthServer, startHealthServer } from '../observability/health.ts';
import { FIELD_MANAGER } from '../reconcile/field-managers.ts';
import type { OperatorSettings } from '../reconcile/settings.ts';
import type { AddressOfPod } from '../vllm/pod-address.ts';
import { type LeaderState, operatorChecks } from './checks.ts';
import type { OperatorConfiguration } from './configuration.ts';
import { createMetrics } from './metrics.ts';
import { untilSettled } from './once.ts';
import { CONTROLLER_NAMES, createOperator, type Operator } from './operator.ts';

export interface ProcessOptions {
  configuration: OperatorConfiguration;
  credentials: Credentials;
  /** Namespace of the context or pod. */
  contextNamespace: string;
  /** Of this process: in the Lease and in events. */
  identity: string;
  clock: Clock;
  log: Logger;
  random: () => number;
  randomBytes(length: number): Uint8Array;
  /** Where an engine listens. */
  addressOf: AddressOfPod;
  /** For the result of `--once`. */
  print(text: string): void;
}

/** Events are not worth waiting for an API server that does not answer. */
const FLUSH_MS = 2_000;

/**
 * Runs the operator until the signal aborts, leadership is lost, or, with `--once`, everything is settled.
 *
 * @returns the exit code: 0 after a wanted end, 1 after lost leadership or when `--once` left something unsettled
 */
export async function runOperator(options: ProcessOptions, signal: AbortSignal): Promise<number> {
  const { configuration, clock, log } = options;
  const metrics = createMetrics(CONTROLLER_NAMES, () => operator.informers.caches.classrooms.list());
  const client = createKubeClient({
    credentials: options.credentials,
    clock,
    log,
    metrics: metrics.kube,
    userAgent: FIELD_MANAGER,
    ...rateLimit(configuration.requestsPerSecond),
  });
  const events = createEventRecorder({
    client,
    clock,
    log,
    metrics: metrics.kube,
    reportingController: `${API_GROUP}/operator`,
    reportingInstance: options.identity,
  });
  const engines = createEngineCaller(clock);
  const operator = createOperator({
    ...options,
    client,
    callEngine: engines.call,
    events,
    kubeMetrics: metrics.kube,
    metrics: metrics.operator,
    settings: settingsOf(configuration, options.contextNamespace),
    workers: configuration.workers,
  });
  const leader = { state: initialState(configuration) };
  const health = await serveHealth(options, operator, leader, metrics);
  log.info({ ...health.address, namespace: configuration.namespace ?? 'all' }, 'Started');
  const stopping = new AbortController();
  const onAbort = (): void => stopping.abort(signal.reason);
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  try {
    operator.informers.start(stopping.signal);
    if (configuration.once) return await runOnce(options, operator, stopping);
    return await runOn(options, { client, operator, metrics, leader }, stopping.signal);
  } finally {
    signal.removeEventListener('abort', onAbort);
    stopping.abort();
    await operator.informers.stop();
    await Promise.race([events.flush(), clock.sleep(FLUSH_MS)]);
    await health.close();
    await engines.close();
    await client.close();
    log.info({}, 'Stopped');
  }
}

interface Running {
  client: ReturnType<typeof createKubeClient>;
  operator: Operator;
  metrics: ReturnType<typeof createMetrics>;
  leader: { state: LeaderState };
}

async function runOn(options: ProcessOptions, running: Running, signal: AbortSignal): Promise<number> {
  const { configuration, clock, log, identity, random } = options;
  const { client, operator, metrics, leader } = running;
  if (!configuration.leaderElect) {
    await operator.run(signal);
    return 0;
  }
  const end = await runAsLeader(
    {
      client,
      clock,
      log,
      identity,
      random,
      metrics: metrics.kube,
      name: configuration.leaderElectionId,
      namespace: configuration.leaderElectionNamespace ?? operatorNamespace(options),
      onStarted: (leading) => {
        leader.state = 'leading';
        return operator.run(leading);
      },
      onLost: () => {
        leader.state = 'lost';
      },
    },
    signal,
  );
  return end === 'lost' ? 1 : 0;
}

/** Works without the Lease: what it does is safe to do beside a leader. */
async function runOnce(
  { configuration, clock, print }: ProcessOptions,
  operator: Operator,
  stopping: AbortController,
): Promise<number> {
  const { signal } = stopping;
  const timeoutMs = configuration.onceTimeoutSeconds * 1000;
  const work = operator.run(signal);
  const synced = await Promise.race([
    operator.informers.synced().then(() => true),
    clock.sleep(timeoutMs, signal).then(
      () => false,
      () => false,
    ),
  ]);
  if (!synced) {
    stopping.abort();
    await work;
    print('The API server did not answer in time; see the log.\n');
    return 1;
  }
  const { settled, unsettled } = await untilSettled({
    progress: operator.progress,
    isAtRest: operator.isAtRest,
    clock,
    timeoutMs,
    signal,
  });
  stopping.abort();
  await work;
  for (const { controller, key, why } of unsettled) print(`${controller} ${key}: ${why}\n`);
  if (!settled) print('It was ended before everything had settled; run it again.\n');
  return settled && unsettled.length === 0 ? 0 : 1;
}

function initialState({ once, leaderElect }: OperatorConfiguration): LeaderState {
  return leaderElect && !once ? 'standing by' : 'not needed';
}

function rateLimit(ratePerSecond: number | undefined) {
  return ratePerSecond === undefined ? {} : { rateLimit: { ratePerSecond, burst: 2 * ratePerSecond } };
}

function operatorNamespace({ configuration, contextNamespace }: ProcessOptions): string {
  return configuration.operatorNamespace ?? contextNamespace;
}

function settingsOf(configuration: OperatorConfiguration, contextNamespace: string): OperatorSettings {
  const namespace = configuration.operatorNamespace ?? contextNamespace;
  return {
    gatewayBaseURL: configuration.gatewayBaseUrl,
    operatorNamespace: namespace,
    watchNamespace: configuration.namespace,
    gatewayPeer: {
      namespace: configuration.gatewayNamespace ?? namespace,
      podLabels: configuration.gatewayLabels,
    },
    operatorPeer: { namespace, podLabels: configuration.operatorLabels },
    prometheusPeer:
      configuration.prometheusNamespace === undefined
        ? undefined
        : { namespace: configuration.prometheusNamespace, podLabels: configuration.prometheusLabels },
    rolloutIdleMs: configuration.rolloutIdleSeconds * 1000,
  };
}

function serveHealth(
  { configuration, clock }: ProcessOptions,
  operator: Operator,
  leader: { state: LeaderState },
  metrics: ReturnType<typeof createMetrics>,
): Promise<HealthServer> {
  return startHealthServer({
    address: configuration.healthAddress,
    ...operatorChecks({ clock, oldestSyncAgeMs: operator.informers.oldestSyncAgeMs, leader }),
    metrics: configuration.metrics ? metrics : undefined,
  });
}
