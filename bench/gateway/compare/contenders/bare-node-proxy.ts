import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Pool } from 'undici';

/** Passes requests on with Node's server and undici, and looks at nothing: the floor of every gateway on Node. */
const pools = { answer: poolTo(process.argv[2]), stream: poolTo(process.argv[3]) };

function poolTo(port: string | undefined): Pool {
  return new Pool(`http://127.0.0.1:${port}`, { connections: 2048, pipelining: 1, bodyTimeout: 0 });
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const pool = request.url === '/stream' ? pools.stream : pools.answer;
    const headers = { 'content-type': 'application/json' };
    const body = Buffer.concat(chunks);
    pool.dispatch(
      { path: '/v1/chat/completions', method: 'POST', headers, body },
      {
        onRequestStart() {},
        onResponseStart(_controller, status, headers) {
          response.writeHead(status, { 'content-type': String(headers['content-type']) });
        },
        onResponseData: (_controller, chunk) => void response.write(chunk),
        onResponseEnd: () => void response.end(),
        onResponseError: () => void response.destroy(),
      },
    );
  });
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  process.stdout.write(`listens on ${port}\n`);
});
