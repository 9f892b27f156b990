import { describe, expect, test } from '@jest/globals';
import { type ReadChunk, readStandardInput } from '../../../src/cli/standard-input.ts';

const nothingYet = Object.assign(new Error('EAGAIN: resource temporarily unavailable, read'), {
  code: 'EAGAIN',
});

/** Gives what is listed, one a call: bytes, or an error to throw; then the end. */
function pipe(...events: (Uint8Array | Error)[]): ReadChunk {
  return (buffer) => {
    const event = events.shift();
    if (event === undefined) return 0;
    if (event instanceof Error) throw event;
    buffer.set(event);
    return event.length;
  };
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('the standard input', () => {
  test('is waited for while a pipe has nothing to read yet', () => {
    let pauses = 0;
    const read = pipe(nothingYet, nothingYet, bytes('kind: '), nothingYet, bytes('Classroom'));
    expect(readStandardInput(read, () => pauses++)).toBe('kind: Classroom');
    expect(pauses).toBe(3);
  });

  test('may be cut in the middle of a letter', () => {
    const letter = bytes('ü');
    const read = pipe(letter.subarray(0, 1), letter.subarray(1));
    expect(readStandardInput(read, () => undefined)).toBe('ü');
  });

  test('that cannot be read says so', () => {
    const read = pipe(Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' }));
    expect(() => readStandardInput(read, () => undefined)).toThrow('EIO');
  });
});
