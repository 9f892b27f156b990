import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { KubeObject } from '../../src/kube/object.ts';

/** One request as it arrived. */
export interface Seen {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  body: string;
}

/** Answers one request, well or badly. */
export type Responder = (response: ServerResponse, seen: Seen) => void;

/** An API server that does exactly what a test tells it, on plain HTTP. */
export interface FaultServer {
  readonly url: string;
  /** Everything asked so far, oldest first. */
  readonly seen: readonly Seen[];
  readonly lists: readonly Seen[];
  readonly watches: readonly Seen[];
  /** Connections accepted so far. */
  readonly connections: number;
  /** Connections open now. */
  readonly open: number;
  /** Answers of the coming lists, in order; the last one stays. */
  onList(...responders: Responder[]): void;
  onWatch(...responders: Responder[]): void;
  /** Answers of everything that is neither list nor watch. */
  onCall(...responders: Responder[]): void;
  /** Refuses connections from now on and cuts those that are open. */
  goAway(): Promise<void>;
  /** Listens again, on the same port. */
  comeBack(): Promise<void>;
  close(): Promise<void>;
}

/** A JSON answer. */
export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Responder {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  };
}

/** A Kubernetes `Status` that refuses. */
export function refuse(
  code: number,
  reason: string,
  { message = reason, headers = {} }: { message?: string; headers?: Record<string, string> } = {},
): Responder {
  return json({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message }, code, headers);
}

/** A page of a list; with `continue` there are more. */
export function page(items: readonly KubeObject[], resourceVersion: string, next?: string): Responder {
  return json({
    kind: 'List',
    apiVersion: 'v1',
    metadata: { resourceVersion, ...(next && { continue: next }) },
    items,
  });
}

/** How a watch goes on after its events. */
export type WatchFate = 'end' | 'reset' | 'stay open';

/** A watch that sends these lines (objects become JSON) and then ends, is cut, or stays open in silence. */
export function stream(lines: readonly unknown[], fate: WatchFate): Responder {
  return (response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    for (const line of lines) response.write(typeof line === 'string' ? line : `${JSON.stringify(line)}\n`);
    switch (fate) {
      case 'end':
        response.end();
        return;
      case 'reset':
        // After the bytes are out, or there would be nothing to read before the reset.
        setImmediate(() => response.socket?.resetAndDestroy());
        return;
      case 'stay open':
        return;
      default:
        fate satisfies never;
    }
  };
}

/** Takes the request and never answers. */
export const silence: Responder = () => {};

/** Cuts the connection instead of answering. */
export const reset: Responder = (response) => response.socket?.resetAndDestroy();

interface Script {
  next(): Responder;
  set(responders: readonly Responder[]): void;
}

function createScript(first: Responder): Script {
  let queue: readonly Responder[] = [first];
  return {
    next() {
      const [responder = first, ...rest] = queue;
      if (rest.length > 0) queue = rest;
      return responder;
    },
    set(responders) {
      queue = responders;
    },
  };
}

/** Listens on a free loopback port. Unscripted, it has no objects and its watches stay open in silence. */
export async function startFaultServer(): Promise<FaultServer> {
  const scripts = {
    list: createScript(page([], '1')),
    watch: createScript(stream([], 'stay open')),
    call: createScript(refuse(404, 'NotFound')),
  };
  const seen: Seen[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;

  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://fault-server');
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method = 'GET', headers } = request;
    const body = Buffer.concat(chunks).toString('utf8');
    const call = { method, path: url.pathname, query: url.searchParams, headers, body };
    seen.push(call);
    scripts[kindOf(call)].next()(response, call);
  });
  server.keepAliveTimeout = 60_000;
  server.on('connection', (socket) => {
    connections += 1;
    sockets.add(socket);
    // A cut connection is what these tests are about.
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  const listen = async (port: number): Promise<number> => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const hangUp = async (): Promise<void> => {
    if (!server.listening) return;
    server.close();
    for (const socket of sockets) socket.destroy();
    await once(server, 'close');
  };
  const port = await listen(0);

  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    get lists() {
      return seen.filter((call) => kindOf(call) === 'list');
    },
    get watches() {
      return seen.filter((call) => kindOf(call) === 'watch');
    },
    get connections() {
      return connections;
    },
    get open() {
      return sockets.size;
    },
    onList: (...responders) => scripts.list.set(responders),
    onWatch: (...responders) => scripts.watch.set(responders),
    onCall: (...responders) => scripts.call.set(responders),
    goAway: hangUp,
    comeBack: async () => {
      await listen(port);
    },
    close: hangUp,
  };
}

/** Test resources live in `/api/v1/<plural>`: a GET there without a name is a list or a watch. */
function kindOf(call: Seen): 'list' | 'watch' | 'call' {
  if (call.method !== 'GET' || call.path.split('/').length !== 4) return 'call';
  return call.query.get('watch') === 'true' ? 'watch' : 'list';
}
