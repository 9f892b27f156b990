import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { Ledger } from '../../../../src/gateway/ledger/ledger.ts';
import type { EngineHour } from '../../../../src/report/engine-hour.ts';
import { minutesBetween } from '../../../../src/report/hour-minutes.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { CLASS_KEY } from '../builders.ts';
import { anEntry, openLedger, TODAY } from './builders.ts';

const NOON_MS = Date.parse('2026-09-01T12:00:00Z');
const NOON = NOON_MS / 3_600_000;
const MINUTE_MS = 60_000;
const SESSION_MS = Date.parse('2026-09-01T11:30:00Z');
const ALICE = { id: 'alice' };
const ALL = { from: undefined, to: '9999-12-31' };

async function withLedger(use: (ledger: Ledger, path: string) => Promise<void>): Promise<void> {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'ledger.db');
  const ledger = openLedger(path);
  await use(ledger, path);
}

function active(fromMinute: number, toMinute = fromMinute) {
  return { fromMs: NOON_MS + fromMinute * MINUTE_MS, toMs: NOON_MS + toMinute * MINUTE_MS };
}

describe('what a ledger tells for a report', () => {
  test('sums of each day, session, model and outcome, over all hours', async () => {
    await withLedger(async (ledger) => {
      const session = { sessionStartMs: SESSION_MS };
      await Promise.all([
        ledger.settled('1', [], anEntry(session)),
        ledger.settled('2', [], anEntry({ ...session, endedMs: NOON_MS + 3_600_000, queueWaitMs: 100 })),
        ledger.settled('3', [], anEntry()),
        ledger.settled('4', [], anEntry({ ...session, model: 'tutor' })),
        ledger.settled('5', [], anEntry({ ...session, outcome: 'client-left', firstTokenMs: undefined })),
        ledger.settled('6', [], anEntry({ ...session, studentId: 'bob' })),
        ledger.settled('7', [], anEntry({ day: '2026-09-02' })),
      ]);
      ledger.throttled(anEntry({ ...session, outcome: 'throttled', promptTokens: 0, completionTokens: 0 }));
      await ledger.settled('8', [], anEntry({ studentId: 'carol' }));
      const { usage: rows } = await ledger.studentRows(CLASS_KEY, ALICE, { from: TODAY, to: TODAY });
      const at = '2026-09-01T11:30:00Z';
      expect(
        rows.map(({ session: began, model, outcome, requests, promptTokens }) => [
          began,
          model,
          outcome,
          requests,
          promptTokens,
        ]),
      ).toEqual([
        [null, 'qwen', 'completed', 1, 100],
        [at, 'qwen', 'client-left', 1, 100],
        [at, 'qwen', 'completed', 2, 200],
        [at, 'qwen', 'throttled', 1, 0],
        [at, 'tutor', 'completed', 1, 100],
      ]);
      expect(rows[2]).toMatchObject({
        queueWaitMsSum: 112.5,
        queueWaitMsMax: 100,
        firstTokenCount: 2,
        firstTokenMsSum: 161,
      });
      expect(await ledger.studentsOf(CLASS_KEY)).toEqual([{ id: 'alice' }, { id: 'bob' }, { id: 'carol' }]);
      expect(await ledger.studentsOf('school/other')).toEqual([]);
      ledger.close();
    });
  });

  test('the minutes in which a student was at work, each once, also after a restart', async () => {
    await withLedger(async (ledger, path) => {
      await ledger.settled('1', [], anEntry({ active: active(0, 2) }));
      await ledger.settled('2', [], anEntry({ active: active(1) }));
      await ledger.settled('3', [], anEntry({ active: active(58, 61) }));
      await ledger.settled('4', [], anEntry({ studentId: 'bob', active: active(10) }));
      ledger.close();
      const again = openLedger(path);
      await again.settled('5', [], anEntry({ active: active(1, 3) }));
      await again.settled('6', [], anEntry({ active: active(4), sessionStartMs: SESSION_MS }));
      expect((await again.studentRows(CLASS_KEY, ALICE, ALL)).active).toEqual([
        { day: TODAY, session: null, hour: NOON, early: 0b1111, late: 0b11 << 28 },
        { day: TODAY, session: null, hour: NOON + 1, early: 0b11, late: 0 },
        { day: TODAY, session: '2026-09-01T11:30:00Z', hour: NOON, early: 0b10000, late: 0 },
      ]);
      again.close();
    });
  });

  test('what engines did, joined whoever says it and however often', async () => {
    await withLedger(async (ledger) => {
      const [minutes = { early: 0, late: 0 }] = minutesBetween(NOON_MS, NOON_MS + 9 * MINUTE_MS);
      const { early, late } = minutes;
      const said: EngineHour = {
        classroomKey: CLASS_KEY,
        engine: 'python-101-engine-1',
        hour: NOON,
        gpus: 0.25,
        running: { early, late },
        used: { early: 0, late: 0 },
      };
      await ledger.engineHours([said, { ...said, used: { early: 0b1, late: 0 } }]);
      await ledger.engineHours([said, { ...said, running: { early: 0, late: 0b1 } }]);
      await ledger.engineHours([{ ...said, classroomKey: 'school/other' }]);
      const expected = { engine: said.engine, hour: NOON, gpus: 0.25 };
      expect(await ledger.engineRows(CLASS_KEY, { from: NOON, to: NOON })).toEqual([
        { ...expected, running: { early: 0b1111111111, late: 0b1 }, used: { early: 0b1, late: 0 } },
      ]);
      expect(await ledger.engineRows(CLASS_KEY, { from: NOON + 1, to: NOON + 9 })).toEqual([]);
      ledger.close();
    });
  });
});
