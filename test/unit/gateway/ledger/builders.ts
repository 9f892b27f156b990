import { openLedgerFile } from '../../../../src/gateway/ledger/database.ts';
import { createLedger, type Ledger } from '../../../../src/gateway/ledger/ledger.ts';
import type { LedgerEntry, OpenLease, SubjectState } from '../../../../src/gateway/limits/journal.ts';
import { type Clock, systemClock } from '../../../../src/kube/clock.ts';
import { silentLogger } from '../../../../src/kube/log.ts';
import { CLASS_KEY } from '../builders.ts';

export const TODAY = '2026-09-01';
const NOON_MS = Date.parse('2026-09-01T12:00:00Z');

/** Alice's limits as they stand; a test states only what differs. */
export function aState(differs: Partial<SubjectState> = {}): SubjectState {
  return {
    classroomKey: CLASS_KEY,
    studentId: 'alice',
    requestTatMs: NOON_MS + 2_000.5,
    tokens: -12.25,
    tokensAtMs: NOON_MS,
    day: TODAY,
    dayTokens: 1_000,
    totalTokens: 50_000,
    ...differs,
  };
}

/** The limits of Alice's class as they stand. */
export function aClassState(differs: Partial<SubjectState> = {}): SubjectState {
  const { studentId: _, ...state } = aState(differs);
  return state;
}

/** A request of Alice's that runs. */
export function aLease(id: string, differs: Partial<OpenLease> = {}): OpenLease {
  return {
    id,
    classroomKey: CLASS_KEY,
    studentId: 'alice',
    model: 'qwen',
    admittedMs: NOON_MS,
    expectedPromptTokens: 120,
    studentReserved: 700,
    classroomReserved: 700,
    day: TODAY,
    ...differs,
  };
}

/** A complete answer to Alice: 100 prompt tokens, 40 of them cached, and 50 of an answer. */
export function anEntry(differs: Partial<LedgerEntry> = {}): LedgerEntry {
  return {
    endedMs: NOON_MS + 1_000,
    day: TODAY,
    classroomKey: CLASS_KEY,
    studentId: 'alice',
    model: 'qwen',
    outcome: 'completed',
    promptTokens: 100,
    cachedTokens: 40,
    completionTokens: 50,
    queueWaitMs: 12.5,
    firstTokenMs: 80.5,
    ...differs,
  };
}

/** The ledger of a file; close it. */
export function openLedger(path: string, clock: Clock = systemClock): Ledger {
  return createLedger({ file: openLedgerFile(path), clock, log: silentLogger });
}
