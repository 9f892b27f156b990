import { setTimeout as delay } from 'node:timers/promises';
import { serviceOf } from '../../../src/gateway/queue/vtc.ts';
import { seededRandom } from '../../../test/support/seeded-random.ts';
import { ask } from './ask.ts';
import type { School } from './school.ts';

/** Before figures are taken: until the queue is as full as it gets. */
const WARM_UP_MS = 8_000;
/** Of one answer, drawn evenly between them. */
const OUTPUT_TOKENS = { least: 60, most: 300 };
const PROMPT_WORDS = { least: 20, most: 120 };
/** Of a student who asks now and then, between two requests in the mean. */
const LIGHT_GAP_MS = 5_000;

export interface LoadFigures {
  /** Of the light students' requests, ms. */
  readonly firstTokenMs: readonly number[];
  /** Of the engine, prompt and completion. */
  readonly tokensPerSecond: number;
  /** Prompt tokens + 2 × completion tokens that each student got, in the order of the students. */
  readonly service: readonly number[];
}

export interface LoadOptions {
  /** Requests that each student keeps open; 0: a light student who asks now and then. */
  readonly open: readonly number[];
  readonly seconds: number;
  readonly seed: number;
}

/** Lets all students ask, and looks at a stretch of it. */
export async function measureLoad(
  school: School,
  { open, seconds, seed }: LoadOptions,
): Promise<LoadFigures> {
  const over = new AbortController();
  const firstTokenMs: number[] = [];
  const service = open.map(() => 0);
  let isMeasured = false;
  // One sequence for all, so that whoever is served, the engine gets the same mix of sizes.
  const sizes = seededRandom(seed);
  const askOnce = async (student: number, random: () => number): Promise<number | undefined> => {
    const within = ({ least, most }: { least: number; most: number }): number =>
      least + Math.floor(sizes() * (most - least + 1));
    let before = 0;
    return ask({
      url: school.gateways[Math.floor(random() * school.gateways.length)] ?? '',
      key: school.keys[student] ?? '',
      outputTokens: within(OUTPUT_TOKENS),
      words: within(PROMPT_WORDS),
      signal: over.signal,
      onTokens(promptTokens, completionTokens) {
        const now = serviceOf(promptTokens, completionTokens);
        if (isMeasured) service[student] = (service[student] ?? 0) + now - before;
        before = now;
      },
    });
  };
  const light = async (student: number, random: () => number): Promise<void> => {
    const running: Promise<void>[] = [];
    for (;;) {
      // The gaps of a Poisson process.
      await delay(-Math.log(1 - random()) * LIGHT_GAP_MS, undefined, { signal: over.signal }).catch(() => {});
      if (over.signal.aborted) break;
      const counts = isMeasured;
      running.push(
        askOnce(student, random).then((ms) => {
          if (counts && ms !== undefined) firstTokenMs.push(ms);
        }),
      );
    }
    await Promise.all(running);
  };
  const heavy = async (student: number, random: () => number): Promise<void> => {
    while (!over.signal.aborted) await askOnce(student, random);
  };
  const clients = open.flatMap((count, student) =>
    Array.from({ length: Math.max(1, count) }, (_, number) => {
      const random = seededRandom(seed * 10_000 + student * 100 + number);
      return count === 0 ? light(student, random) : heavy(student, random);
    }),
  );
  const failed = Promise.all(clients).then(() => {});
  await Promise.race([failed, delay(WARM_UP_MS)]);
  isMeasured = true;
  const startedMs = performance.now();
  const before = await school.engineTokens();
  await Promise.race([failed, delay(seconds * 1_000)]);
  const tokens = (await school.engineTokens()) - before;
  const measuredSeconds = (performance.now() - startedMs) / 1_000;
  isMeasured = false;
  over.abort();
  await failed;
  return { firstTokenMs, tokensPerSecond: tokens / measuredSeconds, service };
}
