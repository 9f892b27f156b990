import { createServer } from 'node:http';
import { ENGINE_PORT } from '../../src/api/labels.ts';
import type { EngineReading } from '../../src/classroom/engine-watch/reading.ts';
import { metricsText } from './engine-metrics.ts';

/** Answers the operator's questions at an address of its own, which is to be the pod's. */
export interface TellingEngine extends AsyncDisposable {
  readonly ip: string;
}

/** An engine that tells this of itself, at an address that nobody else on this machine has taken. */
export async function startTellingEngine(difference: Partial<EngineReading>): Promise<TellingEngine> {
  for (;;) {
    const ip = `127.${[100, 0, 1].map((least) => least + Math.floor(Math.random() * 100)).join('.')}`;
    const server = createServer((_, response) => response.end(metricsText(difference)));
    const isTaken = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(true));
      server.listen(ENGINE_PORT, ip, () => resolve(false));
    });
    if (isTaken) continue;
    const close = (): Promise<void> => new Promise((resolve) => server.close(() => resolve()));
    return { ip, [Symbol.asyncDispose]: close };
  }
}
