import { type IncomingMessage, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { type UsageCount, usageReader } from '../../support/engine-tap.ts';
import { seededRandom } from '../../support/seeded-random.ts';
import { CLIENTS, MAX_OUTPUT_TOKENS, MODEL, type Student } from './students.ts';

/**
 * How an ask looked to its client.
 * - `answered`: all of it came
 * - `throttled`: a limit refused it
 * - `failed`: refused with another error before anything of an answer came
 * - `left`: the client closed the connection
 * - `broken`: the connection broke, or the answer ended with an error
 */
export type Ending = 'answered' | 'throttled' | 'failed' | 'left' | 'broken';

/** A gateway from its start to its end. */
export interface GatewayRun {
  readonly url: string;
  wasKilled: boolean;
}

export interface Ask {
  readonly student: Student;
  readonly gateway: GatewayRun;
  /** In the prompt, so that the engine's side can be told apart too. */
  readonly name: string;
  /** The prompt as it was sent. */
  readonly prompt: string;
  /** On the monotonic clock. */
  readonly askedMs: number;
  /** When status and headers came. */
  headedMs: number | undefined;
  status: number;
  code: string | undefined;
  ending: Ending | undefined;
  /** The last count that the client was told. */
  usage: UsageCount | undefined;
}

/** Many clients that ask again and again, some of which leave early. */
export interface Crowd {
  readonly asks: readonly Ask[];
  /** No client asks any more; resolves when the last one is done. */
  dismiss(): Promise<void>;
}

export interface CrowdOptions {
  readonly seed: number;
  /** Part of the asks at which the client leaves, 0 to 1. */
  readonly leaving: number;
  /** The gateway that is asked next, by a number from 0 to 1; resolves when it takes requests. */
  readonly gatewayFor: (chance: number) => Promise<GatewayRun>;
}

/** Lets all clients ask until they are dismissed. Each has at most one request open. */
export function gather({ seed, leaving, gatewayFor }: CrowdOptions): Crowd {
  const asks: Ask[] = [];
  const dismissed = new AbortController();
  const run = async (student: Student, client: number): Promise<void> => {
    const random = seededRandom(seed * CLIENTS.length + client);
    for (let number = 0; !dismissed.signal.aborted; number++) {
      const gateway = await gatewayFor(random());
      if (dismissed.signal.aborted) return;
      const name = `${student.id}-${client}-${number}`;
      const ask = askOf(student, gateway, name, random);
      asks.push(ask);
      const leaveAfter = random() < leaving ? Math.floor(random() * MAX_OUTPUT_TOKENS) : undefined;
      const waitMs = await perform(ask, { stream: random() < 0.8, leaveAfter });
      if (waitMs === undefined) return;
      // As official clients do, and like them never longer than a minute.
      if (waitMs > 0) await delay(waitMs, undefined, { signal: dismissed.signal }).catch(() => {});
    }
  };
  const clients = CLIENTS.map(({ student }, client) => run(student, client));
  return {
    asks,
    async dismiss() {
      dismissed.abort();
      await Promise.all(clients);
    },
  };
}

function askOf(student: Student, gateway: GatewayRun, name: string, random: () => number): Ask {
  const prompt = `[${name}] Explain a ${'very '.repeat(Math.floor(random() * 20))}short loop.`;
  const nothing = { headedMs: undefined, status: 0, code: undefined, ending: undefined, usage: undefined };
  return { student, gateway, name, prompt, askedMs: performance.now(), ...nothing };
}

/** The name of the ask that a body came from. */
export function askNamed(body: string): string | undefined {
  return /\[([a-z]+-[a-z]+-\d+-\d+)\]/.exec(body)?.[1];
}

interface Manner {
  readonly stream: boolean;
  /** Pieces of the answer after which the client leaves; 0: as soon as it has asked. */
  readonly leaveAfter: number | undefined;
}

/** @returns ms after which to ask again; undefined when that is in vain */
function perform(ask: Ask, { stream, leaveAfter }: Manner): Promise<number | undefined> {
  const { promise, resolve } = Promise.withResolvers<number | undefined>();
  const end: Reading['end'] = (ending, waitMs) => {
    ask.ending ??= ending;
    resolve(waitMs);
  };
  const asking = request(`${ask.gateway.url}/v1/chat/completions`, {
    method: 'POST',
    agent: false,
    headers: { authorization: `Bearer ${ask.student.key}`, 'content-type': 'application/json' },
  });
  const leave = (): void => {
    end('left', 0);
    asking.destroy();
  };
  asking.on('error', () => end('broken', 0));
  asking.on('response', (answer) => {
    ask.headedMs = performance.now();
    ask.status = answer.statusCode ?? 0;
    readAnswer(ask, answer, { leaveAfter, leave, end });
  });
  const { prompt } = ask;
  const streaming = { stream, stream_options: { include_usage: true, continuous_usage_stats: true } };
  const body = { model: MODEL, messages: [{ role: 'user', content: prompt }], ...(stream ? streaming : {}) };
  asking.end(JSON.stringify(body), () => {
    if (leaveAfter === 0) leave();
  });
  return promise;
}

const errorSchema = z.object({ error: z.object({ code: z.string() }) });

interface Reading {
  readonly leaveAfter: number | undefined;
  readonly leave: () => void;
  /** The first one counts. */
  readonly end: (ending: Ending, waitMs: number | undefined) => void;
}

function readAnswer(ask: Ask, answer: IncomingMessage, { leaveAfter, leave, end }: Reading): void {
  const reader = usageReader();
  let text = '';
  let pieces = 0;
  answer.setEncoding('utf8');
  answer.on('data', (piece: string) => {
    text += piece;
    reader.read(piece);
    ask.usage = reader.usage;
    pieces += 1;
    if (ask.status === 200 && pieces === leaveAfter) leave();
  });
  answer.on('error', () => end('broken', 0));
  answer.on('end', () => {
    if (ask.status === 200) {
      end(text.includes('\n\ndata: {"error"') ? 'broken' : 'answered', 0);
      return;
    }
    ask.code = errorSchema.parse(JSON.parse(text)).error.code;
    const waitMs = Number(answer.headers['retry-after-ms'] ?? 1_000);
    const isInVain = answer.headers['x-should-retry'] === 'false';
    end(ask.status === 429 ? 'throttled' : 'failed', isInVain ? undefined : waitMs);
  });
}
