import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { openLedgerInMemory } from '../../../../src/gateway/ledger/database.ts';
import { createLedger } from '../../../../src/gateway/ledger/ledger.ts';
import type { LedgerEntry } from '../../../../src/gateway/limits/journal.ts';
import { OUTCOME_KINDS } from '../../../../src/gateway/limits/settlement.ts';
import { extractLines } from '../../../../src/gateway/report/extract-lines.ts';
import { silentLogger } from '../../../../src/kube/log.ts';
import { extractOf } from '../../../../src/report/extract.ts';
import { GROUPINGS, type Report, reportOf } from '../../../../src/report/report.ts';
import { createFakeClock } from '../../../support/fake-clock.ts';
import { options } from '../../report/builders.ts';
import { CLASS_KEY } from '../builders.ts';

const START_MS = Date.parse('2026-09-01T06:00:00Z');
const MINUTE_MS = 60_000;
const TODAY = '2026-09-02';

const tokens = fc.nat(100_000);
const entries: fc.Arbitrary<LedgerEntry> = fc
  .record({
    fromMinute: fc.nat(1_400),
    minutes: fc.nat(70),
    day: fc.constantFrom('2026-09-01', TODAY, '2026-09-03'),
    sessionStartMs: fc.constantFrom(undefined, START_MS, START_MS + 3_600_000),
    classroomKey: fc.constantFrom(CLASS_KEY, CLASS_KEY, 'school/other'),
    studentId: fc.constantFrom('alice', 'bob', 'carol'),
    model: fc.constantFrom('qwen', 'qwen:sql'),
    outcome: fc.constantFrom(...OUTCOME_KINDS),
    promptTokens: tokens,
    cachedTokens: tokens,
    completionTokens: tokens,
    queueWaitMs: tokens,
    firstTokenMs: fc.option(tokens, { nil: undefined }),
  })
  .map(({ fromMinute, minutes, ...entry }) => {
    const fromMs = START_MS + fromMinute * MINUTE_MS;
    const toMs = fromMs + minutes * MINUTE_MS;
    return { ...entry, endedMs: toMs, active: { fromMs, toMs } };
  });

/** Books the entries in a ledger, and reports what it holds up to the second of September. */
async function reportAfter(booked: readonly LedgerEntry[], by: Report['by']): Promise<Report> {
  const clock = createFakeClock(START_MS);
  const ledger = createLedger({ file: openLedgerInMemory(), clock, log: silentLogger });
  await Promise.all(booked.map((entry, number) => ledger.settled(`lease-${number}`, [], entry)));
  const classroom = { key: CLASS_KEY, name: 'python-101', timeZone: 'Europe/Berlin' };
  const days = { from: undefined, to: TODAY };
  const lines: unknown[] = [];
  for await (const line of extractLines({ reports: ledger, classroom, days, nowMs: START_MS }))
    lines.push(line);
  ledger.close();
  return reportOf(extractOf(lines), options({ by }));
}

/** The minutes of one student, counted in the simplest way. */
function minutesOf(its: readonly LedgerEntry[]): number {
  const minutes = new Set<number>();
  for (const { active } of its) {
    if (active === undefined) continue;
    for (let ms = active.fromMs; ms <= active.toMs; ms += MINUTE_MS) minutes.add(ms / MINUTE_MS);
  }
  return minutes.size;
}

test('a report has every token, request and minute that was booked for its class and days, and no other', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(entries, { maxLength: 40 }),
      fc.constantFrom(...GROUPINGS),
      async (booked, by) => {
        const report = await reportAfter(booked, by);
        const its = booked.filter(({ classroomKey, day }) => classroomKey === CLASS_KEY && day <= TODAY);
        const sum = (of: (entry: LedgerEntry) => number) =>
          its.reduce((total, entry) => total + of(entry), 0);
        const expected = {
          promptTokens: sum(({ promptTokens }) => promptTokens),
          cachedTokens: sum(({ cachedTokens }) => cachedTokens),
          completionTokens: sum(({ completionTokens }) => completionTokens),
          requests: sum(({ outcome }) => (outcome === 'throttled' ? 0 : 1)),
          throttled: sum(({ outcome }) => (outcome === 'throttled' ? 1 : 0)),
        };
        expect(report.total).toMatchObject(expected);
        const byStudent = Map.groupBy(its, ({ studentId }) => studentId);
        expect(report.students.map(({ student, activeMinutes }) => [student, activeMinutes])).toEqual(
          [...byStudent].map(([student, own]) => [student, minutesOf(own)]).sort(),
        );
        const inPeriods = report.periods.reduce((total, { totalTokens }) => total + totalTokens, 0);
        expect(inPeriods).toBe(expected.promptTokens + expected.completionTokens);
      },
    ),
    { numRuns: 60 },
  );
});
