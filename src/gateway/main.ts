import { randomBytes } from 'node:crypto';
import { API_KEY_RANDOM_BYTES, generateApiKey, hashApiKey } from '../student/api-key.ts';
import { podAddress } from './engine-pods.ts';
import { parseCommandLine } from './options.ts';
import { StartError, startGateway } from './process.ts';

async function main(): Promise<void> {
  const commandLine = parseCommandLine(process.argv.slice(2), process.env);
  switch (commandLine.kind) {
    case 'show':
      process.stdout.write(commandLine.text);
      return;
    case 'invalid':
      process.stderr.write(`${commandLine.faults.join('\n')}\nSee --help.\n`);
      process.exitCode = 2;
      return;
    case 'new-key': {
      const key = generateApiKey(randomBytes(API_KEY_RANDOM_BYTES));
      process.stdout.write(`key: ${key}\nkeySha256: ${hashApiKey(key)}\n`);
      return;
    }
    case 'run':
      await startGateway({
        settings: commandLine.settings,
        env: process.env,
        addressOf: podAddress,
        onStarted: (stop) => {
          for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void stop());
        },
      });
  }
}

try {
  await main();
} catch (error) {
  const known = error instanceof StartError || (error instanceof Error && 'syscall' in error);
  process.stderr.write(`${known ? error.message : error instanceof Error ? error.stack : error}\n`);
  process.exitCode = 1;
}
