import { expectedPromptTokens } from '../../../src/gateway/request/estimate.ts';
import type { EngineTap, TappedRequest, UsageCount } from '../../support/engine-tap.ts';
import { type Ask, askNamed } from './crowd.ts';
import { MAX_MODEL_LEN, type Student } from './students.ts';

/** A figure that is known up to what became of requests that were disturbed. */
export interface Span {
  readonly least: number;
  readonly most: number;
}

/** What the documented rules of charging allow the ledger to say of a student. */
export interface Charges {
  readonly promptTokens: Span;
  readonly completionTokens: Span;
  readonly completed: Span;
  /** Requests that a limit has admitted. */
  readonly admitted: Span;
}

/** One ask as its client and the engines saw it. */
export interface Seen {
  readonly ask: Ask;
  /** More than one when the gateway asked a second engine. */
  readonly tapped: readonly TappedRequest[];
  /** One of the engines that had it was killed then or later. */
  readonly engineWasKilled: boolean;
}

/** Brings both sides together by the names in the prompts. */
export function seenOf(asks: readonly Ask[], taps: readonly EngineTap[]): Seen[] {
  const byName = new Map<string | undefined, TappedRequest[]>();
  const killed = new Set<TappedRequest>();
  for (const { requests, starts } of taps) {
    for (const tapped of requests) {
      const name = askNamed(tapped.body);
      byName.set(name, [...(byName.get(name) ?? []), tapped]);
      if (tapped.start < starts) killed.add(tapped);
    }
  }
  return asks.map((ask) => {
    const tapped = byName.get(ask.name) ?? [];
    return { ask, tapped, engineWasKilled: tapped.some((one) => killed.has(one)) };
  });
}

export function chargesOf(student: Student, all: readonly Seen[]): Charges {
  const own = all.filter(({ ask }) => ask.student === student).map(chargeOf);
  return {
    promptTokens: sumOf(own.map(({ promptTokens }) => promptTokens)),
    completionTokens: sumOf(own.map(({ completionTokens }) => completionTokens)),
    completed: sumOf(own.map(({ completed }) => completed)),
    admitted: sumOf(own.map(({ admitted }) => admitted)),
  };
}

const NONE: Span = { least: 0, most: 0 };
const ONE: Span = { least: 1, most: 1 };
const MAYBE: Span = { least: 0, most: 1 };
const exactly = (count: number): Span => ({ least: count, most: count });

/** The table of docs/limits-and-fairness.md. */
function chargeOf({ ask, tapped }: Seen): Charges {
  switch (ask.ending) {
    case 'throttled':
      return { promptTokens: NONE, completionTokens: NONE, completed: NONE, admitted: NONE };
    case 'failed':
      return { promptTokens: NONE, completionTokens: NONE, completed: NONE, admitted: ONE };
    case 'answered': {
      if (ask.usage === undefined) throw new Error(`${ask.name} was answered without usage`);
      const { promptTokens, completionTokens } = ask.usage;
      return {
        promptTokens: exactly(promptTokens),
        completionTokens: exactly(completionTokens),
        completed: ONE,
        admitted: ONE,
      };
    }
    case 'left':
    case 'broken':
    case undefined:
      return chargeOfDisturbed(ask, tapped);
  }
}

/**
 * What came to the client is charged at the least, and what the engine sent at the most. When its gateway was killed it
 * may be charged the expected prompt instead, and when the engine said nothing of the prompt as well.
 */
function chargeOfDisturbed(ask: Ask, tapped: readonly TappedRequest[]): Charges {
  const { usage: told, gateway } = ask;
  const engine = engineSideOf(tapped);
  const expected = expectedPrompt(ask);
  const mayBeCharged = tapped.length > 0 || gateway.wasKilled;
  const leastPrompt = gateway.wasKilled ? Math.min(expected, told?.promptTokens ?? 0) : told?.promptTokens;
  return {
    promptTokens: {
      least: leastPrompt ?? 0,
      most: mayBeCharged ? Math.max(engine.promptTokens, expected) : 0,
    },
    completionTokens: {
      least: gateway.wasKilled ? 0 : (told?.completionTokens ?? 0),
      most: engine.completionTokens,
    },
    completed: MAYBE,
    admitted: tapped.length > 0 ? ONE : MAYBE,
  };
}

function engineSideOf(tapped: readonly TappedRequest[]): UsageCount {
  return tapped.reduce(
    (sum, { usage }) => ({
      promptTokens: sum.promptTokens + usage.promptTokens,
      completionTokens: sum.completionTokens + usage.completionTokens,
    }),
    { promptTokens: 0, completionTokens: 0 },
  );
}

/** What the gateway expects of the prompt. */
function expectedPrompt({ prompt }: Ask): number {
  const size = { printedBytes: 0, tokenIds: 0, pictures: 0, turns: 1, prompts: 1, hasTools: false };
  return expectedPromptTokens({ ...size, textBytes: Buffer.byteLength(prompt) }, MAX_MODEL_LEN);
}

function sumOf(spans: readonly Span[]): Span {
  return spans.reduce((sum, { least, most }) => ({ least: sum.least + least, most: sum.most + most }), NONE);
}
