import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { openLedgerInMemory } from '../../../../src/gateway/ledger/database.ts';
import { createLedger } from '../../../../src/gateway/ledger/ledger.ts';
import type { LedgerEntry } from '../../../../src/gateway/limits/journal.ts';
import { OUTCOME_KINDS } from '../../../../src/gateway/limits/settlement.ts';
import { silentLogger } from '../../../../src/kube/log.ts';
import { createFakeClock } from '../../../support/fake-clock.ts';
import { CLASS_KEY } from '../builders.ts';
import { aLease, aState } from './builders.ts';

const DAYS = ['2026-08-29', '2026-08-31', '2026-09-01'] as const;
const STUDENTS = ['alice', 'bob'] as const;
const tokens = fc.integer({ min: 0, max: 1_000_000 });

const entries: fc.Arbitrary<LedgerEntry> = fc.record({
  // Three hours in which a local day may begin.
  endedMs: fc.integer({ min: 0, max: 3 * 3_600_000 }).map((ms) => Date.parse('2026-09-01T00:00:00Z') + ms),
  day: fc.constantFrom(...DAYS),
  classroomKey: fc.constantFrom(CLASS_KEY, 'school/other'),
  studentId: fc.constantFrom(...STUDENTS),
  model: fc.constantFrom('qwen', 'my-adapter'),
  outcome: fc.constantFrom(...OUTCOME_KINDS),
  promptTokens: tokens,
  cachedTokens: tokens,
  completionTokens: tokens,
  queueWaitMs: fc.integer({ min: 0, max: 10_000 }),
  firstTokenMs: fc.option(fc.integer({ min: 0, max: 10_000 }), { nil: undefined }),
});

type Step =
  | { readonly kind: 'book'; readonly entry: LedgerEntry; readonly withLease: boolean }
  | { readonly kind: 'turn' | 'disk-breaks' | 'disk-works' };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ kind: fc.constant('book' as const), entry: entries, withLease: fc.boolean() }),
    },
    { weight: 2, arbitrary: fc.constant({ kind: 'turn' as const }) },
    {
      weight: 1,
      arbitrary: fc.constantFrom({ kind: 'disk-breaks' as const }, { kind: 'disk-works' as const }),
    },
  ),
  { maxLength: 60 },
);

/** Runs the steps and then reads the whole account. */
async function accountAfter(given: readonly Step[]): Promise<unknown> {
  const file = openLedgerInMemory();
  const ledger = createLedger({ file, clock: createFakeClock(), log: silentLogger });
  const kept: Promise<unknown>[] = [];
  for (const [number, step] of given.entries()) {
    switch (step.kind) {
      case 'book':
        if (step.entry.outcome === 'throttled' && !step.withLease) ledger.throttled(step.entry);
        else {
          const id = `lease-${number}`;
          if (step.withLease) kept.push(ledger.admitted(aLease(id), [aState()]));
          kept.push(ledger.settled(id, [aState()], step.entry));
        }
        break;
      case 'turn':
        await new Promise((resolve) => setImmediate(resolve));
        break;
      case 'disk-breaks':
        file.db.exec('PRAGMA query_only = 1');
        break;
      case 'disk-works':
        file.db.exec('PRAGMA query_only = 0');
        break;
    }
  }
  // Some were told that it was not kept yet.
  const settled = Promise.allSettled(kept);
  await new Promise((resolve) => setImmediate(resolve));
  file.db.exec('PRAGMA query_only = 0');
  await ledger.admitted(aLease('last'), []);
  await settled;
  const rows = file.db
    .prepare(
      `SELECT classroom, student, day, hour, model, outcome, requests, prompt_tokens, cached_tokens,
        completion_tokens, queue_wait_ms_sum, queue_wait_ms_max, first_token_count, first_token_ms_sum,
        first_token_ms_max FROM usage`,
    )
    .all()
    .map((row) => Object.values(row).join('|'));
  const { leases } = ledger.load();
  ledger.close();
  return { rows: rows.sort(), leases: leases.map(({ id }) => id) };
}

/** The same account, made in the simplest way. */
function expectedAfter(given: readonly Step[]): unknown {
  const rows = new Map<string, number[]>();
  for (const step of given) {
    if (step.kind !== 'book') continue;
    const { entry } = step;
    const hour = new Date(entry.endedMs).toISOString().slice(0, 13);
    const key = [
      entry.classroomKey,
      entry.studentId,
      entry.day,
      `${hour}:00Z`,
      entry.model,
      entry.outcome,
    ].join('|');
    const [n = 0, p = 0, c = 0, o = 0, w = 0, wMax = 0, f = 0, t = 0, tMax = 0] = rows.get(key) ?? [];
    const { promptTokens, cachedTokens, completionTokens, queueWaitMs, firstTokenMs = 0 } = entry;
    const first = entry.firstTokenMs === undefined ? 0 : 1;
    rows.set(key, [
      ...[n + 1, p + promptTokens, c + cachedTokens, o + completionTokens],
      ...[w + queueWaitMs, Math.max(wMax, queueWaitMs)],
      ...[f + first, t + firstTokenMs, Math.max(tMax, firstTokenMs)],
    ]);
  }
  return { rows: [...rows].map(([key, sums]) => [key, ...sums].join('|')).sort(), leases: ['last'] };
}

test('the account is the sum of its entries, whatever breaks in between', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (given) => {
      expect(await accountAfter(given)).toEqual(expectedAfter(given));
    }),
    { numRuns: 150 },
  );
});
