import { Agent, request } from 'undici';
import { z } from 'zod';
import { readText } from '../http/read-text.ts';
import type { Clock } from '../kube/clock.ts';

/** One request of the operator to one engine. */
export interface EngineCall {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: object;
  /** For the whole exchange. */
  readonly timeoutMs: number;
}

/** What came of it. */
export type EngineAnswer =
  | { readonly kind: 'answered'; readonly status: number; readonly text: string }
  | {
      readonly kind: 'unanswered';
      /**
       * `unreachable`: the engine never got the request. `late`: no answer in time; it may still carry it out. `cut`:
       * the connection ended before the answer was complete.
       */
      readonly cause: 'unreachable' | 'late' | 'cut';
      readonly why: string;
    };

/**
 * Asks an engine. Never rejects.
 *
 * @param origin such as `http://10.0.0.7:8000`
 * @param signal ends the request early; the answer then does not matter
 */
export type CallEngine = (origin: string, call: EngineCall, signal: AbortSignal) => Promise<EngineAnswer>;

export interface EngineCaller {
  readonly call: CallEngine;
  /** Ends what runs. */
  close(): Promise<void>;
}

/** vLLM's longest answer, its metrics, has about 50 KiB. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
const CONNECT_TIMEOUT_MS = 3_000;

/** Asks engines over connections of their own: the operator asks too seldom to keep any. */
export function createEngineCaller(clock: Pick<Clock, 'setTimeout'>): EngineCaller {
  const dispatcher = new Agent({
    pipelining: 0,
    connect: { timeout: CONNECT_TIMEOUT_MS },
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  return {
    async call(origin, { method, path, body, timeoutMs }, signal) {
      const late = new AbortController();
      const timer = clock.setTimeout(() => late.abort(), timeoutMs);
      try {
        const answer = await request(`${origin}${path}`, {
          dispatcher,
          method,
          signal: AbortSignal.any([signal, late.signal]),
          ...(body === undefined
            ? {}
            : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
        });
        const text = await readText(answer.body, MAX_ANSWER_BYTES);
        return { kind: 'answered', status: answer.statusCode, text };
      } catch (error) {
        if (late.signal.aborted) {
          return { kind: 'unanswered', cause: 'late', why: `no answer within ${timeoutMs / 1000} s` };
        }
        return { kind: 'unanswered', ...failureOf(error) };
      } finally {
        timer.cancel();
      }
    },
    close: () => dispatcher.destroy(),
  };
}

const UNREACHABLE: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'ENOTFOUND',
  'UND_ERR_CONNECT_TIMEOUT',
]);

const failureSchema = z.object({ code: z.string().default(''), message: z.string().default('') });

function failureOf(error: unknown): { cause: 'unreachable' | 'cut'; why: string } {
  const { code, message } = failureSchema.safeParse(error).data ?? { code: '', message: String(error) };
  return { cause: UNREACHABLE.has(code) ? 'unreachable' : 'cut', why: message === '' ? code : message };
}
