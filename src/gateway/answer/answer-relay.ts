import type { EngineError } from '../engines/errors.ts';
import type { TokenUsage } from '../token-usage.ts';
import { findUsage } from './usage.ts';

/** Passes an engine's answer on, piece by piece, and reads from it only what the gateway must know. */
export interface AnswerRelay {
  /** What may go to the client now. The chunk is the relay's from here on. */
  push(chunk: Buffer): Buffer | undefined;
  /** The engine ended its answer: what is still to be sent, and whether nothing is missing. */
  end(): { readonly rest: Buffer | undefined; readonly complete: boolean };
  /** Something of an answer came: not only comments, or an error in its place. */
  readonly begun: boolean;
  /** The engine's last count. */
  readonly usage: TokenUsage | undefined;
  /** Output tokens that came, as the engine counts them, or where it does not, one for each piece of text. */
  readonly seenTokens: number;
  /** An error that the engine put into its answer; nothing that follows it is passed on. */
  readonly failure: EngineError | undefined;
}

/** vLLM writes usage near the end of an answer; what follows is shorter than this by far. */
const TAIL_BYTES = 64 * 1024;

/**
 * How vLLM ends running answers when it is stopped: with status 200, and `[DONE]` in a stream. Not an end that
 * anybody asked for.
 */
export const ABORTED = Buffer.from('"finish_reason":"abort"');
export const ABORT_FAILURE: EngineError = { status: 500, message: undefined, param: undefined };

export interface JsonRelayOptions {
  /**
   * The answer is one of chat or completions, which say why they finished. Others repeat parts of the request, where a
   * student could write the same: their metadata must not look like an engine's failure.
   */
  readonly saysWhyFinished: boolean;
}

/**
 * For answers in one piece of JSON. Keeps one chunk back, so that the answer ends only when the caller says so, and
 * remembers the last 64 KiB to find the usage there.
 */
export function createJsonRelay({ saysWhyFinished }: JsonRelayOptions): AnswerRelay {
  let pending: Buffer | undefined;
  let usage: TokenUsage | undefined;
  let failure: EngineError | undefined;
  const tail: Buffer[] = [];
  let tailBytes = 0;

  const remember = (chunk: Buffer): void => {
    tail.push(chunk);
    tailBytes += chunk.length;
    for (
      let first = tail[0];
      first !== undefined && tailBytes - first.length >= TAIL_BYTES;
      first = tail[0]
    ) {
      tail.shift();
      tailBytes -= first.length;
    }
  };

  return {
    push(chunk) {
      const previous = pending;
      pending = chunk;
      remember(chunk);
      return previous;
    },
    end() {
      const last = tail.length === 1 && pending !== undefined ? pending : Buffer.concat(tail);
      usage = findUsage(last)?.usage;
      if (saysWhyFinished && last.includes(ABORTED)) failure = ABORT_FAILURE;
      return { rest: pending, complete: failure === undefined };
    },
    get begun() {
      return pending !== undefined;
    },
    get usage() {
      return usage;
    },
    get seenTokens() {
      return usage?.completionTokens ?? 0;
    },
    get failure() {
      return failure;
    },
  };
}
