import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { ENGINE_PATHS } from '../../../src/gateway/request/endpoints.ts';
import { eventually } from '../../support/eventually.ts';
import { ALICE_KEY, aClassroom } from './builders.ts';
import {
  type AskOptions,
  ask,
  askJson,
  CHAT,
  startWorld,
  type World,
  type WorldOptions,
} from './gateway-world.ts';
import { answerWell, type ScriptedEngine, startScriptedEngine } from './scripted-engine.ts';

let world: World;
let engine: ScriptedEngine;

async function start(options: WorldOptions = {}): Promise<void> {
  engine = await startScriptedEngine(answerWell);
  world = await startWorld({ ...options, engines: [engine.url] });
}

afterEach(async () => {
  await world.stop();
  await engine.close();
});

/** What comes back for these bytes; resolves when the gateway closes the connection or is silent after an answer. */
async function raw(bytes: string, { half = false } = {}): Promise<string> {
  const { hostname, port } = new URL(world.url);
  const socket: Socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  let text = '';
  let closed = false;
  socket.on('data', (chunk) => {
    text += chunk.toString();
  });
  socket.on('error', () => {});
  socket.on('end', () => {
    closed = true;
  });
  socket.on('close', () => {
    closed = true;
  });
  if (half) socket.end(bytes);
  else socket.write(bytes);
  await eventually('the gateway closes', () => closed);
  socket.destroy();
  return text;
}

const AUTHORIZATION = `Authorization: Bearer ${ALICE_KEY}`;
const head = (line: string, ...headers: string[]): string =>
  `${[line, 'Host: gateway', AUTHORIZATION, 'Connection: close', ...headers].join('\r\n')}\r\n\r\n`;

describe('every path of the list', () => {
  test.each(ENGINE_PATHS)('%s reaches the engine under exactly this path', async (path) => {
    await start();
    const { status } = await askJson(
      world,
      { ...CHAT, prompt: 'a', input: 'a' },
      { path: `${path}?x=/metrics` },
    );
    expect([status, engine.calls[0]?.path, engine.calls[0]?.method]).toEqual([200, path, 'POST']);
  });
});

describe('bytes that try to reach something else', () => {
  const body = JSON.stringify(CHAT);
  const length = `Content-Length: ${Buffer.byteLength(body)}`;

  test.each<[string, string, number]>([
    ['an absolute URL', head('GET http://127.0.0.1/metrics HTTP/1.1'), 404],
    ['an absolute URL of a good path', head('POST http://x/v1/completions HTTP/1.1', length) + body, 404],
    ['a path of dots', head('POST /v1/chat/../../metrics HTTP/1.1', length) + body, 404],
    ['a path of encoded dots', head('POST /v1/%2e%2e/metrics HTTP/1.1', length) + body, 404],
    ['two slashes', head('POST //v1/chat/completions HTTP/1.1', length) + body, 404],
    ['a space in the path', head('POST /v1/chat completions HTTP/1.1', length) + body, 400],
    ['a tunnel', head('CONNECT 127.0.0.1:8000 HTTP/1.1'), 0],
    [
      'length and chunks together',
      head('POST /v1/completions HTTP/1.1', length, 'Transfer-Encoding: chunked') + body,
      400,
    ],
    ['two lengths', head('POST /v1/completions HTTP/1.1', length, 'Content-Length: 3') + body, 400],
    [
      'a transfer coding nobody knows',
      head('POST /v1/completions HTTP/1.1', 'Transfer-Encoding: xchunked') + body,
      400,
    ],
    ['a header with a line break in its name', head('GET /v1/models HTTP/1.1', 'A\nB: c'), 400],
    ['no HTTP', 'SSH-2.0-OpenSSH\r\n\r\n', 400],
  ])('%s', async (_, bytes, wantStatus) => {
    await start();
    const answer = await raw(bytes);
    expect(answer).toMatch(wantStatus === 0 ? /^$/ : new RegExp(`^HTTP/1.1 ${wantStatus} `));
    if (wantStatus > 0) {
      expect(JSON.parse(answer.slice(answer.indexOf('{'))).error.message).toMatch(/./);
    }
    expect(engine.calls).toEqual([]);
  });

  test('a second request hidden in the body of the first is only a body', async () => {
    await start();
    const hidden = head('GET /v1/models HTTP/1.1');
    const answer = await raw(
      head('POST /v1/completions HTTP/1.1', `Content-Length: ${hidden.length}`) + hidden,
    );
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(answer).toContain('invalid_json');
    expect(engine.calls).toEqual([]);
  });

  test('headers without end are refused', async () => {
    await start();
    const answer = await raw(head('GET /v1/models HTTP/1.1', `X-Long: ${'x'.repeat(100_000)}`));
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
    expect(answer).toContain('headers_too_large');
  });

  test('a client that only closes its sending side counts as gone', async () => {
    await start();
    const bytes = head('POST /v1/completions HTTP/1.1', 'Content-Length: 1000');
    await raw(`${bytes}{"half`, { half: true });
    await eventually('the request is over', () => world.log.some(({ message }) => message === 'request'));
    expect(engine.calls).toEqual([]);
  });
});

