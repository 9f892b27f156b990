import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { z } from 'zod';
import { VERSION } from '../observability/version.ts';
import type { EngineCount } from './engines/registry.ts';
import type { ErrorCode } from './errors.ts';
import { CHARGE_BASES, type ChargeBasis } from './limits/charge.ts';
import type { OutcomeKind } from './limits/settlement.ts';
import type { ClassFigures, WaitEnd } from './queue/class-queue.ts';
import type { StateStoreFigures } from './state.ts';
import type { TokenUsage } from './token-usage.ts';

/** What the gateway counts. Labels are bounded: endpoints of the list, statuses, codes; never students or models. */
export interface GatewayMetrics {
  /** @param endpoint a path of the list, or `other` */
  answered(endpoint: string, status: number | undefined, seconds: number): void;
  refused(code: ErrorCode): void;
  ended(kind: OutcomeKind, usage: TokenUsage | undefined, firstByteSeconds: number | undefined): void;
  /** Where the figures of a charge came from. */
  charged(basis: ChargeBasis): void;
  /** A request's wait for an engine is over. */
  waited(end: WaitEnd, seconds: number): void;
  /** A connection above the bound was closed unheard. */
  connectionDropped(): void;
  /** A demand Lease was written, or could not be. */
  demandWritten(isWritten: boolean): void;
  /** Prometheus text. Those who ask while it is being made get the same one. */
  text(): Promise<string>;
  readonly contentType: string;
  /** The gateway's own, in alphabetical order; for the documentation. */
  readonly definitions: readonly MetricDefinition[];
}

export interface MetricDefinition {
  readonly name: string;
  readonly type: string;
  readonly labels: readonly string[];
  readonly help: string;
}

/** Figures that are looked up when they are asked for. */
export interface GatewayGauges {
  requestsInFlight(): number;
  engines(): EngineCount;
  /** By the class's key. */
  queues(): ReadonlyMap<string, ClassFigures>;
  seats(): number;
  classrooms(): number;
  /** Absent: no store is shared. */
  stateStore?: (() => StateStoreFigures) | undefined;
}

const DURATION_BUCKETS_S = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];
const FIRST_BYTE_BUCKETS_S = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];
const WAIT_BUCKETS_S = [0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];
const PREFIX = 'gpu_classroom_gateway_';

/** Metrics in a registry of their own: two gateways in one process do not mix. */
export function createGatewayMetrics(gauges: GatewayGauges): GatewayMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  defineGauges(registry, gauges);
  if (gauges.stateStore !== undefined) defineStateStore(registry, gauges.stateStore);
  const registers = [registry];
  const requests = new Counter({
    name: `${PREFIX}requests_total`,
    help: 'Requests by endpoint and status; status 499 is a client that left.',
    labelNames: ['endpoint', 'status'],
    registers,
  });
  const duration = new Histogram({
    name: `${PREFIX}request_seconds`,
    help: 'Time from the request to the end of its answer.',
    labelNames: ['endpoint'],
    buckets: DURATION_BUCKETS_S,
    registers,
  });
  const firstByte = new Histogram({
    name: `${PREFIX}time_to_first_byte_seconds`,
    help: "Time from admission to the first byte of the engine's answer.",
    buckets: FIRST_BYTE_BUCKETS_S,
    registers,
  });
  const waits = new Histogram({
    name: `${PREFIX}queue_wait_seconds`,
    help: 'Time in the queue for an engine, by how it ended.',
    labelNames: ['end'],
    buckets: WAIT_BUCKETS_S,
    registers,
  });
  const refusals = new Counter({
    name: `${PREFIX}refusals_total`,
    help: 'Requests that were refused or broken off, by error code.',
    labelNames: ['code'],
    registers,
  });
  const outcomes = new Counter({
    name: `${PREFIX}outcomes_total`,
    help: 'Admitted requests by how they ended.',
    labelNames: ['kind'],
    registers,
  });
  const tokens = new Counter({
    name: `${PREFIX}tokens_total`,
    help: 'Tokens as the engines counted them.',
    labelNames: ['type'],
    registers,
  });
  const charges = new Counter({
    name: `${PREFIX}charges_total`,
    help: 'Charges by where their figures came from; "reserved" is a complete answer without any count.',
    labelNames: ['basis'],
    registers,
  });
  for (const basis of CHARGE_BASES) charges.inc({ basis }, 0);
  defineBuildInfo(registers);
  let rendering: Promise<string> | undefined;
  const dropped = new Counter({
    name: `${PREFIX}connections_dropped_total`,
    help: 'Connections of clients above --max-connections, closed unheard.',
    registers,
  });
  const demandWrites = new Counter({
    name: `${PREFIX}demand_writes_total`,
    help: 'Writes of the Leases by which engines are started and kept, by result: "written" or "failed".',
    labelNames: ['result'],
    registers,
  });
  return {
    answered(endpoint, status, seconds) {
      requests.inc({ endpoint, status: String(status ?? CLIENT_LEFT_STATUS) });
      duration.observe({ endpoint }, seconds);
    },
    refused: (code) => refusals.inc({ code }),
    connectionDropped: () => dropped.inc(),
    demandWritten: (isWritten) => demandWrites.inc({ result: isWritten ? 'written' : 'failed' }),
    ended(kind, usage, firstByteSeconds) {
      outcomes.inc({ kind });
      if (firstByteSeconds !== undefined) firstByte.observe(firstByteSeconds);
      if (usage === undefined) return;
      tokens.inc({ type: 'prompt' }, usage.promptTokens);
      tokens.inc({ type: 'completion' }, usage.completionTokens);
    },
    charged: (basis) => charges.inc({ basis }),
    waited: (end, seconds) => waits.observe({ end }, seconds),
    text: () => {
      rendering ??= registry.metrics().finally(() => {
        rendering = undefined;
      });
      return rendering;
    },
    contentType: registry.contentType,
    get definitions() {
      return definitionsOf(registry);
    },
  };
}

