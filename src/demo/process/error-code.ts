/**
 * Whether a system error has this code, such as `ENOENT`. Looks at the shape and not the class: an error
 * that Node itself throws is no instance of the `Error` of another realm, which is what Jest runs tests in.
 */
export function hasErrorCode(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  const hasMessage = typeof error === 'object' && error !== null && 'message' in error;
  return hasMessage ? String(error.message) : String(error);
}
