import { type DestinationStream, pino } from 'pino';
import type { Logger } from '../kube/log.ts';
import { withoutSecretFields, withoutSecretText } from './redaction.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LoggerOptions {
  /** Name of the process, in every line. */
  name: string;
  level: LogLevel;
  /** Default: standard output, see {@link standardOutput}. */
  destination?: DestinationStream;
}

/** Many lines in one turn of the event loop must not become one huge text. */
const MAX_HELD_CHARACTERS = 64 * 1024;

/**
 * Writes the lines of each turn of the event loop at once: a system call for each line would be a tenth of what a request
 * costs. A process that exits, also because of an error, writes what it holds; one that is killed may lose the lines of
 * its last turn.
 */
function standardOutput(): DestinationStream {
  const output = pino.destination({ dest: 1, sync: true });
  let held = '';
  const flush = (): void => {
    const text = held;
    held = '';
    if (text !== '') output.write(text);
  };
  process.on('exit', flush);
  return {
    write(line) {
      if (held === '') setImmediate(flush);
      held += line;
      if (held.length > MAX_HELD_CHARACTERS) flush();
    },
  };
}

/**
 * One JSON object a line, times as RFC 3339. No line holds a student's key or a token: fields that hold secrets are
 * cleared at any depth, and the finished line is searched for what looks like one.
 */
export function createLogger(options: LoggerOptions): Logger {
  const destination = options.destination ?? standardOutput();
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
