import { readFileSync } from 'node:fs';
import { parseSettings } from '../gateway/options.ts';
import { startGateway } from '../gateway/process.ts';
import { createLogger } from '../observability/logger.ts';
import { podAddress } from '../vllm/pod-address.ts';
import { ADDRESS_ANNOTATION } from './node-agent/pod/worker.ts';

/**
 * The gateway of the demo. Where all played pods share one address and differ by port (macOS), the node agent writes
 * down where each listens, and only this entry point reads it: a real gateway must not trust annotations.
 */
const parsed = parseSettings(process.argv.slice(2), process.env, (path) => readFileSync(path, 'utf8'));
if (parsed.kind !== 'run') throw new Error(`the demo starts its gateway wrongly: ${JSON.stringify(parsed)}`);
await startGateway({
  settings: parsed.options,
  env: process.env,
  log: createLogger({ name: 'gateway', level: parsed.options.logLevel }),
  addressOf: (pod) => pod.metadata.annotations?.[ADDRESS_ANNOTATION] ?? podAddress(pod),
  onStarted: (stop) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void stop());
  },
});
