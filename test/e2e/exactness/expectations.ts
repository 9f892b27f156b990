import { expect } from '@jest/globals';
import { z } from 'zod';
import type { TappedEngine } from '../../support/tapped-engine.ts';
import { chargesOf, type Seen, type Span } from './account.ts';
import { type Ask, askNamed } from './crowd.ts';
import { MAX_MODEL_LEN, MAX_OUTPUT_TOKENS, STUDENTS, type Student } from './students.ts';

const MINUTE_MS = 60_000;
/** Gateways read their clock in whole ms, and a restarted one reads it anew. */
const CLOCK_MS = 2;

/** What an account says of a student. */
export interface Used {
  readonly requests: number;
  readonly completed: number;
  readonly throttled: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

const usageSchema = z.object({
  total: z
    .object({
      requests: z.int(),
      completed: z.int(),
      throttled: z.int(),
      prompt_tokens: z.int(),
      completion_tokens: z.int(),
    })
    .transform(
      ({ prompt_tokens: promptTokens, completion_tokens: completionTokens, ...counts }): Used => ({
        ...counts,
        promptTokens,
        completionTokens,
      }),
    ),
});

/** What `GET /v1/usage` says. */
export async function usedBy(student: Student, url: string): Promise<Used> {
  const answer = await fetch(`${url}/v1/usage`, { headers: { authorization: `Bearer ${student.key}` } });
  return usageSchema.parse(await answer.json()).total;
}

function within(what: string, figure: number, { least, most }: Span): void {
  expect({ what, figure, fits: figure >= least && figure <= most, least, most }).toEqual({
    what,
    figure,
    fits: true,
    least,
    most,
  });
}

/** The account is what clients were told and engines have counted, up to what the rules say of disturbed requests. */
export function expectCharged(student: Student, used: Used, seen: readonly Seen[]): void {
  const charges = chargesOf(student, seen);
  within(`${student.id}: prompt tokens`, used.promptTokens, charges.promptTokens);
  within(`${student.id}: completion tokens`, used.completionTokens, charges.completionTokens);
  within(`${student.id}: completed`, used.completed, charges.completed);
  within(`${student.id}: admitted`, used.requests, charges.admitted);
}

/** Whom nobody killed, and who did not leave, was answered or told to wait. */
export function expectDisturbedByKills(seen: readonly Seen[]): void {
  const unexplained = seen.filter(
    ({ ask: { ending, gateway }, tapped, engineWasKilled }) =>
      (ending === 'broken' && !gateway.wasKilled && !engineWasKilled) ||
      (ending === 'failed' && !engineWasKilled && tapped.length > 0),
  );
  expect(unexplained).toEqual([]);
}

/** @param elapsedMs from the first ask of all to the end of the last */
export function expectWithinLimits({ id, limits }: Student, used: Used, elapsedMs: number): void {
  const { requestsPerMinute, tokensPerMinute, tokensPerDay } = limits;
  const minutes = (elapsedMs + CLOCK_MS) / MINUTE_MS;
  const tokens = used.promptTokens + used.completionTokens;
  const flowing = (limit: number): Span => ({ least: 0, most: Math.floor(limit + limit * minutes) });
  within(`${id}: requests a minute`, used.requests, flowing(requestsPerMinute));
  within(`${id}: tokens a minute`, tokens, flowing(tokensPerMinute));
  within(`${id}: tokens a day`, tokens, { least: 0, most: tokensPerDay });
}

/** In any stretch of time, and not only over all of it. */
export function expectRateHeld(
  { id, limits: { requestsPerMinute: limit } }: Student,
  seen: readonly Seen[],
): void {
  const spans = seen
    .filter(({ ask, tapped }) => ask.student.id === id && tapped.length > 0)
    .flatMap(({ ask: { askedMs, headedMs } }) => (headedMs === undefined ? [] : [{ askedMs, headedMs }]))
    .sort((a, b) => a.headedMs - b.headedMs);
  for (const { askedMs: fromMs } of spans) {
    let admitted = 0;
    for (const { askedMs, headedMs } of spans) {
      if (askedMs < fromMs) continue;
      admitted += 1;
      const most = Math.floor(limit + (limit * (headedMs - fromMs + CLOCK_MS)) / MINUTE_MS);
      if (admitted > most) within(`${id}: in ${headedMs - fromMs} ms`, admitted, { least: 0, most });
    }
  }
}

/** The taps have missed nothing: what an engine counted since its last start is what its tap has seen of it. */
export async function expectTapped({ tap, totals }: TappedEngine): Promise<void> {
  const requests = tap.requests.filter(({ start }) => start === tap.starts);
  const sum = (figures: readonly number[]): number => figures.reduce((total, figure) => total + figure, 0);
  const cut = requests.filter(({ ended }) => ended !== 'whole');
  const prompt = sum(requests.map(({ usage }) => usage.promptTokens));
  const completion = sum(requests.map(({ usage }) => usage.completionTokens));
  const { promptTokens, completionTokens } = await totals();
  const unsaid = cut.filter(({ usage }) => usage.promptTokens === 0).length;
  within('prompt tokens of the engine', promptTokens, {
    least: prompt,
    most: prompt + unsaid * MAX_MODEL_LEN,
  });
  const unheard = sum(cut.map(({ usage }) => MAX_OUTPUT_TOKENS - usage.completionTokens));
  within('completion tokens of the engine', completionTokens, {
    least: completion,
    most: completion + unheard,
  });
}

/** Keeps the highest number of requests that each student had in the engines at a time. */
export function watchPlaces(engines: readonly TappedEngine[]): ReadonlyMap<string, number> {
  const peaks = new Map<string, number>();
  const onBegun = (): void => {
    const now = new Map<string, number>();
    for (const { body } of engines.flatMap(({ tap }) => [...tap.running])) {
      const student = askNamed(body)?.replace(/-\d+-\d+$/, '') ?? '';
      now.set(student, (now.get(student) ?? 0) + 1);
    }
    for (const [student, count] of now) peaks.set(student, Math.max(count, peaks.get(student) ?? 0));
  };
  for (const { tap } of engines) tap.onBegun = onBegun;
  return peaks;
}

/** Nobody had more requests in the engines than places, though more were asked for. */
export function expectPlacesHeld(peaks: ReadonlyMap<string, number>, asks: readonly Ask[]): void {
  for (const student of STUDENTS) {
    const { id, limits } = student;
    within(`${id}: at a time`, peaks.get(id) ?? 0, { least: 1, most: limits.concurrentRequests });
    const refused = asks.filter(
      (ask) => ask.student === student && ask.code === 'concurrent_requests_exceeded',
    );
    expect(refused.length).toBeGreaterThan(0);
  }
}

/** Answers that came whole, so that whatever is killed, they are booked. */
export function answeredTo(student: Student, asks: readonly Ask[]): number {
  return asks.filter((ask) => ask.student === student && ask.ending === 'answered').length;
}
