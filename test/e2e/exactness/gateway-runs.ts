import { z } from 'zod';
import { eventually } from '../../support/eventually.ts';
import { type GatewayProcess, startGatewayProcess } from '../../support/gateway-process.ts';
import type { GatewayRun } from './crowd.ts';

/** One gateway that is killed and started again with the same flags. */
export interface GatewayRuns extends AsyncDisposable {
  /** The one that runs, or the next one as soon as it takes requests. */
  current(): Promise<GatewayRun>;
  /** SIGKILL, and the start of the next one. Resolves when that takes requests. */
  killAndRestart(): Promise<void>;
  /** SIGTERM, as Kubernetes does it; gives the exit code. */
  stop(): Promise<number | null>;
}

const addressesSchema = z.object({ address: z.string(), health: z.string() });

export function startGatewayRuns(flags: readonly string[]): GatewayRuns {
  let gateway: GatewayProcess;
  const start = async (): Promise<GatewayRun> => {
    gateway = startGatewayProcess(['--health-address=127.0.0.1:0', ...flags]);
    const { address, health } = addressesSchema.parse(await gateway.logged('The gateway takes requests'));
    await eventually('the gateway to be ready', async () => (await fetch(`http://${health}/readyz`)).ok);
    return { url: `http://${address}`, wasKilled: false };
  };
  const restart = async (killed: GatewayRun): Promise<GatewayRun> => {
    killed.wasKilled = true;
    gateway.kill('SIGKILL');
    await gateway.exited();
    return start();
  };
  let run = start();
  return {
    current: () => run,
    async killAndRestart() {
      const killed = await run;
      // Clients wait for the next one from now on.
      run = restart(killed);
      await run;
    },
    stop: () => gateway.stop(),
    async [Symbol.asyncDispose]() {
      gateway.kill('SIGKILL');
      await gateway.exited();
    },
  };
}
