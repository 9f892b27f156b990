import { readSync } from 'node:fs';

const STANDARD_INPUT = 0;
const CHUNK_BYTES = 64 * 1024;
const PAUSE_MS = 10;

/** Reads into the buffer: the number of bytes, 0 at the end; throws EAGAIN while there is nothing to read yet. */
export type ReadChunk = (buffer: Uint8Array) => number;

/**
 * All of the standard input as text. Waits for whoever writes it: a pipe does not block once something has imported
 * `node:process`, so that `readFileSync` would fail while `kubectl get` is still asking.
 *
 * @param read for tests
 * @param pause waits a little; for tests
 * @throws what reading throws but EAGAIN
 */
export function readStandardInput(
  read: ReadChunk = (buffer) => readSync(STANDARD_INPUT, buffer),
  pause: () => void = waitShortly,
): string {
  const buffer = new Uint8Array(CHUNK_BYTES);
  const decoder = new TextDecoder();
  let text = '';
  for (;;) {
    const count = readOrWait(read, buffer, pause);
    if (count === 0) return text + decoder.decode();
    text += decoder.decode(buffer.subarray(0, count), { stream: true });
  }
}

function readOrWait(read: ReadChunk, buffer: Uint8Array, pause: () => void): number {
  for (;;) {
    try {
      return read(buffer);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error;
      pause();
    }
  }
}

function waitShortly(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
}
