import { createGatewayMetrics } from './metrics.ts';

/** `docs/gateway-metrics.md`. */
export function metricsReference(): string {
  const metrics = createGatewayMetrics({
    requestsInFlight: () => 0,
    engines: () => ({ ready: 0, out: 0, inFlight: 0, capacity: 0 }),
    queues: () => new Map(),
    seats: () => 0,
    classrooms: () => 0,
    stateStore: () => ({ isUp: true, degradedRequests: 0, unbooked: 0, replicas: 1 }),
  });
  const rows = metrics.definitions.map(
    ({ name, type, labels, help }) =>
      `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`,
  );
  return `${[...HEAD, ...rows].join('\n')}\n`;
}

const HEAD = [
  '<!-- Generated from src/ by `npm run generate`: do not edit. -->',
  '',
  '# Metrics of the gateway',
  '',
  'At `/metrics` of `--health-address`, beside the usual ones of a Node process; `nodejs_eventloop_lag_p99_seconds` among',
  'those says how long a request waits before the gateway even sees it. No label has a student or a model, so the number',
  'of series does not grow with the students; `classroom` stands only on gauges. Who used how much is in the ledger.',
  '',
  '| metric | type | labels | meaning |',
  '|---|---|---|---|',
];
