import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Agent, request } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

/** A write as the proxy saw it, in order. */
export interface ProxiedWrite {
  method: string;
  /** Path without the query. */
  path: string;
  /** When the API server had answered, in ms of this process's monotonic clock. */
  answeredAtMs: number;
}

/** A request that the API server answered. */
export interface ProxiedRequest {
  method: string;
  /** Path without the query. */
  path: string;
  watch: boolean;
  /** HTTP status. */
  status: number;
}

export interface ApiServerProxy {
  /** Plain HTTP: goes into a kubeconfig as `server`. */
  readonly url: string;
  /** Writes that were forwarded, Leases and Events left out: they are no steps of a reconcile. */
  readonly writes: readonly ProxiedWrite[];
  /** Everything that was answered, reads included. */
  readonly requests: readonly ProxiedRequest[];
  /** For how long (ms) nothing was asked that is not answered yet, watches left out; 0 while something is. */
  idleMs(): number;
  /** Forgets the writes counted so far. */
  resetCount(): void;
  /**
   * Calls `killClient` once when the API server has carried out the write that the predicate picks, before the client
   * hears of it: exactly what a crash between two writes looks like. The predicate is asked after each write, with
   * all of them so far, the latest one last.
   */
  crashAfterWrite(isTheOne: (writes: readonly ProxiedWrite[]) => boolean, killClient: () => void): void;
  /** Destroys every connection, as a network reset does. */
  resetConnections(): void;
  /** Ends every open watch with the ERROR event that says its resource version is too old. */
  expireWatches(): void;
  close(): Promise<void>;
}

const EXPIRED_EVENT = `${JSON.stringify({
  type: 'ERROR',
  object: {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'too old resource version',
    reason: 'Expired',
    code: 410,
  },
})}\n`;

export interface ProxyTarget {
  readonly url: string;
  readonly ca: string;
  /** Whose requests they are, for programs in Go: those keep tokens to themselves where there is no TLS. */
  readonly bearerToken?: string;
}

/** Puts a proxy between a client and the API server that counts writes and plays failures of the network. */
export async function startApiServerProxy(target: ProxyTarget): Promise<ApiServerProxy> {
  const login = target.bearerToken === undefined ? {} : { authorization: `Bearer ${target.bearerToken}` };
  const upstream = new URL(target.url);
  const agent = new Agent({ keepAlive: true, ca: target.ca });
  const sockets = new Set<Socket>();
  const watches = new Set<ServerResponse>();
  const writes: ProxiedWrite[] = [];
  const requests: ProxiedRequest[] = [];
  let open = 0;
  let idleSinceMs = performance.now();
  let crash: { isTheOne: (writes: readonly ProxiedWrite[]) => boolean; killClient: () => void } | undefined;

  const forward = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const path = (incoming.url ?? '/').split('?')[0] ?? '/';
    const counted = isStep(incoming.method ?? 'GET', path);
    const isWatch = /[?&]watch=(1|true)/.test(incoming.url ?? '');
    if (!isWatch) open += 1;
    const call = request({
      agent,
      hostname: upstream.hostname,
      port: upstream.port,
      method: incoming.method,
      path: incoming.url,
      headers: { ...incoming.headers, ...login, host: upstream.host },
    });
    call.on('response', (answer) => {
      const { method = 'GET' } = incoming;
      requests.push({ method, path, watch: isWatch, status: answer.statusCode ?? 502 });
      if (counted && (answer.statusCode ?? 500) < 300) {
        writes.push({ method, path, answeredAtMs: performance.now() });
        if (crash?.isTheOne(writes)) {
          answer.resume();
          const { killClient } = crash;
          crash = undefined;
          killClient();
          return;
        }
      }
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      if (isWatch) watches.add(outgoing);
      answer.pipe(outgoing);
      answer.on('error', () => outgoing.destroy());
    });
    call.on('error', () => outgoing.destroy());
    outgoing.on('close', () => {
      watches.delete(outgoing);
      if (!isWatch) open -= 1;
      idleSinceMs = performance.now();
      call.destroy();
    });
    incoming.pipe(call);
  };

  const server = createServer(forward);
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    writes,
    requests,
    idleMs: () => (open > 0 ? 0 : performance.now() - idleSinceMs),
    resetCount: () => writes.splice(0),
    crashAfterWrite(isTheOne, killClient) {
      crash = { isTheOne, killClient };
    },
    resetConnections() {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    expireWatches() {
      for (const watch of watches) watch.end(EXPIRED_EVENT);
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      agent.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function isStep(method: string, path: string): boolean {
  return method !== 'GET' && !path.includes('/leases') && !path.includes('/events');
}

/**
 * The right that a request needs, such as `patch gpu-classroom.io/classrooms/status`; none for what is no resource, such
 * as what the API server has.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/authorization/#determine-the-request-verb
 */
export function rightFor({ method, path, watch }: ProxiedRequest): string | undefined {
  const match =
    /^\/(?:api\/[^/]+|apis\/([^/]+)\/[^/]+)(?:\/namespaces\/[^/]+)?\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/.exec(
      path,
    );
  if (match === null) return undefined;
  const [, group = '', resource, name, subresource] = match;
  const read = watch ? 'watch' : name === undefined ? 'list' : 'get';
  const verbs: Record<string, string> = {
    GET: read,
    POST: 'create',
    PUT: 'update',
    PATCH: 'patch',
    DELETE: 'delete',
  };
  return `${verbs[method]} ${group}/${resource}${subresource === undefined ? '' : `/${subresource}`}`;
}
