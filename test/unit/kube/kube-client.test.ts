import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { KubeClient } from '../../../src/kube/client.ts';
import type { CredentialMaterial, Credentials } from '../../../src/kube/credentials.ts';
import { KubeApiError } from '../../../src/kube/errors.ts';
import { createKubeClient, type KubeClientOptions } from '../../../src/kube/kube-client.ts';
import { noMetrics } from '../../../src/kube/metrics.ts';
import { type ConfigMap, configMaps, namespaces, secrets } from '../../../src/kube/resources.ts';
import { eventually } from '../../support/eventually.ts';
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts';
import {
  type FaultServer,
  json,
  page,
  refuse,
  reset,
  silence,
  startFaultServer,
} from '../../support/fault-server.ts';
import { noCredentials } from '../../support/kube-client.ts';

// Waits for conditions are bounded; this bounds a machine under load.
jest.setTimeout(120_000);

const ref = { namespace: 'ns', name: 'a' };
const configMap: ConfigMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: ref };

let server: FaultServer;
let clock: FakeClock;
let clients: KubeClient[];

beforeEach(async () => {
  server = await startFaultServer();
  server.onCall(json(configMap));
  clock = createFakeClock();
  clients = [];
});

afterEach(async () => {
  for (const client of clients) await client.close();
  await server.close();
});

function clientWith(options: Partial<KubeClientOptions> = {}): KubeClient {
  const client = createKubeClient({ credentials: noCredentials(server.url), clock, ...options });
  clients.push(client);
  return client;
}

async function failureOf(call: Promise<unknown>): Promise<KubeApiError> {
  const error = await call.then(
    () => new Error('the call succeeded'),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof KubeApiError)) throw error;
  return error;
}

describe('connections', () => {
  test('600 requests one after another use at most two', async () => {
    const client = clientWith();
    for (let request = 0; request < 600; request++) await client.get(configMaps, ref);

    expect(server.seen).toHaveLength(600);
    expect(server.connections).toBeLessThanOrEqual(2);
  });

  test.each([
    ['the CA', { ca: 'new' }],
    ['the client certificate', { cert: 'new' }],
    ['the client key', { key: 'new' }],
  ])('are made anew when %s changes, and only then', async (_what, change) => {
    let material: CredentialMaterial = {
      ca: 'a',
      cert: 'b',
      key: 'c',
      headers: { authorization: 'Bearer 1' },
    };
    const client = clientWith({ credentials: { server: server.url, current: async () => material } });
    const ask = async () => {
      for (let request = 0; request < 5; request++) await client.get(configMaps, ref);
      return server.connections;
    };
    const atFirst = await ask();
    material = { ...material, headers: { authorization: 'Bearer 2' } };
    expect(await ask()).toBe(atFirst);

    material = { ...material, ...change };
    expect(await ask()).toBeGreaterThan(atFirst);
    await eventually('the old ones are closed', () => server.open <= server.connections - atFirst);
  });

  test('are all closed by close, also with a request under way', async () => {
    server.onCall(silence);
    const client = clientWith();
    const pending = failureOf(client.get(configMaps, ref));
    await eventually('request', () => server.seen.length === 1);
    await client.close();

    expect((await pending).status).toBe(0);
    await eventually('closed', () => server.open === 0);
  });
});

