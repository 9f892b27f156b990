import { readFileSync } from 'node:fs';
import { ADDRESS_ANNOTATION } from '../../../src/demo/node-agent/pod/worker.ts';
import { parseSettings } from '../../../src/gateway/options.ts';
import { startGateway } from '../../../src/gateway/process.ts';
import { createLogger } from '../../../src/observability/logger.ts';
import { podAddress } from '../../../src/vllm/pod-address.ts';
import { followCourseTime } from './follow.ts';

/** The gateway of the demo with the clock of a course. */
const clock = await followCourseTime(process.argv);
const parsed = parseSettings(process.argv.slice(2), process.env, (path) => readFileSync(path, 'utf8'));
if (parsed.kind !== 'run') throw new Error(`the test starts its gateway wrongly: ${JSON.stringify(parsed)}`);
await startGateway({
  settings: parsed.options,
  env: process.env,
  clock,
  log: createLogger({ name: 'gateway', level: parsed.options.logLevel }),
  addressOf: (pod) => pod.metadata.annotations?.[ADDRESS_ANNOTATION] ?? podAddress(pod),
  onStarted: (stop) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void stop());
  },
});
