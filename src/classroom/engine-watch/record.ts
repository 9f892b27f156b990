import type { EngineReading } from './reading.ts';

/** One question to an engine and what came of it. */
export type Look =
  | { readonly kind: 'read'; readonly reading: EngineReading }
  /** Its server answers that all is well, and nobody says what it does: there are no metrics, or others. */
  | { readonly kind: 'untold'; readonly why: string }
  /** Its server does not answer in time, or not that all is well. */
  | { readonly kind: 'silent'; readonly why: string };

/** The two clocks at one moment: the wall clock for what people read, the other one for how long something took. */
export interface Moment {
  readonly epochMs: number;
  readonly monotonicMs: number;
}

/** What is known of one start of an engine. */
export interface EngineRecord {
  readonly reading: EngineReading | undefined;
  /** When it last got on, or had nothing to do; monotonic ms. */
  readonly progressAtMs: number;
  /** Since when it has had nothing to do, as far as was seen; epoch ms. Undefined: it is at work, or never answered. */
  readonly quietSinceMs: number | undefined;
  /** Since when it has not answered; monotonic ms. */
  readonly silentSinceMs: number | undefined;
  /** Why the last question did not tell what it does. */
  readonly silence: string | undefined;
}

/**
 * How long an engine with requests may stand still. The longest that a healthy one was seen to was 8.7 s: a kernel that
 * is compiled at its first use (vLLM 0.26, H100).
 */
export const STALL_MS = 60_000;

/**
 * How long an engine may answer neither the operator nor its kubelet. The kubelet itself ends it about then, after a
 * minute of failed probes; this is for one that it leaves.
 */
export const SILENCE_MS = 45_000;

/** What is known after one more look; pure. */
export function afterLook(before: EngineRecord | undefined, look: Look, at: Moment): EngineRecord {
  if (look.kind !== 'read') {
    const isSilent = look.kind === 'silent';
    return {
      reading: before?.reading,
      // Unseen it may have got on: what it did meanwhile must not count as standing still.
      progressAtMs: at.monotonicMs,
      quietSinceMs: undefined,
      silentSinceMs: isSilent ? (before?.silentSinceMs ?? at.monotonicMs) : undefined,
      silence: look.why,
    };
  }
  const { reading } = look;
  const previous = before?.reading;
  const gotOn = before === undefined || !hasWork(reading) || !standsWhereItStood(previous, reading);
  return {
    reading,
    progressAtMs: gotOn ? at.monotonicMs : before.progressAtMs,
    quietSinceMs: quietSince(before, reading, at.epochMs),
    silentSinceMs: undefined,
    silence: undefined,
  };
}

/** Whether nobody wants anything of it. */
export function isIdle({ running, waiting }: EngineReading): boolean {
  return running === 0 && waiting === 0;
}

/** Whether it could compute something. Requests that wait count: an engine that takes none of them in stands still. */
function hasWork({ running, waiting, deferred }: EngineReading): boolean {
  return running + waiting - deferred > 0;
}

/**
 * Whether nothing has moved. The share of the cache moves also while a long prompt is computed in parts, before there
 * is a token to count.
 */
function standsWhereItStood(before: EngineReading | undefined, now: EngineReading): boolean {
  return (
    before !== undefined &&
    hasWork(before) &&
    before.promptTokens === now.promptTokens &&
    before.generatedTokens === now.generatedTokens &&
    before.kvUsage === now.kvUsage
  );
}

/** Counters tell of requests that came and went between two looks. */
function quietSince(
  before: EngineRecord | undefined,
  reading: EngineReading,
  epochMs: number,
): number | undefined {
  if (!isIdle(reading)) return undefined;
  const previous = before?.reading;
  const unchanged =
    previous?.promptTokens === reading.promptTokens && previous.generatedTokens === reading.generatedTokens;
  return unchanged ? (before?.quietSinceMs ?? epochMs) : epochMs;
}

/** Whether an engine works. */
export type Health = 'Well' | 'Stalled' | 'Silent';

/**
 * Judges a record. `Silent` says only that the operator gets no answer: whether it is the engine's fault is for who
 * knows what the kubelet hears.
 */
export function healthOf(record: EngineRecord, monotonicMs: number): Health {
  const { reading, silentSinceMs, progressAtMs } = record;
  if (silentSinceMs !== undefined) return monotonicMs - silentSinceMs >= SILENCE_MS ? 'Silent' : 'Well';
  if (reading === undefined || !hasWork(reading)) return 'Well';
  return monotonicMs - progressAtMs >= STALL_MS ? 'Stalled' : 'Well';
}
