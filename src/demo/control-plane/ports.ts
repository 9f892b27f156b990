import { randomInt } from 'node:crypto';
import { createServer, type Server } from 'node:net';

/**
 * Below the ranges from which Linux (32768–60999) and macOS (49152–65535) take the ports of outgoing
 * connections and Kubernetes takes node ports (30000–32767). A port from those ranges could be lost to an
 * outgoing connection while its server is down, or a client retrying on loopback could even connect to itself.
 */
const FIRST_PORT = 20_000;
const LAST_PORT = 29_999;
const ATTEMPTS = 200;

/** Ports that are free on 127.0.0.1 now: all held at once, so that they differ, then released. */
export async function freePorts(count: number): Promise<number[]> {
  const held: Server[] = [];
  const ports: number[] = [];
  try {
    for (let attempt = 0; ports.length < count; attempt++) {
      if (attempt === ATTEMPTS) throw new Error(`no free port on 127.0.0.1 after ${ATTEMPTS} attempts`);
      const port = randomInt(FIRST_PORT, LAST_PORT + 1);
      const server = await tryToListen(port);
      if (server === undefined) continue;
      held.push(server);
      ports.push(port);
    }
  } finally {
    await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))));
  }
  return ports;
}

/** One such port. */
export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  if (port === undefined) throw new Error('no port was given');
  return port;
}

function tryToListen(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}
