import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { tellWhy } from '../command-line/parse.ts';
import { createLogger } from '../observability/logger.ts';
import { endWhenUnhandled } from '../observability/unhandled.ts';
import { API_KEY_RANDOM_BYTES, generateApiKey, hashApiKey } from '../student/api-key.ts';
import { podAddress } from '../vllm/pod-address.ts';
import { parseSettings } from './options.ts';
import { StartError, startGateway } from './process.ts';

async function main(): Promise<number | undefined> {
  const parsed = parseSettings(process.argv.slice(2), process.env, (path) => readFileSync(path, 'utf8'));
  if (parsed.kind !== 'run') return tellWhy(parsed, process);
  if (parsed.options.newKey) {
    const key = generateApiKey(randomBytes(API_KEY_RANDOM_BYTES));
    process.stdout.write(`key: ${key}\nkeySha256: ${hashApiKey(key)}\n`);
    return 0;
  }
  const log = createLogger({ name: 'gateway', level: parsed.options.logLevel });
  endWhenUnhandled(process, log);
  await startGateway({
    settings: parsed.options,
    env: process.env,
    log,
    addressOf: podAddress,
    onStarted: (stop) => {
      let signals = 0;
      const onSignal = (signal: NodeJS.Signals): void => {
        signals += 1;
        if (signals === 1) void stop();
        else {
          log.warn({ signal }, 'A second signal: the gateway ends now');
          process.exit(1);
        }
      };
      for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, onSignal);
    },
  });
  return undefined;
}

try {
  process.exitCode = await main();
} catch (error) {
  const known = error instanceof StartError || (error instanceof Error && 'syscall' in error);
  process.stderr.write(`${known ? error.message : error instanceof Error ? error.stack : error}\n`);
  // What was opened before the failure, such as the health server, would keep the process alive.
  process.exit(1);
}
