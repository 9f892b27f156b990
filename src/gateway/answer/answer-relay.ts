import type { EngineError } from '../engines/errors.ts';
import { findUsage, type TokenUsage } from './usage.ts';

/** Passes an engine's answer on, piece by piece, and reads from it only what the gateway must know. */
export interface AnswerRelay {
  /** What may go to the client now. */
  push(chunk: Buffer): Buffer | undefined;
  /** The engine ended its answer: what is still to be sent, and whether nothing is missing. */
  end(): { readonly rest: Buffer | undefined; readonly complete: boolean };
  /** As far as the engine reported it. */
  readonly usage: TokenUsage | undefined;
  /** An error that the engine put into its answer; nothing that follows it is passed on. */
  readonly failure: EngineError | undefined;
}

/** vLLM writes usage near the end of an answer; what follows is shorter than this by far. */
const TAIL_BYTES = 64 * 1024;

/**
 * For answers in one piece of JSON. Keeps one chunk back, so that the answer ends only when the caller says so, and
 * remembers the last 64 KiB to find the usage there.
 */
export function createJsonRelay(): AnswerRelay {
  let pending: Buffer | undefined;
  let usage: TokenUsage | undefined;
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
      usage = findUsage(tail.length === 1 && pending !== undefined ? pending : Buffer.concat(tail));
      return { rest: pending, complete: true };
    },
    get usage() {
      return usage;
    },
    failure: undefined,
  };
}
