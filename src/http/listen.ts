import type { Server } from 'node:http';

/** Host and port to listen on. */
export interface ListenAddress {
  /** Empty: all of the machine's. */
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
}

/** Where a server listens: the port is never 0. */
export interface BoundAddress extends ListenAddress {
  /** Such as `127.0.0.1:8080` or `[::1]:8080`. */
  readonly authority: string;
}

/**
 * Resolves when the server takes connections.
 *
 * @throws Error when the address cannot be listened on
 */
export async function listenOn(server: Server, { host, port }: ListenAddress): Promise<BoundAddress> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: host === '' ? undefined : host, port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('the server has no TCP port');
  const name = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address;
  return { host: bound.address, port: bound.port, authority: `${name}:${bound.port}` };
}
