import { connect, createServer, type Server, type Socket } from 'node:net';
import type { KubeClient } from '../../kube/client.ts';
import type { EventRecorder } from '../../kube/events.ts';
import { describeError, type Logger } from '../../kube/log.ts';
import { keyOf, refOfKey } from '../../kube/object.ts';
import { type Service, services } from '../../kube/resources.ts';
import type { StoreChange } from '../../kube/store.ts';

const ADDRESS = '127.0.0.1';

export interface LoadBalancerOptions {
  readonly client: Pick<KubeClient, 'mergePatch'>;
  readonly log: Logger;
  readonly events: Pick<EventRecorder, 'record'>;
  /** Where a connection to a port of a Service (its key) goes, as `host:port`; undefined: nobody is ready. */
  readonly backendOf: (key: string, port: number) => string | undefined;
}

interface Listener {
  readonly server: Server;
  readonly sockets: Set<Socket>;
}

/**
 * What a cloud does for Services of type LoadBalancer: their ports are open on 127.0.0.1, and lead to pods that are
 * ready. A port that is taken is told as an event; it is tried again when the Service changes.
 */
export class LoadBalancer {
  readonly #options: LoadBalancerOptions;
  /** By `<key of the Service>:<port>`. */
  readonly #listeners = new Map<string, Listener>();
  #work: Promise<void> = Promise.resolve();

  constructor(options: LoadBalancerOptions) {
    this.#options = options;
  }

  update(change: StoreChange<Service>): void {
    const { object: service } = change;
    const key = keyOf(service.metadata);
    const ports = change.type === 'deleted' ? [] : portsOf(service);
    this.#work = this.#work
      .then(() => this.#adjust(key, ports))
      .then(() => (ports.length === 0 ? undefined : this.#tellAddress(service)))
      .catch((error: unknown) => this.#complain(service, error));
  }

  /** Resolves when everything told so far is done. */
  settled(): Promise<void> {
    return this.#work;
  }

  async close(): Promise<void> {
    await this.settled();
    await this.#closeAll(() => true);
  }

  async #adjust(key: string, ports: readonly number[]): Promise<void> {
    const wanted = new Set(ports.map((port) => `${key}:${port}`));
    await this.#closeAll((name) => name.startsWith(`${key}:`) && !wanted.has(name));
    for (const port of ports) {
      if (!this.#listeners.has(`${key}:${port}`)) await this.#open(key, port);
    }
  }

  async #tellAddress({ metadata, status }: Service): Promise<void> {
    if (status?.loadBalancer?.ingress !== undefined) return;
    const ref = refOfKey(keyOf(metadata));
    const patch = { status: { loadBalancer: { ingress: [{ ip: ADDRESS }] } } };
    await this.#options.client.mergePatch(services, ref, patch, { subresource: 'status' });
  }

  #complain(service: Service, error: unknown): void {
    const { log, events } = this.#options;
    const { error: note } = describeError(error);
    log.warn({ service: keyOf(service.metadata), error: note }, 'A Service got no address');
    events.record(service, { type: 'Warning', reason: 'SyncLoadBalancerFailed', action: 'Sync', note });
  }

  async #open(key: string, port: number): Promise<void> {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.once('close', () => sockets.delete(socket));
      join(socket, this.#options.backendOf(key, port));
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: ADDRESS, port }, resolve);
    });
    this.#listeners.set(`${key}:${port}`, { server, sockets });
  }

  async #closeAll(isMeant: (name: string) => boolean): Promise<void> {
    for (const [name, { server, sockets }] of [...this.#listeners]) {
      if (!isMeant(name)) continue;
      this.#listeners.delete(name);
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    }
  }
}

/** Either end may go at any time; the other hears of it. */
function join(socket: Socket, backend: string | undefined): void {
  const [host, port] = backend?.split(':') ?? [];
  if (host === undefined) {
    socket.destroy();
    return;
  }
  const other = connect({ host, port: Number(port) });
  socket.pipe(other).pipe(socket);
  other.on('error', () => socket.destroy());
  other.once('close', () => socket.destroy());
  socket.once('close', () => other.destroy());
}

function portsOf({ spec, metadata }: Service): number[] {
  if (spec?.type !== 'LoadBalancer' || metadata.deletionTimestamp !== undefined) return [];
  return (spec.ports ?? []).map(({ port }) => port);
}