describe('what is sent', () => {
  test.each<[string, (client: KubeClient) => Promise<unknown>, Record<string, unknown>]>([
    [
      'get',
      (client) => client.get(configMaps, ref),
      { method: 'GET', path: '/api/v1/namespaces/ns/configmaps/a' },
    ],
    [
      'get of a cluster-scoped object',
      (client) => client.get(namespaces, { name: 'ns' }),
      { method: 'GET', path: '/api/v1/namespaces/ns' },
    ],
    [
      'apply to a status',
      (client) => client.apply(configMaps, configMap, { fieldManager: 'me', subresource: 'status' }),
      {
        method: 'PATCH',
        path: '/api/v1/namespaces/ns/configmaps/a/status',
        contentType: 'application/apply-patch+yaml',
        query: { fieldManager: 'me', force: 'true' },
        body: configMap,
      },
    ],
    [
      'create',
      (client) => client.create(configMaps, configMap, { fieldManager: 'me' }),
      {
        method: 'POST',
        path: '/api/v1/namespaces/ns/configmaps',
        query: { fieldManager: 'me' },
        body: configMap,
      },
    ],
    [
      'replace',
      (client) => client.replace(configMaps, configMap),
      { method: 'PUT', path: '/api/v1/namespaces/ns/configmaps/a', body: configMap },
    ],
    [
      'merge patch',
      (client) => client.mergePatch(configMaps, ref, { data: { a: null } }),
      { method: 'PATCH', contentType: 'application/merge-patch+json', body: { data: { a: null } } },
    ],
    [
      'delete with preconditions: the body has a length, or the API server ignores it',
      (client) => client.delete(configMaps, ref, { uid: 'u', propagationPolicy: 'Background' }),
      {
        method: 'DELETE',
        hasLength: true,
        body: {
          kind: 'DeleteOptions',
          apiVersion: 'v1',
          propagationPolicy: 'Background',
          preconditions: { uid: 'u' },
        },
      },
    ],
  ])('%s', async (_verb, call, want) => {
    await call(clientWith({ userAgent: 'test/1' }));
    const [seen] = server.seen;
    const sent = {
      method: seen?.method,
      path: seen?.path,
      query: Object.fromEntries(seen?.query ?? []),
      contentType: seen?.headers['content-type'],
      hasLength: seen?.headers['content-length'] === String(Buffer.byteLength(seen?.body ?? '')),
      body: seen?.body === '' ? undefined : JSON.parse(seen?.body ?? ''),
    };

    expect(sent).toMatchObject(want);
    expect(seen?.headers['user-agent']).toBe('test/1');
  });

  test('goes below the path of a server that has one', async () => {
    await clientWith({ credentials: noCredentials(`${server.url}/k8s/clusters/c-1/`) }).get(configMaps, ref);

    expect(server.seen[0]?.path).toBe('/k8s/clusters/c-1/api/v1/namespaces/ns/configmaps/a');
  });

  test('raw text and JSON come back as they are', async () => {
    server.onCall((response) => response.end('ok'), json({ major: '1' }));
    const client = clientWith();

    expect(await client.raw('GET', '/readyz')).toBe('ok');
    expect(await client.raw('GET', '/version')).toEqual({ major: '1' });
  });

  test('items of a list get the kind that the API server leaves out', async () => {
    server.onList(page([JSON.parse('{"metadata":{"name":"a"}}')], '1'));

    expect((await clientWith().list(configMaps)).items).toEqual([
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } },
    ]);
  });
});

describe('absence', () => {
  test('an object that is not there is undefined, and was not deleted', async () => {
    server.onCall(refuse(404, 'NotFound'));

    expect(await clientWith().get(configMaps, ref)).toBeUndefined();
    expect(await clientWith().delete(configMaps, ref)).toBe(false);
  });

  test('a kind that is not served is an error, not an absent object', async () => {
    server.onCall((response) => response.writeHead(404).end('404 page not found'));

    expect(await failureOf(clientWith().get(configMaps, ref))).toMatchObject({
      status: 404,
      reason: 'Unknown',
    });
  });
});

describe('refusals', () => {
  test('say what the API server said', async () => {
    server.onCall(refuse(409, 'Conflict', { message: 'the object has been modified' }));
    const error = await failureOf(clientWith().replace(configMaps, configMap));

    expect(error).toMatchObject({ status: 409, reason: 'Conflict', message: 'the object has been modified' });
    expect(error.isConflict).toBe(true);
  });

  test('of something that is no API server say the status and the path, and quote nothing', async () => {
    server.onCall((response) => response.writeHead(502).end('<html>secret</html>'));
    const error = await failureOf(clientWith().get(configMaps, ref));

    expect(error.message).toBe('GET /api/v1/namespaces/ns/configmaps/a: HTTP 502');
  });

  test('an answer that is not JSON, or broken, is an error that quotes nothing', async () => {
    server.onCall(
      (response) => response.end('secret'),
      (response) => {
        response.setHeader('content-type', 'application/json');
        response.end('{"data": secret');
      },
    );
    const client = clientWith();

    for (let call = 0; call < 2; call++) {
      const error = await failureOf(client.get(configMaps, ref));
      expect(error.reason).toBe('InvalidBody');
      expect(inspect(error, { depth: 10 })).not.toContain('secret');
    }
  });

  test('no error holds the token, or the data of a Secret', async () => {
    const credentials: Credentials = {
      server: server.url,
      current: async () => ({ headers: { authorization: 'Bearer hidden-token' } }),
    };
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: ref, data: { KEY: 'hidden-data' } };
    const quoted = { message: 'error found near |hidden-data|' };
    server.onCall(refuse(400, 'BadRequest', quoted), reset, (response) => response.end('hidden-data'));
    const client = clientWith({ credentials });

    for (let call = 0; call < 3; call++) {
      const error = await failureOf(client.create(secrets, secret));
      expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('hidden');
    }
  });
});

