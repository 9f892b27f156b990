import { monitorEventLoopDelay } from 'node:perf_hooks';
import { ERROR_CODES, type ErrorCode } from '../../src/gateway/errors.ts';
import { createGatewayMetrics } from '../../src/gateway/metrics.ts';
import { ENGINE_PATHS } from '../../src/gateway/request/endpoints.ts';
import { spreadOf } from '../report/statistics.ts';

/**
 * How long a scrape of `/metrics` holds the event loop of a gateway that has seen everything: every endpoint, status and
 * error code, 5,000 students in 200 classes.
 *
 *     node bench/gateway/scrape.ts
 */
const CLASSES = 200;
const STUDENTS = 5_000;
const REQUESTS = 50_000;
const ROUNDS = 50;

const queues = new Map(
  Array.from({ length: CLASSES }, (_, index) => [
    `school/class-${index}`,
    { waiting: index, running: 8, capacity: 16, fairness: 0.98 },
  ]),
);
const metrics = createGatewayMetrics({
  requestsInFlight: () => 30,
  engines: () => ({ ready: CLASSES, out: 0, inFlight: 1_600, capacity: 3_200 }),
  queues: () => queues,
  seats: () => STUDENTS,
  classrooms: () => CLASSES,
  stateStore: () => ({ isUp: true, degradedRequests: 0, unbooked: 0, replicas: 2 }),
});
for (let request = 0; request < REQUESTS; request++) {
  const error = ERROR_CODES[request % ERROR_CODES.length];
  metrics.answered(ENGINE_PATHS[request % ENGINE_PATHS.length] ?? 'other', error?.status, request / 1_000);
  // Object.entries, which the list is made with, forgets that they are codes.
  if (error !== undefined) metrics.refused(error.code as ErrorCode);
  metrics.waited('dispatched', request / 10_000);
  metrics.ended('completed', { promptTokens: 100, completionTokens: 50, cachedTokens: 0 }, 0.1);
}

const longestMs: number[] = [];
let text = '';
for (let round = 0; round < ROUNDS; round++) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await new Promise((resolve) => setTimeout(resolve, 20));
  delay.reset();
  text = await metrics.text();
  await new Promise((resolve) => setTimeout(resolve, 20));
  delay.disable();
  longestMs.push(delay.max / 1e6);
}
const { median, max } = spreadOf(longestMs);
const series = text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length;
console.log(`series ${series}, ${(text.length / 1024).toFixed(0)} KiB`);
console.log(
  `longest turn of the event loop in a scrape: median ${median.toFixed(1)} ms, most ${max.toFixed(1)} ms (${ROUNDS} rounds)`,
);
