import type { Sequence } from '../engine/scheduler.ts';

/** What became of one request, for tests and for anyone who embeds the simulator. */
export interface RequestRecord {
  readonly id: string;
  readonly path: string;
  /** As the answer names it. */
  readonly model: string;
  readonly promptTokens: number;
  readonly priority: number;
  readonly cacheSalt: string | undefined;
  /** Of all choices together. */
  readonly generatedTokens: number;
  readonly cachedTokens: number;
  readonly state: 'waiting' | 'running' | 'finished' | 'aborted';
}

/** A request as the log keeps it; the sequences are the engine's own. */
export interface LoggedRequest {
  readonly id: string;
  readonly path: string;
  readonly model: string;
  readonly promptTokens: number;
  readonly priority: number;
  readonly cacheSalt: string | undefined;
  sequences: readonly Sequence[];
}

const KEPT = 10_000;

function stateOf(sequences: readonly Sequence[]): RequestRecord['state'] {
  if (sequences.some(({ state }) => state === 'aborted')) return 'aborted';
  if (sequences.some(({ state }) => state === 'running')) return 'running';
  return sequences.length > 0 && sequences.every(({ state }) => state === 'finished')
    ? 'finished'
    : 'waiting';
}

/** The last ten thousand requests in the order of their arrival. */
export class RequestLog {
  readonly #requests: LoggedRequest[] = [];

  add(request: LoggedRequest): void {
    this.#requests.push(request);
    if (this.#requests.length > KEPT) this.#requests.shift();
  }

  get records(): RequestRecord[] {
    return this.#requests.map(({ sequences, ...request }) => ({
      ...request,
      generatedTokens: sequences.reduce((sum, { generatedTokens }) => sum + generatedTokens, 0),
      cachedTokens: sequences[0]?.cachedTokens ?? 0,
      state: stateOf(sequences),
    }));
  }
}