describe('time', () => {
  test('no answer before the deadline: DeadlineExceeded, and the connection is not used again', async () => {
    server.onCall(silence);
    const call = failureOf(clientWith().get(configMaps, ref, { deadlineMs: 5_000 }));
    await eventually('request', () => server.seen.length === 1);
    await clock.advance(5_000);

    expect(await call).toMatchObject({ status: 0, reason: 'DeadlineExceeded' });
    await eventually('connection closed', () => server.open === 0);
    expect(clock.pending).toBe(0);
  });

  test('a body that stops half-way is bounded too', async () => {
    server.onCall((response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('{"apiVersion":');
    });
    const call = failureOf(clientWith().get(configMaps, ref, { deadlineMs: 5_000 }));
    await eventually('request', () => server.seen.length === 1);
    await clock.advance(5_000);

    expect(await call).toMatchObject({ reason: 'DeadlineExceeded' });
  });

  test('the caller gives up: Aborted, whether before the call or during it', async () => {
    server.onCall(silence);
    const client = clientWith();
    const abort = new AbortController();
    const call = failureOf(client.get(configMaps, ref, { signal: abort.signal }));
    await eventually('request', () => server.seen.length === 1);
    abort.abort();

    expect(await call).toMatchObject({ status: 0, reason: 'Aborted' });
    expect(await failureOf(client.get(configMaps, ref, { signal: abort.signal }))).toMatchObject({
      reason: 'Aborted',
    });
    expect(server.seen).toHaveLength(1);
  });

  test('a server that is not there is Unreachable', async () => {
    await server.goAway();

    expect(await failureOf(clientWith().get(configMaps, ref))).toMatchObject({
      status: 0,
      reason: 'Unreachable',
      message: expect.stringMatching(/ECONNREFUSED/),
    });
  });

  test('a watch that the server never opens ends at the deadline of the call', async () => {
    server.onWatch(silence);
    const events = clientWith().watch(configMaps, {
      resourceVersion: '1',
      timeoutSeconds: 300,
      deadlineMs: 9_000,
    });
    const next = failureOf(events[Symbol.asyncIterator]().next());
    await eventually('watch', () => server.watches.length === 1);
    await clock.advance(9_000);

    expect(await next).toMatchObject({ reason: 'DeadlineExceeded' });
  });
});

