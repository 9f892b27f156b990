import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { type ListenAddress, listenOn } from '../../http/listen.ts';
import { errorBody, type Refusal, refuse } from '../errors.ts';

/** An HTTP server that listens. */
export interface Listening {
  readonly server: Server;
  /** Where it listens: `host:port`. */
  readonly address: string;
  /** Such as `http://127.0.0.1:8080`. */
  readonly url: string;
}

const HEADERS_TIMEOUT_MS = 15_000;
const REQUEST_TIMEOUT_MS = 120_000;
/** Longer than the idle time-outs of the usual load balancers, so that they close first. */
const KEEP_ALIVE_TIMEOUT_MS = 75_000;

/**
 * Starts a server for untrusted clients: strict parsing, bounded time for a request to arrive, and errors below HTTP
 * in OpenAI's shape as well.
 *
 * @throws when the address cannot be listened on
 */
export async function listen(
  address: ListenAddress,
  handler: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Listening> {
  const server = createServer(
    {
      // A token should leave when it is there, not when the next one fills a packet.
      noDelay: true,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      insecureHTTPParser: false,
    },
    handler,
  );
  server.on('clientError', answerParseError);
  const { authority } = await listenOn(server, address);
  return { server, address: authority, url: `http://${authority}` };
}

/** What could not be parsed has no request object: the answer is written by hand, and the connection ends. */
function answerParseError(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const refusal = parseRefusal(error.code);
  const body = errorBody(refusal);
  socket.end(
    `HTTP/1.1 ${refusal.status} Refused\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

function parseRefusal(code: string | undefined): Refusal {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return refuse('headers_too_large', {});
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return refuse('request_timeout', {});
    default:
      return refuse('malformed_request', { why: 'its first lines or its length are wrong' });
  }
}
