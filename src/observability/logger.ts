import { type DestinationStream, pino } from 'pino';
import type { Logger } from '../kube/log.ts';
import { withoutSecretFields, withoutSecretText } from './redaction.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LoggerOptions {
  /** Name of the process, in every line. */
  name: string;
  level: LogLevel;
  /** Default: standard output, written at once so that nothing is lost when the process dies. */
  destination?: DestinationStream;
}

/**
 * One JSON object a line, times as RFC 3339. No line holds a student's key or a token: fields that hold secrets are
 * cleared at any depth, and the finished line is searched for what looks like one.
 */
export function createLogger(options: LoggerOptions): Logger {
  const destination = options.destination ?? pino.destination({ dest: 1, sync: true });
  return pino(
    {
      name: options.name,
      level: options.level,
      base: undefined,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label }),
        log: (fields) => ({ ...(withoutSecretFields(fields) as Record<string, unknown>) }),
      },
    },
    { write: (line) => void destination.write(withoutSecretText(line)) },
  );
}
