import type { AdapterAnswer, LoadFault } from './answers.ts';
import { suspicionWords } from './fault-words.ts';
import type { WantedAdapter } from './wanted.ts';

/** In the place of a folder: what was tried is to unload. */
export const UNLOADING = '';

/** What is remembered of an adapter that one engine did not take, or did not give up. */
export interface Attempt {
  /** What was tried; another folder is another attempt. */
  readonly folder: string;
  /** Tries in a row. */
  readonly times: number;
  /** Ms of the monotonic clock; undefined: not again, until the folder changes or the engine starts anew. */
  readonly retryAtMs: number | undefined;
  /** `NotNow`: the engine was busy or slow. `NotOffered`: it was started without adapters. */
  readonly fault: LoadFault | 'NotNow' | 'NotOffered';
  /** The engine's own words. */
  readonly said: string;
}

interface Patience {
  readonly firstMs: number;
  readonly maxMs: number;
  /** Tries in all. */
  readonly times: number;
}

/** Files may still be on their way; to look at a folder costs an engine nothing. */
const FOR_FILES: Patience = { firstMs: 10_000, maxMs: 300_000, times: Number.POSITIVE_INFINITY };
/** Nobody's mistake. */
const FOR_BUSY: Patience = { firstMs: 5_000, maxMs: 60_000, times: Number.POSITIVE_INFINITY };
/** May pass, and may not: each try reads the weights. */
const FOR_UNKNOWN: Patience = { firstMs: 30_000, maxMs: 300_000, times: 3 };
/** The same files give the same answer. */
const ONCE: Patience = { firstMs: 0, maxMs: 0, times: 1 };

function patienceFor(fault: Attempt['fault']): Patience {
  switch (fault) {
    case 'FilesMissing':
      return FOR_FILES;
    case 'NotNow':
      return FOR_BUSY;
    case 'NoMemory':
    case 'Unknown':
      return FOR_UNKNOWN;
    case 'NotAFolder':
    case 'Unreadable':
    case 'ConfigBroken':
    case 'WeightsBroken':
    case 'RankTooHigh':
    case 'ModulesUnknown':
    case 'ShapesDiffer':
    case 'KindUnsupported':
    case 'NameTaken':
    case 'NotOffered':
      return ONCE;
  }
}

/** What to remember of an answer that was no success. Undefined after one that was. */
export function attemptAfter(
  previous: Attempt | undefined,
  folder: string,
  answer: AdapterAnswer,
  nowMs: number,
): Attempt | undefined {
  if (answer.kind === 'done') return undefined;
  const fault = faultOf(answer);
  const same = previous?.folder === folder && previous.fault === fault;
  const times = same ? previous.times + 1 : 1;
  const { firstMs, maxMs, times: most } = patienceFor(fault);
  const retryAtMs = times >= most ? undefined : nowMs + Math.min(firstMs * 2 ** (times - 1), maxMs);
  return { folder, times, retryAtMs, fault, said: 'said' in answer ? answer.said : '' };
}

function faultOf(answer: Exclude<AdapterAnswer, { kind: 'done' }>): Attempt['fault'] {
  switch (answer.kind) {
    case 'refused':
      return answer.fault;
    case 'not-offered':
      return 'NotOffered';
    case 'otherwise':
    case 'engine-dead':
    case 'cut':
    case 'not-now':
      return 'NotNow';
  }
}

/** Whether an adapter may be tried on an engine that did not take it before. */
export function mayTry(attempt: Attempt | undefined, folder: string, nowMs: number): boolean {
  if (attempt === undefined || attempt.folder !== folder) return true;
  return attempt.retryAtMs !== undefined && attempt.retryAtMs <= nowMs;
}

/** What is held against an adapter after engines died of it, or seemed to. */
export interface Suspicion {
  readonly points: number;
  /** Ms of the monotonic clock. */
  readonly retryAtMs: number;
  /** For people: what happened, and what to do. */
  readonly why: string;
}

/** An engine that says it died while it was busy with nothing but this adapter is proof; a broken connection is half. */
const POINTS = { 'engine-dead': 2, cut: 1 } as const;
const QUARANTINE_POINTS = 2;
/** By then the engine has started anew, if it was chance. */
const SUSPECT_WAIT_MS = 120_000;

/** What is held against an adapter after one engine more died, or broke off, over it. */
export function suspicionAfter(
  previous: Suspicion | undefined,
  answer: Extract<AdapterAnswer, { kind: 'engine-dead' | 'cut' }>,
  nowMs: number,
): Suspicion {
  return {
    points: (previous?.points ?? 0) + POINTS[answer.kind],
    retryAtMs: nowMs + SUSPECT_WAIT_MS,
    why: suspicionWords(answer.said),
  };
}

/** Not loaded any more, by any engine: it would end one after the other. */
export function isQuarantined(suspicion: Suspicion | undefined): boolean {
  return (suspicion?.points ?? 0) >= QUARANTINE_POINTS;
}

/** Of one that was quarantined before the operator started anew. */
export function quarantined(why: string): Suspicion {
  return { points: QUARANTINE_POINTS, retryAtMs: 0, why };
}

/** What a suspicion is about: files, not a name. */
export function suspectKey({ model, folder }: Pick<WantedAdapter, 'model' | 'folder'>): string {
  return `${model} ${folder}`;
}
