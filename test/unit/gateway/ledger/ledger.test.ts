import { statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from '@jest/globals';
import type { Ledger } from '../../../../src/gateway/ledger/ledger.ts';
import type { ModelUsage, PeriodUsage } from '../../../../src/gateway/ledger/usage-reader.ts';
import { eventually } from '../../../support/eventually.ts';
import { createFakeClock } from '../../../support/fake-clock.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { CLASS_KEY } from '../builders.ts';
import { aClassState, aLease, anEntry, aState, openLedger, TODAY } from './builders.ts';

const ALICE = { classroomKey: CLASS_KEY, studentId: 'alice' };
const DAYS = { today: TODAY, weekStart: '2026-08-31' };

/** Runs on a ledger of its own; `path` can be opened again when `ledger` is closed. */
async function withLedger(
  run: (ledger: Ledger, path: string) => Promise<void>,
  clock = createFakeClock(),
): Promise<void> {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'ledger.db');
  const ledger = openLedger(path, clock);
  await run(ledger, path);
}

/** What another program reads from the file, as a backup does. */
function rowsOf(path: string, query: string): unknown[] {
  const db = new DatabaseSync(path, { readOnly: true });
  const rows = db
    .prepare(query)
    .all()
    .map((row) => Object.values(row));
  db.close();
  return rows;
}

function usageOfModel(differs: Partial<ModelUsage> = {}): ModelUsage {
  return {
    model: 'qwen',
    requests: 1,
    completed: 1,
    throttled: 0,
    queueWaitMs: 12.5,
    promptTokens: 100,
    cachedTokens: 40,
    completionTokens: 50,
    ...differs,
  };
}

describe('what a ledger keeps', () => {
  test('limits and open leases are found by the next process', async () => {
    await withLedger(async (ledger, path) => {
      await ledger.admitted(aLease('one'), [aState(), aClassState()]);
      await ledger.admitted(aLease('two', { studentId: 'bob' }), [
        aState({ studentId: 'bob' }),
        aClassState(),
      ]);
      await ledger.settled('one', [aState({ totalTokens: 50_150 })], anEntry());
      ledger.close();

      const next = openLedger(path);
      const { subjects, leases } = next.load();
      expect(leases).toEqual([aLease('two', { studentId: 'bob' })]);
      expect(subjects).toHaveLength(3);
      expect(subjects).toEqual(
        expect.arrayContaining([
          aState({ totalTokens: 50_150 }),
          aState({ studentId: 'bob' }),
          aClassState(),
        ]),
      );
      next.close();
    });
  });

  test('a promise resolves when another process can read what it stands for', async () => {
    await withLedger(async (ledger, path) => {
      await ledger.admitted(aLease('one'), [aState()]);
      expect(rowsOf(path, 'SELECT id FROM leases')).toEqual([['one']]);
      await ledger.settled('one', [aState()], anEntry());
      expect(rowsOf(path, 'SELECT id FROM leases')).toEqual([]);
      expect(rowsOf(path, 'SELECT * FROM usage')).toEqual([
        [
          CLASS_KEY,
          'alice',
          '2026-09-01T12:00Z',
          TODAY,
          'qwen',
          'completed',
          1,
          100,
          40,
          50,
          12.5,
          12.5,
          1,
          80.5,
          80.5,
          null,
        ],
      ]);
      ledger.close();
    });
  });

  test('all that one turn of the event loop books is one transaction', async () => {
    await withLedger(async (ledger, path) => {
      const together = [
        ledger.admitted(aLease('one'), [aState()]),
        ledger.admitted(aLease('two'), [aState({ dayTokens: 1 })]),
        ledger.settled('one', [aState({ dayTokens: 2 })], anEntry()),
      ];
      expect(rowsOf(path, 'SELECT * FROM leases')).toEqual([]);
      expect(new Set(together).size).toBe(1);
      await Promise.all(together);
      expect(rowsOf(path, 'SELECT id FROM leases')).toEqual([['two']]);
      expect(rowsOf(path, 'SELECT day_tokens FROM subjects')).toEqual([[2]]);
      ledger.close();
    });
  });

  test('waits and times to the first token are kept as sum and maximum', async () => {
    await withLedger(async (ledger, path) => {
      await ledger.settled('a', [], anEntry({ queueWaitMs: 10, firstTokenMs: 300 }));
      await ledger.settled('b', [], anEntry({ queueWaitMs: 30, firstTokenMs: 100 }));
      await ledger.settled('c', [], anEntry({ queueWaitMs: 20, firstTokenMs: undefined }));
      expect(rowsOf(path, 'SELECT requests, queue_wait_ms_sum, queue_wait_ms_max FROM entries')).toEqual([
        [3, 60, 30],
      ]);
      expect(
        rowsOf(path, 'SELECT first_token_count, first_token_ms_sum, first_token_ms_max FROM entries'),
      ).toEqual([[2, 400, 300]]);
      ledger.close();
    });
  });

  test('refusals are written within a second, without a request that waits for it', async () => {
    const clock = createFakeClock();
    await withLedger(async (ledger, path) => {
      for (let i = 0; i < 5; i++)
        ledger.throttled(anEntry({ outcome: 'throttled', promptTokens: 0, completionTokens: 0 }));
      expect(rowsOf(path, 'SELECT requests FROM entries')).toEqual([]);
      await clock.advance(1_000);
      expect(rowsOf(path, 'SELECT outcome, requests FROM entries')).toEqual([['throttled', 5]]);
      ledger.close();
    }, clock);
  });

  test('the log of a busy ledger is emptied beside the event loop, and at the end', async () => {
    const clock = createFakeClock();
    await withLedger(async (ledger, path) => {
      await ledger.settled('first', [], anEntry());
      await clock.advance(1_000);
      const before = (await stat(path)).mtimeMs;
      await ledger.settled('second', [], anEntry());
      await eventually('the file to be written', async () => (await stat(path)).mtimeMs > before);
      await ledger.settled('third', [], anEntry());
      ledger.close();
      expect(statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0).toBe(0);
      expect(rowsOf(path, 'SELECT requests FROM entries')).toEqual([[3]]);
    }, clock);
  });

  test('closing writes what waits', async () => {
    await withLedger(async (ledger, path) => {
      const kept = ledger.settled('one', [], anEntry());
      ledger.throttled(anEntry({ outcome: 'throttled' }));
      ledger.close();
      await kept;
      expect(rowsOf(path, 'SELECT outcome FROM entries ORDER BY outcome')).toEqual([
        ['completed'],
        ['throttled'],
      ]);
    });
  });
});

