import { describe, expect, test } from '@jest/globals';
import type { ReportReader } from '../../../../src/gateway/ledger/report-reader.ts';
import { extractLines } from '../../../../src/gateway/report/extract-lines.ts';
import { aUsageRow } from '../../report/builders.ts';

/** An account that keeps days for a year, and in which Alice asked first on a day. */
function anAccount(firstDay: string | undefined, keptDays: number | undefined): ReportReader {
  return {
    keptDays,
    studentsOf: async () => [
      { id: 'bob', firstDay: '2026-08-01' },
      { id: 'alice', firstDay },
    ],
    studentRows: async () => ({ usage: [aUsageRow()], active: [] }),
    firstEngineHour: async () => undefined,
    engineRows: async () => [],
  };
}

describe('what is told of days that are not kept any more', () => {
  test.each([
    ['nothing, when the first day is', '2025-09-05', 365, undefined, null],
    ['from when on they are, when somebody asked before', '2025-08-31', 365, undefined, '2025-09-01'],
    ['the same, when some of them were asked for', '2025-08-31', 365, '2025-08-15', '2025-09-01'],
    ['nothing, when none was asked for', '2025-08-31', 365, '2025-09-01', null],
    ['nothing, when nobody knows whether there were any', undefined, 365, undefined, null],
    ['nothing, when they are kept for ever', '2025-08-31', undefined, undefined, null],
  ])('%s', async (_, firstDay, keptDays, from, keptFrom) => {
    const lines = extractLines({
      reports: anAccount(firstDay, keptDays),
      classroom: { key: 'school/python-101', name: 'python-101', timeZone: 'Europe/Berlin' },
      days: { from, to: '2026-09-01' },
      nowMs: Date.parse('2026-09-01T12:00:00Z'),
    });
    expect((await lines.next()).value).toMatchObject({ kind: 'class', keptFrom });
  });
});
