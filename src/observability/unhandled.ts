import { describeError, type Logger } from '../kube/log.ts';

/**
 * Ends the process with 1 after a failure that nobody handles, and says so in the log: Node's own report would print
 * the error as it is, past the log's redaction.
 */
export function endWhenUnhandled(process: NodeJS.Process, log: Logger): void {
  for (const event of ['unhandledRejection', 'uncaughtException'] as const) {
    process.on(event, (error: unknown) => {
      log.error(describeError(error), 'A failure that nobody handles; the process ends');
      process.exit(1);
    });
  }
}
