import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { type ListenAddress, listenOn } from '../../http/listen.ts';
import { errorBody, type Refusal, refuse } from '../errors.ts';
import type { Certificate } from './certificate.ts';

/** An HTTP server that listens. */
export interface Listening {
  readonly server: Server;
  /** Where it listens: `host:port`. */
  readonly address: string;
  /** Such as `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Serves new connections with another certificate; nothing without TLS. */
  useCertificate(certificate: Certificate): void;
}

/** What a server grants to strangers. */
export interface ServerBounds {
  /** From the connection, or the end of the last request, to the end of the headers once they began. */
  readonly headersTimeoutMs: number;
  /** From the first byte of a request to the end of its body. */
  readonly requestTimeoutMs: number;
  /** Connections at a time; more are closed unheard. */
  readonly maxConnections: number;
}

export interface ServerOptions {
  readonly handler: (request: IncomingMessage, response: ServerResponse) => void;
  /** Absent: plain HTTP. */
  readonly certificate?: Certificate | undefined;
  readonly bounds?: Partial<ServerBounds> | undefined;
  /** Told of each connection above the bound. */
  readonly onDropped?: (() => void) | undefined;
}

const BOUNDS: ServerBounds = { headersTimeoutMs: 15_000, requestTimeoutMs: 120_000, maxConnections: 10_000 };
/** Longer than the idle time-outs of the usual load balancers, so that they close first. */
const KEEP_ALIVE_TIMEOUT_MS = 75_000;
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** How far beyond its time-out a slow request can live: Node looks only now and then, by default every 30 s. */
const LOOK_EVERY_MS = 1_000;

/**
 * Starts a server for untrusted clients: strict parsing, bounded time for a request to arrive, bounded connections, and
 * errors below HTTP in OpenAI's shape as well. Requests that a client sends ahead (pipelining) are answered in order.
 *
 * @throws when the address cannot be listened on
 */
export async function listen(address: ListenAddress, options: ServerOptions): Promise<Listening> {
  const { handler, certificate, onDropped } = options;
  const bounds = { ...BOUNDS, ...options.bounds };
  const settings = {
    // A token should leave when it is there, not when the next one fills a packet.
    noDelay: true,
    headersTimeout: bounds.headersTimeoutMs,
    requestTimeout: bounds.requestTimeoutMs,
    connectionsCheckingInterval: Math.min(LOOK_EVERY_MS, bounds.headersTimeoutMs),
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    insecureHTTPParser: false,
  };
  const secure =
    certificate === undefined
      ? undefined
      : createTlsServer({ ...settings, ...secureSettings(certificate) }, handler);
  const server: Server = secure ?? createServer(settings, handler);
  server.maxConnections = bounds.maxConnections;
  if (onDropped !== undefined) server.on('drop', onDropped);
  server.on('clientError', answerParseError);
  const { authority } = await listenOn(server, address);
  return {
    server,
    address: authority,
    url: `${secure === undefined ? 'http' : 'https'}://${authority}`,
    useCertificate: (renewed) => secure?.setSecureContext(secureSettings(renewed)),
  };
}

/** Only HTTP/1.1: streams need nothing of HTTP/2, and `ALPNProtocols` says so to clients that would prefer it. */
function secureSettings({ cert, key }: Certificate) {
  return {
    cert,
    key,
    minVersion: 'TLSv1.2',
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    ALPNProtocols: ['http/1.1'],
  } as const;
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
