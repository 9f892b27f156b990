import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { expect, test } from '@jest/globals';
import { scheduleSchema } from '../../../../src/api/schedule.ts';
import { usageAnswer } from '../../../../src/gateway/ledger/usage-answer.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { aClassroom, alice, aSeat } from '../builders.ts';
import { aLease, anEntry, aState, openLedger } from './builders.ts';

const text = await readFile(join(import.meta.dirname, '../../../../docs/gateway-ledger.md'), 'utf8');

function exampleOf(name: string): string {
  return new RegExp(`<!-- example: ${name} -->\\n\`\`\`\\w+\\n([\\s\\S]*?)\`\`\``).exec(text)?.[1] ?? '';
}

test('the example of /v1/usage is what is answered', () => {
  const model = {
    model: 'qwen2.5-7b-instruct',
    requests: 1,
    completed: 1,
    throttled: 0,
    queueWaitMs: 420,
    promptTokens: 100,
    cachedTokens: 40,
    completionTokens: 50,
  };
  const nowMs = 1_788_256_800_000;
  const schedule = scheduleSchema.parse({
    timeZone: 'Europe/Berlin',
    sessions: [{ days: ['Tue'], start: '09:00', end: '15:00' }],
  });
  const boost = { factor: 2, untilMs: nowMs + 30 * 60_000 };
  const answer = usageAnswer({
    seat: alice(aClassroom({ timeZone: 'Europe/Berlin', schedule, boost }), aSeat(), nowMs),
    limits: [
      { name: 'requestsPerMinute', limit: 60, remaining: 59, resetMs: 2_000 },
      { name: 'tokensTotal', limit: 1_000_000, remaining: 850_000, resetMs: Number.POSITIVE_INFINITY },
    ],
    usage: { today: [model], week: [model], total: [model] },
    days: { today: '2026-09-01', weekStart: '2026-08-31' },
    nowMs,
  });
  const { this_week: week, total, ...documented } = JSON.parse(exampleOf('usage.json'));
  expect(answer).toMatchObject(documented);
  for (const [name, period] of Object.entries({ this_week: week, total })) {
    const { '…': _, ...shown } = Object(period);
    expect(answer).toMatchObject({ [name]: { ...shown, models: documented.today.models } });
  }
  expect(Object.keys(answer)).toEqual(Object.keys(JSON.parse(exampleOf('usage.json'))));
});

test('the example of a report reads the file while the gateway writes', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'ledger.db');
  const ledger = openLedger(path);
  await ledger.settled('1', [], anEntry());
  await ledger.settled('2', [], anEntry({ studentId: 'bob', completionTokens: 500 }));
  const reader = new DatabaseSync(path, { readOnly: true });
  const rows = reader
    .prepare(exampleOf('report.sql'))
    .all()
    .map((row) => Object.values(row));
  reader.close();
  expect(rows).toEqual([
    ['bob', 1, 600],
    ['alice', 1, 150],
  ]);
  ledger.close();
});

test('a backup that is made while the gateway writes is a whole ledger', async () => {
  await using folder = await temporaryFolder();
  const [path, copy] = [join(folder.path, 'ledger.db'), join(folder.path, 'backup.db')];
  const ledger = openLedger(path);
  await ledger.admitted(aLease('runs'), [aState()]);
  await ledger.settled('1', [], anEntry());
  const reader = new DatabaseSync(path, { readOnly: true });
  const copied = backup(reader, copy);
  await ledger.settled('2', [], anEntry());
  await copied;
  reader.close();
  ledger.close();
  const restored = openLedger(copy);
  expect(restored.load()).toMatchObject({ subjects: [aState()], leases: [aLease('runs')] });
  restored.close();
});
