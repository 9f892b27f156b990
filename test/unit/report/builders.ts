import type { ActiveRow, EngineRow, LedgerExtract, UsageRow } from '../../../src/report/extract.ts';
import { minutesBetween } from '../../../src/report/hour-minutes.ts';
import type { ReportOptions } from '../../../src/report/report.ts';

/** One complete answer of the 1st of September, outside of sessions; a test states only what differs. */
export function aUsageRow(differs: Partial<UsageRow> = {}): UsageRow {
  return {
    day: '2026-09-01',
    session: null,
    model: 'qwen',
    outcome: 'completed',
    requests: 1,
    promptTokens: 100,
    cachedTokens: 40,
    completionTokens: 50,
    queueWaitMsSum: 10,
    queueWaitMsMax: 10,
    firstTokenCount: 1,
    firstTokenMsSum: 80,
    firstTokenMsMax: 80,
    ...differs,
  };
}

/** Minutes of a student at work. */
export function activeRows(from: string, to: string, differs: Partial<ActiveRow> = {}): ActiveRow[] {
  const about = { day: '2026-09-01', session: null };
  return minutesBetween(Date.parse(from), Date.parse(to)).map((minutes) => ({
    ...about,
    ...minutes,
    ...differs,
  }));
}

/** An engine on one GPU that ran from one minute to another, both included. */
export function engineRows(from: string, to: string, differs: Partial<EngineRow> = {}): EngineRow[] {
  const nothing = { early: 0, late: 0 };
  return minutesBetween(Date.parse(from), Date.parse(to)).map(({ hour, ...running }) => ({
    engine: 'engine-1',
    hour,
    gpus: 1,
    running,
    used: nothing,
    ...differs,
  }));
}

/** Of September 2026, in Berlin. */
export function anExtract(differs: Partial<LedgerExtract> = {}): LedgerExtract {
  return {
    namespace: 'school',
    classroom: 'python-101',
    timeZone: 'Europe/Berlin',
    from: '2026-09-01',
    to: '2026-09-30',
    keptFrom: null,
    asOf: '2026-09-30T20:00:00Z',
    students: [],
    engines: [],
    ...differs,
  };
}

/** By day and with ids, of a class in which everybody has asked. */
export function options(differs: Partial<ReportOptions> = {}): ReportOptions {
  return {
    by: 'day',
    named: (id) => ({ student: id }),
    pseudonymous: false,
    sessionsFrom: () => [],
    notAsked: [],
    ...differs,
  };
}
