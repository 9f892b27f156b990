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

export function startGatewayRuns(flags: readonly string[]): GatewayRuns {
  let gateway: GatewayProcess;
  const start = async (): Promise<GatewayRun> => {
    gateway = startGatewayProcess(flags);
    return { url: await gateway.url(), wasKilled: false };
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
