import { type DestinationStream, pino } from 'pino';
import type { Logger } from '../kube/log.ts';
import { withoutSecretFields, withoutSecretText } from './redaction.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LoggerOptions {
  /** Name of the process, in every line. */
  name: string;
  level: LogLevel;
  /** Default: standard output, see {@link batchedOutput}. */
  destination?: DestinationStream;
}

/** As much as is written at once. */
const BATCH_CHARACTERS = 60 * 1024;
/** Between two writes while lines come without end. */
const BATCH_MS = 50;
/** Of lines that nobody reads. Beyond that they are lost. */
const MAX_UNREAD_BYTES = 16 * 1024 * 1024;

/**
 * Standard output, many lines at once while many come: a system call for each would be a tenth of what a request
 * costs. Whoever reads them may stop to read: the process goes on, and when lines were lost for that, a line says how
 * many batches.
 *
 * A process that exits, also because of an error, writes what it holds; one that is killed may lose the last 50 ms.
 */
function batchedOutput(name: string): DestinationStream {
  const output = pino.destination({ dest: 1, sync: false, maxLength: MAX_UNREAD_BYTES });
  let held = '';
  let isScheduled = false;
  let flushedMs = Number.NEGATIVE_INFINITY;
  let lost = 0;
  const flush = (): void => {
    const text = held;
    held = '';
    isScheduled = false;
    flushedMs = performance.now();
    if (text !== '') output.write(text);
  };
  output.on('drop', () => {
    lost += 1;
  });
  output.on('drain', () => {
    if (lost === 0) return;
    const line = { level: 'warn', time: new Date().toISOString(), name, lost, msg: LOST_LINES };
    lost = 0;
    output.write(`${JSON.stringify(line)}\n`);
  });
  process.on('exit', () => {
    output.flushSync();
    // Node cancels a write that was begun now and no thread has taken up.
    if (held !== '') pino.destination({ dest: 1, sync: true }).write(held);
  });
  return {
    write(line) {
      held += line;
      if (held.length > BATCH_CHARACTERS) return flush();
      if (isScheduled) return;
      isScheduled = true;
      const waitMs = flushedMs + BATCH_MS - performance.now();
      if (waitMs > 0) setTimeout(flush, waitMs).unref();
      else setImmediate(flush);
    },
  };
}

const LOST_LINES = 'Batches of log lines were lost, because whatever reads them had stopped to read';

/**
 * One JSON object a line, times as RFC 3339. No line holds a student's key or a token: fields that hold secrets are
 * cleared at any depth, and the finished line is searched for what looks like one.
 */
export function createLogger(options: LoggerOptions): Logger {
  const destination = options.destination ?? batchedOutput(options.name);
  return pino(
    {
      name: options.name,
      level: options.level,
      base: undefined,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label }),
        log: (fields) => withoutSecretFields(fields) as Record<string, unknown>,
      },
    },
    { write: (line) => void destination.write(withoutSecretText(line)) },
  );
}
