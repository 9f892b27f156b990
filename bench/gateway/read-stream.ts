import { connect } from 'node:net';
import type { Target } from './compare/contender.ts';

const DATA = Buffer.from('data: ');
const CHUNKS_END = Buffer.from('0\r\n\r\n');

/** One stream, read until it ended or broke. */
export interface ReadStream {
  /** From the request to the first frame, ms; NaN when there was none. */
  readonly firstFrameMs: number;
  /** `data:` lines, `[DONE]` among them. */
  readonly frames: number;
  /** Why it did not come to its end. */
  readonly broken: string | undefined;
}

/** Never rejects: a stream that breaks is a figure of whoever broke it. */
export function readStream(
  { host, port }: Pick<Target, 'host' | 'port'>,
  request: string,
): Promise<ReadStream> {
  return new Promise((resolve) => {
    const startMs = performance.now();
    let firstFrameMs = Number.NaN;
    let frames = 0;
    let tail: Buffer = Buffer.alloc(0);
    let head = '';
    const socket = connect({ host, port, noDelay: true });
    const fail = (why: string): void => {
      socket.destroy();
      resolve({ firstFrameMs, frames, broken: `after ${frames} frames: ${why}; ${head}` });
    };
    socket.once('error', (error) => fail(error.message));
    socket.once('close', () => fail('closed'));
    socket.on('data', (chunk: Buffer) => {
      if (head === '') head = chunk.toString('latin1', 0, 400);
      if (!head.startsWith('HTTP/1.1 200')) return fail('not 200');
      const data = tail.length === 0 ? chunk : Buffer.concat([tail, chunk]);
      let after = 0;
      for (let at = data.indexOf(DATA); at >= 0; at = data.indexOf(DATA, after)) {
        frames += 1;
        after = at + DATA.length;
      }
      if (frames > 0 && Number.isNaN(firstFrameMs)) firstFrameMs = performance.now() - startMs;
      const ended = data.subarray(-CHUNKS_END.length).equals(CHUNKS_END);
      tail = Buffer.from(data.subarray(Math.max(after, data.length - DATA.length + 1)));
      if (!ended) return;
      socket.removeAllListeners('close');
      socket.destroy();
      resolve({ firstFrameMs, frames, broken: undefined });
    });
    socket.write(request);
  });
}
