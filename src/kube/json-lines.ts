/** A line of a watch was longer than allowed; reading on would have to hold it all in memory. */
export class LineTooLongError extends Error {
  constructor(maxBytes: number) {
    super(`A line of the watch is longer than ${maxBytes} bytes`);
    this.name = 'LineTooLongError';
  }
}

/** The stream ended inside a line: the connection was cut, however politely. */
export class TruncatedLineError extends Error {
  constructor() {
    super('The watch ended in the middle of an event');
    this.name = 'TruncatedLineError';
  }
}

const newline = 0x0a;

/**
 * The JSON value of each line of a byte stream. Chunks may cut lines, and characters, anywhere.
 *
 * @throws LineTooLongError, TruncatedLineError, SyntaxError for a line that is not JSON
 */
export async function* jsonLines(
  chunks: AsyncIterable<Uint8Array>,
  maxLineBytes: number,
): AsyncGenerator<unknown, void, void> {
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      const tail = chunk.subarray(start, end);
      if (pendingBytes + tail.length > maxLineBytes) throw new LineTooLongError(maxLineBytes);
      const line = Buffer.concat([...pending, tail])
        .toString('utf8')
        .trim();
      pending = [];
      pendingBytes = 0;
      start = end + 1;
      if (line !== '') yield JSON.parse(line);
    }
    if (start < chunk.length) {
      pending.push(chunk.subarray(start));
      pendingBytes += chunk.length - start;
      if (pendingBytes > maxLineBytes) throw new LineTooLongError(maxLineBytes);
    }
  }
  if (pendingBytes > 0) throw new TruncatedLineError();
}
