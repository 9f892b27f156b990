import { type EngineError, parseEngineError } from '../engines/errors.ts';
import { errorBody, type Refusal } from '../errors.ts';
import type { EnginePath } from '../request/endpoints.ts';
import type { AnswerRelay } from './answer-relay.ts';
import { findUsage, type TokenUsage } from './usage.ts';

/** Frames larger than this are passed on in pieces, unread: nothing is held without a bound. */
const MAX_HELD_BYTES = 4 * 1024 * 1024;

const LF = 0x0a;
const FRAME_END = Buffer.from('\n\n');
const FRAME_END_CRLF = Buffer.from('\r\n\r\n');
const USAGE = Buffer.from('"usage"');
const ERROR_DATA = Buffer.from('data: {"error"');
const ERROR_EVENT = Buffer.from('event: error');
/** vLLM ends running answers so when it is stopped, with status 200 and `[DONE]`: not an end that was asked for. */
const ABORTED = Buffer.from('"finish_reason":"abort"');
const DONE = Buffer.from('data: [DONE]');
const RESPONSE_ENDS = ['completed', 'incomplete', 'failed'].map((end) =>
  Buffer.from(`event: response.${end}`),
);
const NO_CHOICES = /"choices":\s*\[\]/;

export interface SseRelayOptions {
  path: EnginePath;
  /** Whether frames that only carry usage are kept from the client. */
  hideUsage: boolean;
}

/**
 * For answers as server-sent events. Only whole frames are passed on, so that whatever happens to the engine, an
 * error event can follow; the last frame waits for the engine's end. Frames are searched for a few byte strings, not
 * parsed: that keeps the cost of a frame in microseconds.
 *
 * Bytes that a model wrote cannot imitate the marks: inside a JSON string a quote is escaped and a line end too, so
 * a frame that begins with one was written by the engine.
 */
export function createSseRelay({ path, hideUsage }: SseRelayOptions): AnswerRelay {
  const ends = path === '/v1/responses' ? RESPONSE_ENDS : [DONE];
  // A chunk without any of these is passed on as it is, however many frames it has.
  const marks = [USAGE, ERROR_DATA, ERROR_EVENT, ABORTED, ...ends];
  let held: Buffer | undefined;
  let last: Buffer | undefined;
  let usage: TokenUsage | undefined;
  let failure: EngineError | undefined;

  /** What the client gets of one frame. */
  const inspect = (frame: Buffer): Buffer | undefined => {
    if (isError(frame)) {
      failure = parseEngineError(200, dataOf(frame));
      return undefined;
    }
    if (frame.includes(ABORTED)) {
      failure = { status: 500, message: undefined, param: undefined };
      return undefined;
    }
    const final = ends.some((end) => startsWith(frame, end));
    const hasUsage = frame.includes(USAGE) && (path !== '/v1/responses' || final);
    const found = hasUsage ? findUsage(frame) : undefined;
    if (found !== undefined) usage = found;
    if (final) {
      last = frame;
      return undefined;
    }
    return found !== undefined && hideUsage && NO_CHOICES.test(frame.toString('latin1')) ? undefined : frame;
  };

  const inspectAll = (frames: Buffer): Buffer | undefined => {
    const kept: Buffer[] = [];
    for (let rest = frames; rest.length > 0 && failure === undefined; ) {
      const end = firstFrameEnd(rest);
      const frame = inspect(rest.subarray(0, end));
      if (frame !== undefined) kept.push(frame);
      rest = rest.subarray(end);
    }
    return kept.length === 0 ? undefined : Buffer.concat(kept);
  };

  return {
    push(chunk) {
      if (failure !== undefined) return undefined;
      const data = held === undefined ? chunk : Buffer.concat([held, chunk]);
      const end = data.length > MAX_HELD_BYTES ? data.length : lastFrameEnd(data);
      held = end === data.length ? undefined : data.subarray(end);
      if (end === 0) return undefined;
      const frames = data.subarray(0, end);
      return marks.some((mark) => frames.includes(mark)) ? inspectAll(frames) : frames;
    },
    end: () => ({ rest: last, complete: last !== undefined && held === undefined }),
    get usage() {
      return usage;
    },
    get failure() {
      return failure;
    },
  };
}

/** The event that tells a client why its stream ends early, in the form of the endpoint. */
export function errorEvent(refusal: Refusal, path: EnginePath): string {
  const body = errorBody(refusal);
  // Two line ends first: they finish a frame that a huge one may have left open, and mean nothing otherwise.
  if (path !== '/v1/responses') return `\n\ndata: ${body}\n\n`;
  const { code, message, param } = refusal;
  const event = JSON.stringify({ type: 'error', code, message, param, ...JSON.parse(body) });
  return `\n\nevent: error\ndata: ${event}\n\n`;
}

function isError(frame: Buffer): boolean {
  return startsWith(frame, ERROR_DATA) || startsWith(frame, ERROR_EVENT);
}

function startsWith(frame: Buffer, start: Buffer): boolean {
  return frame.length >= start.length && frame.compare(start, 0, start.length, 0, start.length) === 0;
}

/** The data of a frame, its lines joined. */
function dataOf(frame: Buffer): string {
  const lines = frame.toString('utf8').split(/\r?\n/);
  return lines
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice('data:'.length))
    .join('\n');
}

function firstFrameEnd(data: Buffer): number {
  const ends = [
    endOf(data.indexOf(FRAME_END), FRAME_END),
    endOf(data.indexOf(FRAME_END_CRLF), FRAME_END_CRLF),
  ];
  const first = Math.min(...ends.filter((end) => end > 0));
  return Number.isFinite(first) ? first : data.length;
}

/** Index after the last complete frame; 0 when there is none. */
function lastFrameEnd(data: Buffer): number {
  const length = data.length;
  // By far the most chunks are exactly one or more frames.
  if (data[length - 1] === LF && data[length - 2] === LF) return length;
  return Math.max(
    endOf(data.lastIndexOf(FRAME_END), FRAME_END),
    endOf(data.lastIndexOf(FRAME_END_CRLF), FRAME_END_CRLF),
  );
}

function endOf(at: number, mark: Buffer): number {
  return at < 0 ? 0 : at + mark.length;
}
