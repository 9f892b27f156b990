import { createServer, type RequestListener, type Server } from 'node:http';
import { afterEach, expect, test } from '@jest/globals';
import { fetchKeys } from '../../../../src/gateway/identity/fetch-keys.ts';
import { listenOn } from '../../../../src/http/listen.ts';

let issuer: Server;

async function issuerAnswering(answer: RequestListener): Promise<string> {
  issuer = createServer(answer);
  const { authority } = await listenOn(issuer, { host: '127.0.0.1', port: 0 });
  return `http://${authority}/certs`;
}

afterEach(() => {
  issuer.closeAllConnections();
  issuer.close();
});

test('reads what the issuer publishes', async () => {
  const url = await issuerAnswering((_, response) => response.end('{"keys": []}'));
  expect(await fetchKeys(url)).toEqual({ keys: [] });
});

test.each<[string, RequestListener, RegExp]>([
  ['an error', (_, response) => response.writeHead(500).end(), /answered 500/],
  ['nothing', (_, response) => response.writeHead(204).end(), /answered nothing/],
  ['a page', (_, response) => response.end('<html>'), /JSON/],
  ['a way to somewhere else', (_, response) => response.writeHead(302, { location: '/x' }).end(), /failed/],
  ['more than keys can be', (_, response) => response.end('x'.repeat(300_000)), /more than 262144 bytes/],
  ['half an answer', (request) => request.socket.destroy(), /failed/],
])('rejects %s', async (_, answer, want) => {
  const url = await issuerAnswering(answer);
  await expect(fetchKeys(url)).rejects.toThrow(want);
});
