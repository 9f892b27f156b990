/** The part of a pino logger that this layer uses: fields first, then a fixed message. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(bindings: Record<string, unknown>): Logger;
}

/** Drops everything; the default where no logger is given. */
export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLogger,
};

/**
 * What may be logged of an unknown error: its name, message and code. Never the object itself: errors of HTTP
 * libraries carry headers, and those carry tokens.
 */
export function describeError(error: unknown): { error: string; reason?: string; status?: number } {
  if (!(error instanceof Error)) return { error: String(error) };
  const described: { error: string; reason?: string; status?: number } = {
    error: `${error.name}: ${error.message}`,
  };
  if ('reason' in error && typeof error.reason === 'string') described.reason = error.reason;
  if ('status' in error && typeof error.status === 'number') described.status = error.status;
  return described;
}
