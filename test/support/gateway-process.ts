import { z } from 'zod';
import { type Program, startProgram } from './program.ts';

const takesRequestsSchema = z.object({ address: z.string() });

/** A gateway as a process of its own. */
export interface GatewayProcess extends Program {
  /** Such as `http://127.0.0.1:40123`; resolves when it takes requests. */
  url(): Promise<string>;
}

/** Starts a gateway on a free port, without a health server and with a ledger in memory, unless the flags say otherwise. */
export function startGatewayProcess(flags: readonly string[]): GatewayProcess {
  const standard = ['--listen=127.0.0.1:0', '--health-address=off', '--ledger=memory'];
  const program = startProgram('src/gateway/main.ts', [...standard, ...flags]);
  const url = async () => {
    const { address } = takesRequestsSchema.parse(await program.logged('The gateway takes requests'));
    return `http://${address}`;
  };
  return { ...program, url };
}