const definitionSchema = z.object({
  name: z.string().startsWith(PREFIX),
  type: z.string(),
  labelNames: z.array(z.string()).default([]),
  help: z.string(),
});

function definitionsOf(registry: Registry): MetricDefinition[] {
  return registry
    .getMetricsAsArray()
    .map((metric) => definitionSchema.safeParse(metric))
    .flatMap(({ data }) => data ?? [])
    .map(({ labelNames: labels, ...rest }) => ({ ...rest, labels }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** nginx's code for a client that closed the connection before it was answered; never sent. */
export const CLIENT_LEFT_STATUS = 499;

function defineBuildInfo(registers: Registry[]): void {
  new Gauge({
    name: `${PREFIX}build_info`,
    help: 'Always 1; says which version runs, and on which Node.',
    labelNames: ['version', 'node'],
    registers,
  }).set({ version: VERSION, node: process.version }, 1);
}

function defineStateStore(registry: Registry, figures: () => StateStoreFigures): void {
  const registers = [registry];
  const gauge = (name: string, help: string, value: () => number): void => {
    new Gauge({
      name: PREFIX + name,
      help,
      registers,
      collect() {
        this.set(value());
      },
    });
  };
  gauge('state_store_up', '1: the state store decides; 0: it is away.', () => Number(figures().isUp));
  gauge(
    'unbooked_requests',
    'Ended requests that wait to be booked in the state store.',
    () => figures().unbooked,
  );
  gauge('replicas', 'Gateways that share the state store, as far as is known.', () => figures().replicas);
  new Counter({
    name: `${PREFIX}degraded_requests_total`,
    help: "Requests admitted without the state store, by this replica's part of the limits.",
    registers,
    collect() {
      this.reset();
      this.inc(figures().degradedRequests);
    },
  });
}

function defineGauges(registry: Registry, gauges: GatewayGauges): void {
  const define = (name: string, help: string, value: () => number): void => {
    new Gauge({
      name: PREFIX + name,
      help,
      registers: [registry],
      collect() {
        this.set(value());
      },
    });
  };
  define(
    'requests_in_flight',
    'Requests between authentication and the end of their answer.',
    gauges.requestsInFlight,
  );
  define('engines_ready', 'Engines that can be asked.', () => gauges.engines().ready);
  define(
    'engines_out',
    'Engines taken out after failures, until they answer a probe.',
    () => gauges.engines().out,
  );
  define(
    'engines_capacity',
    'Requests that the engines are given at a time.',
    () => gauges.engines().capacity,
  );
  defineQueueGauges(registry, gauges);
  define('seats', 'StudentQuotas known.', gauges.seats);
  define('classrooms', 'Classrooms known.', gauges.classrooms);
}

/** By class: there are as many as a school has engines for. */
function defineQueueGauges(registry: Registry, gauges: GatewayGauges): void {
  const define = (name: string, help: string, value: (figures: ClassFigures) => number): void => {
    new Gauge({
      name: PREFIX + name,
      help,
      labelNames: ['classroom'],
      registers: [registry],
      collect() {
        this.reset();
        for (const [classroom, figures] of gauges.queues()) this.set({ classroom }, value(figures));
      },
    });
  };
  define('queue_waiting', 'Requests that wait for an engine.', ({ waiting }) => waiting);
  define('queue_running', 'Requests that engines have from here.', ({ running }) => running);
  define('queue_capacity', 'Requests that engines may have from here.', ({ capacity }) => capacity);
  define(
    'queue_fairness',
    "Jain's index of the service by weight of those who waited all through the last minute; 1 is fair.",
    ({ fairness }) => fairness,
  );
}
