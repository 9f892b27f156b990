import { describe, expect, test } from '@jest/globals';
import { readinessOf } from '../../../src/gateway/health.ts';
import { createGatewayMetrics } from '../../../src/gateway/metrics.ts';
import { type HealthCheck, startHealthServer } from '../../../src/observability/health.ts';

const well = { ok: true, trouble: undefined };
const fine = { hasSynced: true, ageMs: 1_000, maxAgeMs: 600_000, stopping: false, state: well };

describe('readiness', () => {
  test.each<[string, object, string | undefined]>([
    ['all is well', {}, undefined],
    ['exactly at the limit', { ageMs: 600_000 }, undefined],
    ['not read yet', { hasSynced: false, ageMs: Number.POSITIVE_INFINITY }, 'not read'],
    ['the API server is silent', { ageMs: 601_000 }, 'said nothing for 601 s, the limit is 600 s'],
    ['a full disk', { state: { ok: false, trouble: 'the disk is full' } }, 'the disk is full'],
    ['stopping', { stopping: true }, 'stopping'],
  ])('%s', (_, differs, why) => {
    const readiness = readinessOf({ ...fine, ...differs });
    expect(readiness.ok ? undefined : readiness.detail).toEqual(
      why === undefined ? undefined : expect.stringContaining(why),
    );
  });
});

test('readiness says how it goes without the state store, and takes requests', () => {
  const state = { ok: true, trouble: 'degraded: limits are counted without the state store' };
  expect(readinessOf({ ...fine, state })).toEqual({ ok: true, detail: state.trouble });
});

test('health, readiness and metrics are served', async () => {
  let readiness: ReturnType<HealthCheck['check']> = { ok: true, detail: 'well' };
  const metrics = createGatewayMetrics({
    requestsInFlight: () => 7,
    engines: () => ({ ready: 2, out: 1, inFlight: 3, capacity: 16 }),
    queues: () => new Map([['school/python-101', { waiting: 4, running: 3, capacity: 16, fairness: 0.98 }]]),
    seats: () => 30,
    classrooms: () => 1,
    stateStore: () => ({ isUp: false, degradedRequests: 5, unbooked: 2, replicas: 3 }),
  });
  metrics.answered('/v1/completions', undefined, 0.2);
  metrics.refused('class_closed');
  metrics.ended('completed', { promptTokens: 5, completionTokens: 6, cachedTokens: undefined }, 0.1);
  const server = await startHealthServer({
    address: { host: '127.0.0.1', port: 0 },
    live: [],
    ready: [{ name: 'gateway', check: () => readiness }],
    metrics,
  });
  const get = async (path: string) => {
    const answer = await fetch(`http://${server.address.authority}${path}`);
    return { status: answer.status, text: await answer.text() };
  };

  expect((await get('/healthz')).status).toBe(200);
  expect((await get('/readyz')).status).toBe(200);
  readiness = { ok: false, detail: 'because' };
  expect(await get('/readyz')).toEqual({ status: 503, text: '[-]gateway because\n' });
  expect((await get('/')).status).toBe(404);
  const { text } = await get('/metrics');
  for (const line of [
    'gpu_classroom_gateway_requests_in_flight 7',
    'gpu_classroom_gateway_engines_ready 2',
    'gpu_classroom_gateway_engines_out 1',
    'gpu_classroom_gateway_queue_waiting{classroom="school/python-101"} 4',
    'gpu_classroom_gateway_queue_fairness{classroom="school/python-101"} 0.98',
    'gpu_classroom_gateway_requests_total{endpoint="/v1/completions",status="499"} 1',
    'gpu_classroom_gateway_refusals_total{code="class_closed"} 1',
    'gpu_classroom_gateway_tokens_total{type="completion"} 6',
    'gpu_classroom_gateway_outcomes_total{kind="completed"} 1',
    'gpu_classroom_gateway_state_store_up 0',
    'gpu_classroom_gateway_degraded_requests_total 5',
    'gpu_classroom_gateway_unbooked_requests 2',
    'gpu_classroom_gateway_replicas 3',
  ]) {
    expect(text.split('\n')).toContain(line);
  }
  await server.close();
});
