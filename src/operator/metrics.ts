import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { KubeMetrics, ReconcileOutcome } from '../kube/metrics.ts';
import type { OperatorMetrics } from '../reconcile/controller.ts';
import { type ClassesNow, reportClassConditions } from './class-conditions.ts';

/** Everything the operator reports of itself. */
export interface MetricsRegistry {
  kube: KubeMetrics;
  operator: OperatorMetrics;
  contentType: string;
  /** The text that Prometheus scrapes. */
  text(): Promise<string>;
}

const PREFIX = 'gpu_classroom_operator_';
const SECONDS = [0.005, 0.02, 0.1, 0.5, 2, 10, 60];
const OUTCOMES = [
  'success',
  'requeue_after',
  'error',
  'terminal_error',
] as const satisfies readonly ReconcileOutcome[];

/**
 * Metrics of one process. Labels are few and bounded: kinds, verbs, controllers; of objects, the names of classes alone.
 *
 * @param controllers names of the controllers, so that their series exist from the start with 0
 * @param classes asked whenever Prometheus asks
 */
export function createMetrics(
  controllers: readonly string[],
  classes: ClassesNow = () => [],
): MetricsRegistry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const kube = kubeMetrics(registry, controllers);
  const operator = operatorMetrics(registry);
  reportClassConditions(registry, `${PREFIX}class_condition`, classes);
  return { kube, operator, contentType: registry.contentType, text: () => registry.metrics() };
}

function kubeMetrics(registry: Registry, controllers: readonly string[]): KubeMetrics {
  const counter = counters(registry);
  const requests = counter('kube_requests_total', 'Requests to the API server.', [
    'verb',
    'resource',
    'status',
  ]);
  const requestSeconds = histogram(registry, 'kube_request_seconds', 'Duration of requests.', ['verb']);
  const lists = counter('lists_total', 'Full lists read.', ['resource']);
  const watchEnds = counter('watch_ends_total', 'Watches that ended, by how.', ['resource', 'end']);
  const corrections = counter('relist_corrections_total', 'Changes that only a relist showed.', ['resource']);
  const handlerFailures = counter('store_handler_failures_total', 'Subscribers of a store that threw.', [
    'resource',
  ]);
  const depth = new Gauge({
    name: `${PREFIX}queue_depth`,
    help: 'Keys ready to be worked on.',
    labelNames: ['queue'],
    registers: [registry],
  });
  const adds = counter('queue_adds_total', 'Keys added.', ['queue']);
  const retries = counter('queue_retries_total', 'Keys added again after a failure.', ['queue']);
  const waits = histogram(registry, 'queue_wait_seconds', 'Time from adding to taking a key.', ['queue']);
  const passes = counter('reconciles_total', 'Passes, by how they ended.', ['controller', 'outcome']);
  const passSeconds = histogram(registry, 'reconcile_seconds', 'Duration of passes.', ['controller']);
  const leading = new Gauge({
    name: `${PREFIX}leading`,
    help: '1 while this process leads.',
    labelNames: ['lease'],
    registers: [registry],
  });
  const eventFailures = counter('event_failures_total', 'Events that were not recorded.', ['cause']);

  for (const controller of controllers) {
    depth.set({ queue: controller }, 0);
    for (const outcome of OUTCOMES) passes.inc({ controller, outcome }, 0);
  }
  return {
    requestDone: ({ verb, resource, status, seconds }) => {
      requests.inc({ verb, resource, status: String(status) });
      if (verb !== 'watch') requestSeconds.observe({ verb }, seconds);
    },
    listDone: ({ resource }) => lists.inc({ resource }),
    watchEnded: ({ resource, end }) => watchEnds.inc({ resource, end }),
    relistCorrected: ({ resource, changes }) => corrections.inc({ resource }, changes),
    handlerFailed: ({ resource }) => handlerFailures.inc({ resource }),
    queueDepth: ({ name, depth: keys }) => depth.set({ queue: name }, keys),
    queueAdded: ({ name }) => adds.inc({ queue: name }),
    queueRetried: ({ name }) => retries.inc({ queue: name }),
    queueWaited: ({ name, seconds }) => waits.observe({ queue: name }, seconds),
    reconciled: ({ controller, outcome, seconds }) => {
      passes.inc({ controller, outcome });
      passSeconds.observe({ controller }, seconds);
    },
    leaderChanged: ({ name, leading: leads }) => leading.set({ lease: name }, leads ? 1 : 0),
    eventFailed: ({ cause }) => eventFailures.inc({ cause }),
  };
}

function operatorMetrics(registry: Registry): OperatorMetrics {
  const counter = counters(registry);
  const writes = counter('object_writes_total', 'Objects written or deleted.', ['kind', 'verb']);
  const conflicts = counter('name_conflicts_total', 'Foreign objects found under a name we need.', ['kind']);
  const keys = counter('keys_issued_total', 'Keys made for students.', ['cause']);
  return {
    objectWritten: ({ kind, verb }) => writes.inc({ kind, verb }),
    nameConflict: ({ kind }) => conflicts.inc({ kind }),
    keyIssued: ({ cause }) => keys.inc({ cause }),
  };
}

function counters(registry: Registry) {
  return <L extends string>(name: string, help: string, labelNames: L[]): Counter<L> =>
    new Counter({ name: `${PREFIX}${name}`, help, labelNames, registers: [registry] });
}

function histogram<L extends string>(
  registry: Registry,
  name: string,
  help: string,
  labelNames: L[],
): Histogram<L> {
  return new Histogram({
    name: `${PREFIX}${name}`,
    help,
    labelNames,
    buckets: SECONDS,
    registers: [registry],
  });
}