describe('bodies', () => {
  test.each<[string, string | Buffer, AskOptions, number, string]>([
    ['empty', '', {}, 400, 'invalid_json'],
    ['no JSON', '{"a":', {}, 400, 'invalid_json'],
    ['an array', '[]', {}, 400, 'invalid_json'],
    ['null', 'null', {}, 400, 'invalid_json'],
    ['a text', '"x"', {}, 400, 'invalid_json'],
    ['no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), {}, 400, 'invalid_json'],
    ['compressed', 'x', { headers: { 'content-encoding': 'gzip' } }, 415, 'unsupported_encoding'],
  ])('%s', async (_, body, options, status, code) => {
    await start();
    const answer = await askJson(world, body, options);
    expect([answer.status, answer.body.error.code]).toEqual([status, code]);
  });

  test('one that is too large is refused, and the client hears why although it writes on', async () => {
    await start({ maxBodyBytes: 64 * 1024 });
    const { status, body } = await askJson(world, Buffer.alloc(200 * 1024, 'x'));
    expect([status, body.error.code]).toEqual([413, 'request_too_large']);
    expect(body.error.message).toContain('65536 bytes');
  });

  test('one without end is not read without end', async () => {
    await start({ maxBodyBytes: 1024 });
    const { hostname, port } = new URL(world.url);
    const socket = connect(Number(port), hostname);
    let closed = false;
    socket.on('error', () => {});
    socket.on('close', () => {
      closed = true;
    });
    socket.resume();
    socket.write(head('POST /v1/completions HTTP/1.1', 'Transfer-Encoding: chunked'));
    await eventually('the gateway ends it', () => {
      if (!closed) socket.write(`1000\r\n${'x'.repeat(0x1000)}\r\n`);
      return closed;
    });
    expect(engine.calls).toEqual([]);
  });

  test('no body is read for a key of nobody', async () => {
    await start();
    const bytes =
      'POST /v1/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1000000\r\n\r\n';
    expect(await raw(bytes)).toContain('missing_api_key');
  });
});

describe('models', () => {
  test('are those of the class, without asking an engine', async () => {
    await start();
    const { status, body } = await askJson(world, '', { method: 'GET', path: '/v1/models' });
    expect(status).toBe(200);
    expect(body.data.map(({ id }: { id: string }) => id)).toEqual(['qwen', 'gpt-4o']);
    expect(body.data[0]).toMatchObject({ object: 'model', created: 1_700_000_000, max_model_len: 4096 });
    expect(engine.calls).toEqual([]);
  });

  test('one by name, also with a slash in it', async () => {
    const classroom = aClassroom({ servedName: 'org/model', modelNames: ['org/model'] });
    await start({ classroom });
    for (const path of ['/v1/models/org%2Fmodel', '/v1/models/org/model']) {
      expect((await askJson(world, '', { method: 'GET', path })).body.id).toBe('org/model');
    }
    const other = await askJson(world, '', { method: 'GET', path: '/v1/models/gpt-5' });
    expect([other.status, other.body.error.code]).toEqual([404, 'model_not_found']);
  });

  test('need a key', async () => {
    await start();
    const answer = await askJson(world, '', { method: 'GET', path: '/v1/models', key: undefined });
    expect([answer.status, answer.body.error.code]).toEqual([401, 'missing_api_key']);
  });
});

describe('a gateway that has just started', () => {
  test('does not call a key wrong that it may not have read yet', async () => {
    await start({ seats: [], isSynced: () => false });
    const { status, headers, body } = await askJson(world, CHAT);
    expect([status, headers['retry-after'], body.error.code]).toEqual([503, '3', 'gateway_starting']);
  });

  test('serves the students it knows', async () => {
    await start({ isSynced: () => false });
    expect((await askJson(world, CHAT)).status).toBe(200);
  });
});

test('a fault of the gateway is a 500 that names the request, and the next one is served', async () => {
  await start();
  const { find } = world.gateway.directory;
  world.gateway.directory.find = () => {
    throw new Error('a bug');
  };
  const { status, headers, body } = await askJson(world, CHAT);
  expect([status, body.error.code]).toEqual([500, 'internal_error']);
  expect(body.error.message).toContain(headers['x-request-id']);
  expect(JSON.stringify(body)).not.toContain('a bug');
  expect(world.log.find(({ level }) => level === 'error')?.fields).toMatchObject({ error: 'Error: a bug' });
  world.gateway.directory.find = find;
  expect((await ask(world, CHAT)).status).toBe(200);
});
