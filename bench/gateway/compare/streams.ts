import { connect } from 'node:net';
import type { Target } from './contender.ts';
import { streamRequest } from './request.ts';

const DATA = Buffer.from('data: ');
const CHUNKS_END = Buffer.from('0\r\n\r\n');

/** One stream, read to its end. */
export interface ReadStream {
  /** From the request to the first frame, ms. */
  readonly firstFrameMs: number;
  /** `data:` lines, `[DONE]` among them. */
  readonly frames: number;
}

/** @throws Error when the connection ends before the answer does, or its status is not 200 */
export function readStream(target: Target, turn: number): Promise<ReadStream> {
  return new Promise((resolve, reject) => {
    const startMs = performance.now();
    let firstFrameMs = Number.NaN;
    let frames = 0;
    let tail: Buffer = Buffer.alloc(0);
    let head = '';
    const socket = connect({ host: target.host, port: target.port, noDelay: true });
    const fail = (why: string): void => {
      socket.destroy();
      reject(new Error(`a stream broke after ${frames} frames: ${why}; ${head}`));
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
      resolve({ firstFrameMs, frames });
    });
    socket.write(streamRequest(target, turn));
  });
}
