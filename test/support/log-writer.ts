import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { createLogger } from '../../src/observability/logger.ts';

/**
 * Logs far more than anybody holds for it, says so on standard error, and logs one line more when its input ends.
 * Started by tests, with the number of lines of 1 KiB.
 */
const log = createLogger({ name: 'writer', level: 'info' });
const filler = 'x'.repeat(1_000);
for (let line = 0; line < Number(process.argv[2]); line++) {
  log.info({ line, filler }, 'one of many');
  if (line % 100 === 0) await setImmediate();
}
process.stderr.write('went on');
process.stdin.resume();
await once(process.stdin, 'end');
log.info({}, 'the last one');
