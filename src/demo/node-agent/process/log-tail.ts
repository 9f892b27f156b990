import { open } from 'node:fs/promises';
import { hasErrorCode } from '../../process/error-code.ts';

/**
 * What FallbackToLogsOnError takes: the last 2048 bytes or 80 lines, whichever is less.
 * https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/
 */
export const TERMINATION_MESSAGE_BYTES = 2048;
export const TERMINATION_MESSAGE_LINES = 80;
/** Of a termination log: its last bytes. */
export const TERMINATION_LOG_BYTES = 4096;

/** The end of a text file, cut at whole characters; empty when there is no file. */
export async function readTail(path: string, maxBytes: number, maxLines: number): Promise<string> {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return '';
    throw error;
  }
  try {
    const { size } = await file.stat();
    const buffer = Buffer.alloc(Math.min(size, maxBytes));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, size - buffer.length);
    return lastLines(wholeCharacters(buffer.subarray(0, bytesRead)).toString('utf8'), maxLines);
  } finally {
    await file.close();
  }
}

/** @param text a text that may end with a newline */
export function lastLines(text: string, maxLines: number): string {
  const lines = text.split('\n');
  const extra = text.endsWith('\n') ? 1 : 0;
  return lines.slice(-(maxLines + extra)).join('\n');
}

/** Drops the rest of a UTF-8 character that the cut went through: continuation bytes are 10xxxxxx. */
function wholeCharacters(bytes: Buffer): Buffer {
  let start = 0;
  while (start < Math.min(3, bytes.length) && ((bytes[start] ?? 0) & 0xc0) === 0x80) start += 1;
  return bytes.subarray(start);
}
