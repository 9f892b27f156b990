import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { type Listening, listen, type ServerBounds } from '../../../../src/gateway/http/server.ts';
import { eventually } from '../../../support/eventually.ts';

let listening: Listening;
let dropped = 0;
const sockets: Socket[] = [];

async function start(bounds: Partial<ServerBounds> = {}): Promise<void> {
  dropped = 0;
  listening = await listen(
    { host: '127.0.0.1', port: 0 },
    {
      // The later a request came, the sooner its answer is ready.
      handler: (request, response) => {
        const body: Buffer[] = [];
        request.on('data', (chunk) => body.push(chunk));
        request.on('end', () => {
          if (request.url === '/1') setImmediate(() => response.end(`answer to ${request.url};`));
          else response.end(`answer to ${request.url};`);
        });
      },
      bounds,
      onDropped: () => {
        dropped += 1;
      },
    },
  );
}

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  listening.server.closeAllConnections();
  listening.server.close();
});

/** A connection that sends these bytes; `text` grows with what comes back. */
function open(bytes: string): { readonly socket: Socket; readonly text: string; readonly closed: boolean } {
  const { port } = new URL(listening.url);
  const socket = connect({ host: '127.0.0.1', port: Number(port) });
  sockets.push(socket);
  let text = '';
  let closed = false;
  socket.on('data', (chunk) => {
    text += chunk.toString();
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    closed = true;
  });
  if (bytes !== '') socket.write(bytes);
  return {
    socket,
    get text() {
      return text;
    },
    get closed() {
      return closed;
    },
  };
}

describe('a client that is slow on purpose', () => {
  test('and never sends anything is closed', async () => {
    await start({ headersTimeoutMs: 50 });
    const client = open('');
    await eventually('it is closed', () => client.closed);
  });

  test('and begins its headers without end is told so and closed', async () => {
    await start({ headersTimeoutMs: 50 });
    const client = open('GET / HTTP/1.1\r\nHost: a\r\nX-A: ');
    await eventually('it is closed', () => client.closed);
    expect(client.text).toMatch(/^HTTP\/1.1 408 .*request_timeout/s);
  });

  test('and sends a body without end is closed', async () => {
    await start({ headersTimeoutMs: 50, requestTimeoutMs: 100 });
    const client = open('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nx');
    await eventually('it is closed', () => client.closed);
    expect(client.text).toMatch(/^HTTP\/1.1 408 .*request_timeout/s);
  });
});

test('connections above the bound are closed unheard, and others served on', async () => {
  await start({ maxConnections: 1 });
  const one = open('GET /2 HTTP/1.1\r\nHost: a\r\n\r\n');
  await eventually('it is answered', () => one.text.includes('answer to /2'));
  const other = open('GET /2 HTTP/1.1\r\nHost: a\r\n\r\n');
  await eventually('it is closed', () => other.closed);
  expect([other.text, dropped]).toEqual(['', 1]);
  one.socket.write('GET /3 HTTP/1.1\r\nHost: a\r\n\r\n');
  await eventually('the first is served on', () => one.text.includes('answer to /3'));
});

test('requests that are sent ahead are answered in their order', async () => {
  await start();
  const bytes = ['/1', '/2', '/3'].map((path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`).join('');
  const client = open(bytes);
  await eventually('all answers', () => client.text.includes('answer to /3'));
  expect(client.text.match(/answer to \S+;/g)).toEqual(['answer to /1;', 'answer to /2;', 'answer to /3;']);
});