describe('an API server that asks to come back later', () => {
  const later = refuse(429, 'TooManyRequests', { headers: { 'retry-after': '7' } });

  test.each<[string, (client: KubeClient) => Promise<unknown>]>([
    ['get', (client) => client.get(configMaps, ref)],
    ['apply', (client) => client.apply(configMaps, configMap, { fieldManager: 'me' })],
    ['replace', (client) => client.replace(configMaps, configMap)],
    ['delete', (client) => client.delete(configMaps, ref)],
  ])('%s waits as long as it says, then succeeds', async (_verb, call) => {
    server.onCall(
      later,
      refuse(503, 'ServiceUnavailable', { headers: { 'retry-after': '1' } }),
      json(configMap),
    );
    const result = call(clientWith());
    await eventually('first wait', () => clock.nextInMs === 7_000);
    await clock.advance(7_000);
    await eventually('second wait', () => clock.nextInMs === 1_000);
    await clock.advance(1_000);

    await expect(result).resolves.toBeDefined();
    expect(server.seen).toHaveLength(3);
  });

  test.each<[string, (client: KubeClient) => Promise<unknown>]>([
    ['create', (client) => client.create(configMaps, configMap)],
    ['merge patch', (client) => client.mergePatch(configMaps, ref, {})],
    ['raw', (client) => client.raw('POST', '/x', { body: {} })],
  ])('%s is not sent twice: it might happen twice', async (_verb, call) => {
    server.onCall(later);
    const error = await failureOf(call(clientWith()));

    expect(error).toMatchObject({ status: 429, retryAfterMs: 7_000 });
    expect(server.seen).toHaveLength(1);
  });

  test.each([
    ['names no time', {}],
    ['names a date', { 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT' }],
    ['names more than a minute', { 'retry-after': '61' }],
  ])('a refusal that %s is for the caller to handle', async (_what, headers) => {
    server.onCall(refuse(429, 'TooManyRequests', { headers }));
    await failureOf(clientWith().get(configMaps, ref));

    expect(server.seen).toHaveLength(1);
  });

  test('five times: the call fails', async () => {
    server.onCall(refuse(429, 'TooManyRequests', { headers: { 'retry-after': '1' } }));
    const call = failureOf(clientWith().get(configMaps, ref));
    for (let wait = 1; wait < 5; wait++) {
      await eventually(`wait ${wait}`, () => server.seen.length === wait && clock.nextInMs === 1_000);
      await clock.advance(1_000);
    }

    expect((await call).status).toBe(429);
    expect(server.seen).toHaveLength(5);
  });

  test('waiting never outlasts the deadline', async () => {
    server.onCall(later);
    const call = failureOf(clientWith().get(configMaps, ref, { deadlineMs: 3_000 }));
    await eventually('wait', () => server.seen.length === 1 && clock.pending === 2);
    await clock.advance(3_000);

    expect(await call).toMatchObject({ reason: 'DeadlineExceeded' });
  });
});

describe('credentials', () => {
  function rotating(): Credentials & { asked: boolean[] } {
    const asked: boolean[] = [];
    return {
      server: server.url,
      asked,
      current: async ({ fresh = false } = {}) => {
        asked.push(fresh);
        return { headers: { authorization: fresh ? 'Bearer new' : 'Bearer old' } };
      },
    };
  }

  test('an expired token: they are read again and the call succeeds, a create too', async () => {
    const credentials = rotating();
    server.onCall(refuse(401, 'Unauthorized'), json(configMap));
    await clientWith({ credentials }).create(configMaps, configMap);

    expect(credentials.asked).toEqual([false, true]);
    expect(server.seen.map(({ headers }) => headers.authorization)).toEqual(['Bearer old', 'Bearer new']);
  });

  test('that stay wrong are tried once more, not for ever', async () => {
    server.onCall(refuse(401, 'Unauthorized'));
    const error = await failureOf(clientWith({ credentials: rotating() }).get(configMaps, ref));

    expect(error.status).toBe(401);
    expect(server.seen).toHaveLength(2);
  });

  test('that cannot be read are an error of their own', async () => {
    const current = () => Promise.reject(new Error('ENOENT: /token'));
    const error = await failureOf(
      clientWith({ credentials: { server: server.url, current } }).get(configMaps, ref),
    );

    expect(error).toMatchObject({ status: 0, reason: 'CredentialsUnavailable' });
  });
});

describe('the client-side limit', () => {
  test('lets a burst through and spreads the rest', async () => {
    const client = clientWith({ rateLimit: { ratePerSecond: 2, burst: 3 } });
    const calls = Promise.all(Array.from({ length: 5 }, () => client.get(configMaps, ref)));
    await eventually('burst', () => server.seen.length === 3);
    await clock.advance(500);
    await eventually('fourth', () => server.seen.length === 4);
    await clock.advance(500);

    await expect(calls).resolves.toHaveLength(5);
  });
});

describe('metrics', () => {
  test('count each exchange with verb, resource and status', async () => {
    const seen: unknown[] = [];
    server.onCall(refuse(404, 'NotFound'), reset);
    const client = clientWith({ metrics: { ...noMetrics, requestDone: (request) => seen.push(request) } });
    await client.get(configMaps, ref);
    await failureOf(client.get(configMaps, ref));

    expect(seen).toEqual([
      { verb: 'get', resource: 'configmaps', status: 404, seconds: 0 },
      { verb: 'get', resource: 'configmaps', status: 0, seconds: 0 },
    ]);
  });
});