describe('what a student used', () => {
  const sumsOf = (usage: PeriodUsage): number[] => usage.map(({ requests }) => requests);

  test('is told for today, this week and all time', async () => {
    await withLedger(async (ledger) => {
      for (const day of ['2026-08-30', '2026-08-31', TODAY]) await ledger.settled(day, [], anEntry({ day }));
      const usage = await ledger.usageOf(ALICE, DAYS);
      expect([usage.today, usage.week, usage.total].map(sumsOf)).toEqual([[1], [2], [3]]);
      ledger.close();
    });
  });

  test('tells apart models, complete answers and refusals', async () => {
    await withLedger(async (ledger) => {
      await ledger.settled('1', [], anEntry());
      await ledger.settled(
        '2',
        [],
        anEntry({ outcome: 'client-left', completionTokens: 7, queueWaitMs: 900 }),
      );
      await ledger.settled('3', [], anEntry({ model: 'my-adapter' }));
      ledger.throttled(
        anEntry({ outcome: 'throttled', promptTokens: 0, cachedTokens: 0, completionTokens: 0 }),
      );
      await ledger.settled('4', [], anEntry({ studentId: 'bob' }));
      expect((await ledger.usageOf(ALICE, DAYS)).today).toEqual([
        usageOfModel({ model: 'my-adapter' }),
        usageOfModel({
          requests: 2,
          completed: 1,
          throttled: 1,
          promptTokens: 200,
          cachedTokens: 80,
          completionTokens: 57,
        }),
      ]);
      ledger.close();
    });
  });

  test('is exact where a day begins at half past the hour', async () => {
    await withLedger(async (ledger, path) => {
      // Midnight in India is 18:30 UTC.
      await ledger.settled(
        '1',
        [],
        anEntry({ endedMs: Date.parse('2026-08-31T18:29:59Z'), day: '2026-08-31' }),
      );
      await ledger.settled('2', [], anEntry({ endedMs: Date.parse('2026-08-31T18:30:00Z'), day: TODAY }));
      const usage = await ledger.usageOf(ALICE, DAYS);
      expect([usage.today, usage.week].map(sumsOf)).toEqual([[1], [2]]);
      expect(rowsOf(path, 'SELECT hour, day FROM usage')).toEqual([
        ['2026-08-31T18:00Z', '2026-08-31'],
        ['2026-08-31T18:00Z', TODAY],
      ]);
      ledger.close();
    });
  });

  test('counts what is booked late on a day of an earlier week', async () => {
    await withLedger(async (ledger) => {
      await ledger.settled('1', [], anEntry({ day: '2026-08-20' }));
      expect(sumsOf((await ledger.usageOf(ALICE, DAYS)).total)).toEqual([1]);
      await ledger.settled('2', [], anEntry({ day: '2026-08-21' }));
      expect(sumsOf((await ledger.usageOf(ALICE, DAYS)).total)).toEqual([2]);
      ledger.close();
    });
  });

  test('is the same when the week is over', async () => {
    await withLedger(async (ledger) => {
      for (const day of ['2026-08-30', TODAY]) await ledger.settled(day, [], anEntry({ day }));
      await ledger.usageOf(ALICE, DAYS);
      const usage = await ledger.usageOf(ALICE, { today: '2026-09-08', weekStart: '2026-09-07' });
      expect([usage.today, usage.week, usage.total].map(sumsOf)).toEqual([[], [], [2]]);
      ledger.close();
    });
  });

  test('is nothing for one who never asked', async () => {
    await withLedger(async (ledger) => {
      expect(await ledger.usageOf(ALICE, DAYS)).toEqual({ today: [], week: [], total: [] });
      ledger.close();
    });
  });
});
