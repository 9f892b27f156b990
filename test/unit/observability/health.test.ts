import { afterEach, describe, expect, test } from '@jest/globals';
import {
  type HealthServer,
  type HealthServerOptions,
  startHealthServer,
} from '../../../src/observability/health.ts';

const fine = { name: 'watches', check: () => ({ ok: true, detail: 'heard of 3 s ago' }) };
const broken = { name: 'leadership', check: () => ({ ok: false, detail: 'lost' }) };

let server: HealthServer;
afterEach(() => server.close());

async function ask(options: Partial<HealthServerOptions>, path: string, method = 'GET') {
  server = await startHealthServer({
    address: { host: '127.0.0.1', port: 0 },
    live: [],
    ready: [],
    metrics: undefined,
    ...options,
  });
  const answer = await fetch(`http://127.0.0.1:${server.address.port}${path}`, { method });
  return { status: answer.status, body: await answer.text() };
}

describe('probes', () => {
  test('say of every check how it stands', async () => {
    expect(await ask({ ready: [fine, fine] }, '/readyz')).toEqual({
      status: 200,
      body: '[+]watches heard of 3 s ago\n[+]watches heard of 3 s ago\n',
    });
  });

  test('say that all is well where there is nothing to check', async () => {
    expect(await ask({}, '/healthz')).toEqual({ status: 200, body: 'ok\n' });
  });

  test('fail when one check fails', async () => {
    expect(await ask({ live: [fine, broken] }, '/healthz')).toEqual({
      status: 503,
      body: '[+]watches heard of 3 s ago\n[-]leadership lost\n',
    });
  });
});

describe('metrics', () => {
  const text = { contentType: 'text/plain; version=0.0.4', text: async () => 'up 1\n' };

  test('are served', async () => {
    expect(await ask({ metrics: text }, '/metrics')).toEqual({ status: 200, body: 'up 1\n' });
  });

  test('are not, where they are switched off', async () => {
    expect((await ask({}, '/metrics')).status).toBe(404);
  });

  test('that cannot be collected are an error', async () => {
    const failing = { ...text, text: () => Promise.reject(new Error('no memory')) };
    expect((await ask({ metrics: failing }, '/metrics')).status).toBe(500);
  });
});

test.each([
  ['GET', '/debug', 404],
  ['POST', '/healthz', 405],
])('%s %s is answered with %d', async (method, path, status) => {
  expect((await ask({}, path, method)).status).toBe(status);
});
