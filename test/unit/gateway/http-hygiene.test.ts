import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { ENGINE_PATHS } from '../../../src/gateway/request/endpoints.ts';
import { eventually } from '../../support/eventually.ts';
import { ALICE_KEY, aClassroom, aClassroomLimiting, BOB_KEY } from './builders.ts';
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
      { ...CHAT, prompt: 'a', input: 'a', max_tokens: 5 },
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
    [
      'a header name with a space after it',
      head('POST /v1/completions HTTP/1.1', `Transfer-Encoding : chunked`) + body,
      400,
    ],
    [
      'chunks that are not the last coding',
      head('POST /v1/completions HTTP/1.1', 'Transfer-Encoding: chunked, identity') + body,
      400,
    ],
    [
      'two codings, one hidden behind a tab',
      head('POST /v1/completions HTTP/1.1', length, 'Transfer-Encoding:\tchunked') + body,
      400,
    ],
    ['a length with a sign', head('POST /v1/completions HTTP/1.1', 'Content-Length: +5') + body, 400],
    ['a length below nothing', head('POST /v1/completions HTTP/1.1', 'Content-Length: -1') + body, 400],
    [
      'a length that overflows',
      head('POST /v1/completions HTTP/1.1', `Content-Length: ${'9'.repeat(40)}`) + body,
      400,
    ],
    [
      'a chunk size that is none',
      `${head('POST /v1/completions HTTP/1.1', 'Transfer-Encoding: chunked')}0x5\r\nhello\r\n0\r\n\r\n`,
      400,
    ],
    [
      'lines that end without a carriage return',
      head('GET /v1/models HTTP/1.1').replaceAll('\r\n', '\n'),
      400,
    ],
    ['a lone carriage return in a value', head('GET /v1/models HTTP/1.1', 'X-Request-Id: a\rX-Evil: b'), 400],
    ['a null byte in a value', head('GET /v1/models HTTP/1.1', 'X-Request-Id: a\0b'), 400],
    ['a value that goes on in the next line', head('GET /v1/models HTTP/1.1', 'X-Request-Id: a\r\n b'), 400],
    ['the options of the whole server', head('OPTIONS * HTTP/1.1'), 404],
    ['a method of WebDAV', head('PROPFIND /v1/models HTTP/1.1'), 405],
    ['a method nobody knows', head('EVIL /v1/models HTTP/1.1'), 400],
    [
      'a websocket',
      head('GET /v1/chat/completions HTTP/1.1', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13').replace(
        'Connection: close',
        'Connection: Upgrade, close',
      ),
      405,
    ],
    [
      'an upgrade to HTTP/2',
      head('POST /metrics HTTP/1.1', 'Upgrade: h2c', length).replace(
        'Connection: close',
        'Connection: Upgrade, close',
      ) + body,
      404,
    ],
    ['HTTP/2 at once', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    ['HTTP/0.9, which has no headers and so no key', 'GET /v1/models\r\n\r\n', 401],
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

  test('a second request behind the first is one of its own, with a key of its own', async () => {
    await start();
    const first =
      head('POST /v1/chat/completions HTTP/1.1', length).replace('Connection: close\r\n', '') + body;
    const second = 'GET /v1/models HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n';
    const answer = await raw(first + second);
    expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 401']);
    expect(engine.calls).toHaveLength(1);
  });

  test('trailers after the body are read and forgotten', async () => {
    await start();
    const answer = await raw(
      `${head('POST /v1/chat/completions HTTP/1.1', 'Transfer-Encoding: chunked', 'Trailer: X-Vllm-Priority')}${body.length.toString(16)}\r\n${body}\r\n0\r\nX-Vllm-Priority: -9\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(JSON.stringify(engine.calls[0]?.headers)).not.toMatch(/priority/i);
  });

  test('a client that waits for permission to send its body gets it', async () => {
    await start();
    const answer = await raw(
      head('POST /v1/chat/completions HTTP/1.1', length, 'Expect: 100-continue') + body,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /);
  });

  test('a client that expects anything else is told that nobody knows it', async () => {
    await start();
    const answer = await raw(head('POST /v1/chat/completions HTTP/1.1', length, 'Expect: miracles') + body);
    expect(answer).toMatch(/^HTTP\/1\.1 417 /);
    expect(engine.calls).toEqual([]);
  });

  test('of two keys the first one counts, whatever the second one is', async () => {
    await start();
    const second = `Authorization: Bearer ${BOB_KEY}`;
    await raw(head('POST /v1/chat/completions HTTP/1.1', length, second, `X-Api-Key: ${BOB_KEY}`) + body);
    await eventually('the request is over', () => world.log.some(({ message }) => message === 'request'));
    expect(world.log.find(({ message }) => message === 'request')?.fields).toMatchObject({
      student: 'alice',
    });
  });

  test.each([
    `${ALICE_KEY}, ${BOB_KEY}`,
    `${ALICE_KEY} ${BOB_KEY}`,
    `${ALICE_KEY};student=bob`,
    `Bearer ${ALICE_KEY}`,
  ])('the key %j is none: a header has one key', async (key) => {
    await start();
    const answer = await askJson(world, CHAT, { key });
    expect([answer.status, answer.body.error.code]).toEqual([401, 'malformed_api_key']);
  });

  test('no header but that of the key says who asks', async () => {
    await start();
    const names = [
      'user',
      'x-user',
      'x-student',
      'x-forwarded-user',
      'x-remote-user',
      'openai-organization',
      'model',
    ];
    const headers = Object.fromEntries(names.map((name) => [name, 'bob']));
    expect(
      (await askJson(world, CHAT, { headers, path: '/v1/chat/completions?user=bob&key=x' })).status,
    ).toBe(200);
    await eventually('the request is over', () => world.log.some(({ message }) => message === 'request'));
    expect(world.log.find(({ message }) => message === 'request')?.fields).toMatchObject({
      student: 'alice',
    });
    expect((await askJson(world, CHAT, { headers, key: undefined })).status).toBe(401);
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

  test('one that comes slowly holds no place of its student', async () => {
    await start({ classroom: aClassroomLimiting({ concurrentRequests: 1 }) });
    const { hostname, port } = new URL(world.url);
    const slow = connect(Number(port), hostname);
    slow.on('error', () => {});
    slow.write(`${head('POST /v1/chat/completions HTTP/1.1', 'Content-Length: 1000')}{"model":`);
    for (let request = 0; request < 3; request++) expect((await askJson(world, CHAT)).status).toBe(200);
    slow.destroy();
  });

  test.each<[string, string]>([
    ['after a byte-order mark', `\ufeff${JSON.stringify(CHAT)}`],
    ['with NaN', JSON.stringify({ ...CHAT, temperature: 0 }).replace(':0', ':NaN')],
    ['with a comment', `${JSON.stringify(CHAT)}// please`],
    ['with two values', JSON.stringify(CHAT).repeat(2)],
  ])('%s: no JSON, for the gateway as for the engine', async (_, bytes) => {
    await start();
    const answer = await askJson(world, bytes);
    expect([answer.status, answer.body.error.code]).toEqual([400, 'invalid_json']);
    expect(engine.calls).toEqual([]);
  });

  test('the names of dropped fields come back in a header, however they are written', async () => {
    await start();
    const { status, headers } = await askJson(world, {
      ...CHAT,
      user: 'bob',
      'a\r\nset-cookie: b': 1,
      'größe ☃': 1,
      logit_bias: { 1: 100 },
    });
    expect(status).toBe(200);
    expect(headers['x-gateway-dropped-fields']).toBe('user, a??set-cookie??b, gr??e??, logit_bias');
    expect(headers['set-cookie']).toBeUndefined();
    expect(Object.keys(engine.calls[0]?.body ?? {}).sort()).toEqual([
      'cache_salt',
      'max_completion_tokens',
      'messages',
      'model',
    ]);
  });

  test('fewer answers than were asked for are announced', async () => {
    await start();
    const { headers } = await askJson(world, { ...CHAT, n: 100 });
    expect([headers['x-gateway-max-answers'], engine.calls[0]?.body.n]).toEqual(['4', 4]);
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

describe("Anthropic's endpoint", () => {
  const MESSAGES = { path: '/v1/messages' };
  const body = { ...CHAT, max_tokens: 5 };

  test('takes the key as their clients send it', async () => {
    await start();
    const headers = { 'x-api-key': ALICE_KEY, 'anthropic-version': '2023-06-01' };
    expect((await askJson(world, body, { ...MESSAGES, key: undefined, headers })).status).toBe(200);
    expect(engine.calls[0]?.headers).not.toHaveProperty('x-api-key');
  });

  test.each<[string, unknown, AskOptions, number, string]>([
    ['no key', body, { key: undefined }, 401, 'authentication_error'],
    [
      'a wrong key',
      body,
      { key: undefined, headers: { 'x-api-key': 'sk-ant-1' } },
      401,
      'authentication_error',
    ],
    ['no JSON', '{', {}, 400, 'invalid_request_error'],
    ['no max_tokens', CHAT, {}, 400, 'invalid_request_error'],
    ['no such model', { ...body, model: 'claude' }, {}, 404, 'not_found_error'],
    ['too large', 'x'.repeat(2_000_000), {}, 413, 'request_too_large'],
  ])('has errors of its own shape: %s', async (_, sent, options, status, type) => {
    await start();
    const answer = await askJson(world, sent, { ...MESSAGES, ...options });
    expect([answer.status, answer.body]).toEqual([
      status,
      { type: 'error', error: { type, message: expect.stringMatching(/./) } },
    ]);
    expect(engine.calls).toEqual([]);
  });

  test('an engine that is gone, too', async () => {
    await start();
    await engine.refuseConnections();
    const answer = await askJson(world, body, MESSAGES);
    expect(answer.body).toEqual({ type: 'error', error: { type: 'api_error', message: expect.any(String) } });
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
