import { createServer, type Server } from 'node:net';
import { freePorts } from '../../control-plane/ports.ts';
import { type AddressBlock, AddressPool, addressIn } from '../addresses.ts';
import { nodeAgentErrors } from '../errors.ts';
import type { Endpoint } from './probe.ts';

/** Where pods listen. */
export interface Endpoints {
  /** Address of the nodes. */
  readonly nodeAddress: string;
  /** Where a new pod may listen. @throws NodeAgentError `NoAddress` */
  take(): Promise<Endpoint>;
  release(endpoint: Endpoint): void;
  close(): Promise<void>;
}

const BLOCKS = 256;
/** A kubelet's port: nothing of a pod listens on a node's own address. */
const CLAIM_PORT = 10_250;

/**
 * An address of its own for every pod (Linux). Several agents on one machine keep out of each other's way: whoever
 * listens on a block's first address has the block, and the kernel frees it when the owner dies.
 *
 * @param firstBlock where to begin to look for a free block, 0–255
 */
export async function perPodAddresses(firstBlock: number): Promise<Endpoints> {
  const pool = new AddressPool();
  const claims: Server[] = [];
  let tried = 0;
  const claimBlock = async (): Promise<AddressBlock> => {
    while (tried < BLOCKS) {
      const block = { number: (firstBlock + tried++) % BLOCKS };
      const claim = await listen(addressIn(block, 1));
      if (claim === undefined) continue;
      claims.push(claim);
      pool.addBlock(block);
      return block;
    }
    throw nodeAgentErrors.noAddress('127.244.0.0/16');
  };
  const first = await claimBlock();
  return {
    nodeAddress: addressIn(first, 1),
    async take() {
      for (;;) {
        const ip = pool.take();
        if (ip !== undefined) return { ip };
        await claimBlock();
      }
    },
    release: ({ ip }) => pool.release(ip),
    async close() {
      await Promise.all(claims.map((claim) => new Promise((resolve) => claim.close(resolve))));
    },
  };
}

/** One address for all, a port of its own for every pod: where only 127.0.0.1 is bound (macOS). */
export function perPodPorts(): Endpoints {
  const taken = new Set<number>();
  return {
    nodeAddress: '127.0.0.1',
    async take() {
      for (;;) {
        const [port = 0] = await freePorts(1);
        if (taken.has(port)) continue;
        taken.add(port);
        return { ip: '127.0.0.1', port };
      }
    },
    release: ({ port }) => void (port !== undefined && taken.delete(port)),
    close: async () => {},
  };
}

function listen(host: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    );
    server.listen({ host, port: CLAIM_PORT, exclusive: true }, () => {
      server.unref();
      resolve(server);
    });
  });
}
