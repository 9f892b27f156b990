import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createEngineCaller, type EngineCaller } from '../../../src/classroom/engine-calls.ts';
import { eventually } from '../../support/eventually.ts';
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts';

const never = new AbortController().signal;

let clock: FakeClock;
let caller: EngineCaller;
let server: Server;
let origin: string;
let answer: (request: IncomingMessage, response: ServerResponse) => void;

beforeEach(async () => {
  clock = createFakeClock();
  caller = createEngineCaller(clock);
  server = createServer((request, response) => answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  await caller.close();
  server.closeAllConnections();
  server.close();
});

const look = { method: 'GET', path: '/v1/models', timeoutMs: 5_000 } as const;

describe('an engine', () => {
  test('is told something as JSON, and its answer is read whatever its status', async () => {
    let got = '';
    answer = (request, response) => {
      request.on('data', (chunk) => {
        got += `${request.url} ${request.headers['content-type']} ${chunk}`;
      });
      request.on('end', () => response.writeHead(500).end('no'));
    };
    const call = { method: 'POST', path: '/v1/load_lora_adapter', body: { a: 1 }, timeoutMs: 5_000 } as const;
    expect(await caller.call(origin, call, never)).toEqual({ kind: 'answered', status: 500, text: 'no' });
    expect(got).toBe('/v1/load_lora_adapter application/json {"a":1}');
  });

  test('that nobody listens for is unreachable', async () => {
    server.close();
    expect(await caller.call('http://127.0.0.1:1', look, never)).toMatchObject({
      kind: 'unanswered',
      cause: 'unreachable',
    });
  });

  test('that ends the connection in the place of an answer, or within it, has cut it', async () => {
    answer = (request) => request.socket.destroy();
    expect(await caller.call(origin, look, never)).toMatchObject({ kind: 'unanswered', cause: 'cut' });
    answer = (_, response) => {
      response.writeHead(200, { 'content-length': '10' }).write('five.');
      response.socket?.end();
    };
    expect(await caller.call(origin, look, never)).toMatchObject({ kind: 'unanswered', cause: 'cut' });
  });

  test('that does not answer in time is late', async () => {
    let asked = false;
    answer = () => {
      asked = true;
    };
    const call = caller.call(origin, look, never);
    await eventually('it was asked', () => asked);
    await clock.advance(5_000);
    expect(await call).toEqual({ kind: 'unanswered', cause: 'late', why: 'no answer within 5 s' });
  });

  test('is not waited for any longer than its caller wants', async () => {
    let asked = false;
    answer = () => {
      asked = true;
    };
    const stop = new AbortController();
    const call = caller.call(origin, look, stop.signal);
    await eventually('it was asked', () => asked);
    stop.abort();
    expect((await call).kind).toBe('unanswered');
    expect(clock.pending).toBe(0);
  });
});
