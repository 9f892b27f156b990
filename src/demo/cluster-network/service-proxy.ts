import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { listenOn } from '../../http/listen.ts';

/** Where a connection to a port of a Service (its key) goes, as `host:port`; undefined: nobody is ready. */
export type BackendOf = (key: string, port: number) => string | undefined;

/** An HTTP proxy in the place of cluster DNS and of virtual addresses: it leads to Services by their names. */
export interface ServiceProxy {
  /** `http://127.0.0.1:<port>`. */
  readonly url: string;
  close(): Promise<void>;
}

/** `gateway.school.svc`, with or without the domain of the cluster. */
const SERVICE_NAME = /^([^.]+)\.([^.]+)\.svc(?:\.cluster\.local)?$/;

/** Listens on a free port of 127.0.0.1. */
export async function startServiceProxy(backendOf: BackendOf): Promise<ServiceProxy> {
  const backendOfUrl = ({ hostname, port }: URL): string | undefined => {
    const [, name, namespace] = SERVICE_NAME.exec(hostname) ?? [];
    return name === undefined ? undefined : backendOf(`${namespace}/${name}`, Number(port || 80));
  };
  const server = createServer((incoming, outgoing) => {
    const target = URL.parse(incoming.url ?? '');
    const backend = target === null ? undefined : backendOfUrl(target);
    if (target === null || backend === undefined) refuse(incoming, outgoing);
    else forward(incoming, outgoing, target, backend);
  });
  server.on('connect', (incoming: IncomingMessage, socket: Duplex, head: Buffer) => {
    const target = URL.parse(`http://${incoming.url}`);
    const backend = target === null ? undefined : backendOfUrl(target);
    if (backend === undefined) socket.end('HTTP/1.1 502 No such Service, or no pod of it is ready\r\n\r\n');
    else tunnel(socket, head, backend);
  });
  const { authority } = await listenOn(server, { host: '127.0.0.1', port: 0 });
  return {
    url: `http://${authority}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function refuse({ url }: IncomingMessage, outgoing: ServerResponse): void {
  outgoing.writeHead(502).end(`${url}: there is no such Service, or no pod of it is ready\n`);
}

function forward(incoming: IncomingMessage, outgoing: ServerResponse, target: URL, backend: string): void {
  const path = `${target.pathname}${target.search}`;
  const { method, headers } = incoming;
  const call = request(`http://${backend}${path}`, { method, headers: { ...headers, host: target.host } });
  call.once('response', (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(outgoing);
  });
  call.once('error', (error) => {
    if (outgoing.headersSent) outgoing.destroy();
    else outgoing.writeHead(502).end(`${error.message}\n`);
  });
  outgoing.once('close', () => call.destroy());
  incoming.pipe(call);
}

function tunnel(socket: Duplex, head: Buffer, backend: string): void {
  const [host, port] = backend.split(':');
  const other = connect({ host, port: Number(port) });
  other.once('connect', () => {
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    other.write(head);
    socket.pipe(other).pipe(socket);
  });
  // Either end may go at any time; the other hears of it.
  other.on('error', () => socket.destroy());
  socket.on('error', () => other.destroy());
  socket.once('close', () => other.destroy());
}
