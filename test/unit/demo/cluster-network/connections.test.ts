import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { LoadBalancer } from '../../../../src/demo/cluster-network/load-balancer.ts';
import { type ServiceProxy, startServiceProxy } from '../../../../src/demo/cluster-network/service-proxy.ts';
import { freePorts } from '../../../../src/demo/control-plane/ports.ts';
import { listenOn } from '../../../../src/http/listen.ts';
import { silentLogger } from '../../../../src/kube/log.ts';
import type { Service } from '../../../../src/kube/resources.ts';

/** A pod of the Service school/gateway, which says what it was asked. */
const pod = createServer(async (incoming, outgoing) => {
  outgoing.end(`${incoming.method} ${incoming.headers.host} ${incoming.url} ${await text(incoming)}`);
});
let backend: string;
const backendOf = (key: string, port: number) =>
  key === 'school/gateway' && port === 80 ? backend : undefined;

beforeAll(async () => {
  backend = (await listenOn(pod, { host: '127.0.0.1', port: 0 })).authority;
});
afterAll(() => void pod.close());

describe('the proxy for names of Services', () => {
  let proxy: ServiceProxy;
  beforeAll(async () => {
    proxy = await startServiceProxy(backendOf);
  });
  afterAll(() => proxy.close());

  /** As clients ask a proxy for plain HTTP. */
  async function ask(url: string, body = ''): Promise<{ status: number | undefined; body: string }> {
    const { hostname, port } = new URL(proxy.url);
    const { host } = new URL(url);
    const call = request({ hostname, port, path: url, method: 'POST', headers: { host }, agent: false });
    call.end(body);
    const [answer] = await once(call, 'response');
    return { status: answer.statusCode, body: await text(answer) };
  }

  test.each(['gateway.school.svc', 'gateway.school.svc.cluster.local'])('finds %s', async (name) => {
    expect(await ask(`http://${name}/v1/models?a=b`, 'question')).toEqual({
      status: 200,
      body: `POST ${name} /v1/models?a=b question`,
    });
  });

  test.each([
    ['a Service that there is not', 'http://operator.school.svc/'],
    ['a port that it does not have', 'http://gateway.school.svc:8080/'],
    ['a name outside of the cluster', 'http://llm.school.example/'],
  ])('says that it does not find %s', async (_what, url) => {
    expect(await ask(url)).toMatchObject({ status: 502, body: expect.stringContaining('no such Service') });
  });

  /** As clients ask that want to speak with the server themselves. */
  async function tunnelTo(authority: string): Promise<string> {
    const { hostname, port } = new URL(proxy.url);
    const socket = connect({ host: hostname, port: Number(port) });
    socket.write(`CONNECT ${authority} HTTP/1.1\r\nhost: ${authority}\r\n\r\n`);
    const [head] = await once(socket, 'data');
    if (!String(head).startsWith('HTTP/1.1 200')) return String(head);
    socket.end('GET /tunnelled HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n');
    return text(socket);
  }

  test('makes a tunnel for who asks for one', async () => {
    expect(await tunnelTo('gateway.school.svc:80')).toContain('GET h /tunnelled');
    expect(await tunnelTo('operator.school.svc:80')).toContain('502 No such Service');
  });
});

describe('the load balancer', () => {
  const service = (port: number, spec: Service['spec'] = {}): Service => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'gateway', namespace: 'school' },
    spec: { type: 'LoadBalancer', ports: [{ port }], ...spec },
  });

  function balancer() {
    const told: unknown[] = [];
    const notes: string[] = [];
    const loadBalancer = new LoadBalancer({
      client: {
        mergePatch: async (_resource, _ref, patch) => {
          told.push(patch);
          throw new Error('not used');
        },
      },
      log: silentLogger,
      events: { record: (_service, { note }) => void notes.push(note ?? '') },
      backendOf: (key) => backendOf(key, 80),
    });
    return { loadBalancer, told, notes };
  }

  const answerOf = (port: number) =>
    fetch(`http://127.0.0.1:${port}/x`).then(
      (answer) => answer.text(),
      () => 'refused',
    );

  test('opens the ports of a Service, says where, and closes them with it', async () => {
    const [port = 0] = await freePorts(1);
    const { loadBalancer, told } = balancer();
    const object = service(port);
    loadBalancer.update({ type: 'added', object });
    await loadBalancer.settled();
    expect(await answerOf(port)).toContain('/x');
    expect(told).toEqual([{ status: { loadBalancer: { ingress: [{ ip: '127.0.0.1' }] } } }]);
    loadBalancer.update({ type: 'deleted', object });
    await loadBalancer.settled();
    expect(await answerOf(port)).toBe('refused');
    await loadBalancer.close();
  });

  test('follows a Service to another port, and away from the type', async () => {
    const [first = 0, second = 0] = await freePorts(2);
    const { loadBalancer } = balancer();
    loadBalancer.update({ type: 'added', object: service(first) });
    loadBalancer.update({ type: 'updated', object: service(second), previous: service(first) });
    await loadBalancer.settled();
    expect([await answerOf(first), await answerOf(second)]).toEqual([
      'refused',
      expect.stringContaining('/x'),
    ]);
    const plain = service(second, { type: 'ClusterIP' });
    loadBalancer.update({ type: 'updated', object: plain, previous: service(second) });
    await loadBalancer.settled();
    expect(await answerOf(second)).toBe('refused');
    await loadBalancer.close();
  });

  test('says of a port that somebody else has that it has no address', async () => {
    const { loadBalancer, notes } = balancer();
    loadBalancer.update({ type: 'added', object: service(Number(backend.split(':')[1])) });
    await loadBalancer.settled();
    expect(notes).toEqual([expect.stringContaining('EADDRINUSE')]);
    await loadBalancer.close();
  });
});
