import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { connectEngine, type EngineConnections } from '../../../../src/gateway/engines/connection.ts';
import { eventually } from '../../../support/eventually.ts';
import { settle } from '../../../support/fake-clock.ts';

const ANSWER = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

/** What an engine does with the n-th request on a connection, counted from 1. */
type Manner = (socket: Socket, requestOnConnection: number, connection: number) => void;

const answer: Manner = (socket) => void socket.write(ANSWER);

interface Engine {
  readonly origin: string;
  /** Requests that were read, by the body's text. */
  readonly read: readonly string[];
  readonly connections: number;
  close(): void;
}

/** An engine that reads what comes as one request for each piece, so that a test decides when it closes. */
async function startEngine(manner: Manner): Promise<Engine> {
  const sockets = new Set<Socket>();
  const read: string[] = [];
  let connections = 0;
  const server: Server = createServer((socket) => {
    const connection = ++connections;
    let requests = 0;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      const text = bytes.toString('utf8');
      read.push(text.slice(text.indexOf('\r\n\r\n') + 4));
      manner(socket, ++requests, connection);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return {
    origin: `http://127.0.0.1:${port}`,
    read,
    get connections() {
      return connections;
    },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

interface Result {
  readonly status: number | undefined;
  readonly text: string;
  readonly error: Error | undefined;
}

/** Resolves when the connection is idle again. */
async function send(connections: EngineConnections, body: string): Promise<Result> {
  const result = await exchange(connections, body);
  await settle();
  return result;
}

function exchange(connections: EngineConnections, body: string): Promise<Result> {
  return new Promise((resolve) => {
    let status: number | undefined;
    let text = '';
    connections.dispatch(
      { method: 'POST', path: '/v1/chat/completions', body },
      {
        onRequestStart() {},
        onResponseStart: (_, code) => {
          status = code;
        },
        onResponseData: (_, chunk) => {
          text += chunk.toString('utf8');
        },
        onResponseEnd: () => resolve({ status, text, error: undefined }),
        onResponseError: (_, error) => resolve({ status, text, error }),
      },
    );
  });
}

let engine: Engine;
let connections: EngineConnections;

async function connected(manner: Manner): Promise<void> {
  engine = await startEngine(manner);
  connections = connectEngine(engine.origin, 3_000);
}

afterEach(async () => {
  await connections.destroy();
  engine.close();
});

describe('a connection that the engine closes while it is idle', () => {
  test.each<[string, Manner]>([
    ['closes', (socket) => void socket.end()],
    ['resets', (socket) => void socket.resetAndDestroy()],
    ['closes without reading on', (socket) => void socket.destroy()],
  ])('and just then a request comes: the engine %s it, and the request is answered', async (_, close) => {
    await connected((socket, request, connection) => {
      if (request === 1) answer(socket, request, connection);
      else close(socket, request, connection);
    });
    const rounds = 200;
    for (let round = 0; round < rounds; round++) {
      const first = await send(connections, 'first');
      const second = await send(connections, 'second');
      expect([first.error, first.text, second.error, second.text]).toEqual([
        undefined,
        'ok',
        undefined,
        'ok',
      ]);
    }
    // Without this many broken ones, nothing would have been tried.
    expect(engine.read.length).toBeGreaterThan(2 * rounds + rounds / 2);
  });

  test('with many requests at the same time', async () => {
    await connected((socket, request, connection) => {
      if (request <= 2) answer(socket, request, connection);
      else socket.resetAndDestroy();
    });
    for (let round = 0; round < 20; round++) {
      const results = await Promise.all(
        Array.from({ length: 16 }, (_, i) => send(connections, `${round}.${i}`)),
      );
      expect(results.map(({ status }) => status)).toEqual(Array.from({ length: 16 }, () => 200));
    }
    expect(engine.read.length).toBeGreaterThan(20 * 16 + 50);
  });

  test('between two requests: a new connection is made', async () => {
    await connected((socket) => {
      answer(socket, 1, 1);
      setImmediate(() => socket.end());
    });
    for (let round = 0; round < 50; round++) expect((await send(connections, 'x')).status).toBe(200);
  });
});

describe('what must be heard of', () => {
  test('a new connection that breaks before an answer: the engine may have begun', async () => {
    await connected((socket) => socket.resetAndDestroy());
    expect((await send(connections, 'x')).error).toBeDefined();
    expect(engine.read).toEqual(['x']);
  });

  test('an answer that breaks off, and it is not asked for again', async () => {
    await connected((socket, request) => {
      if (request === 1) socket.write(ANSWER);
      else socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf');
    });
    await send(connections, 'whole');
    const result = await send(connections, 'broken');
    expect([result.status, result.text, result.error !== undefined]).toEqual([200, 'half', true]);
    expect(engine.read).toEqual(['whole', 'broken']);
  });

  test('the second connection in a row that breaks: it is sent twice, never three times', async () => {
    await connected((socket, request, connection) => {
      if (connection === 1 && request === 1) answer(socket, 1, 1);
      else socket.resetAndDestroy();
    });
    await send(connections, 'first');
    expect((await send(connections, 'second')).error).toBeDefined();
    expect(engine.read).toEqual(['first', 'second', 'second']);
  });

  test('a request that was ended by us is not sent again', async () => {
    await connected((socket, request) => {
      if (request === 1) answer(socket, 1, 1);
    });
    await send(connections, 'first');
    const ended = Promise.withResolvers<Error>();
    connections.dispatch(
      { method: 'POST', path: '/', body: 'second' },
      {
        onRequestStart: (controller) =>
          void eventually('it was read', () => engine.read.length === 2).then(() =>
            controller.abort(new Error('the client left')),
          ),
        onResponseError: (_, error) => ended.resolve(error),
      },
    );
    expect((await ended.promise).message).toBe('the client left');
    expect(engine.read).toEqual(['first', 'second']);
  });
});
