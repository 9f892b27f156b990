import { describe, expect, test } from '@jest/globals';
import type { Seat } from '../../../../src/gateway/identity/seat.ts';
import { openLedgerInMemory } from '../../../../src/gateway/ledger/database.ts';
import { createLedger } from '../../../../src/gateway/ledger/ledger.ts';
import type { Admission, Lease, RequestCost } from '../../../../src/gateway/limits/admission.ts';
import { JournalUnavailableError, type LimitJournal } from '../../../../src/gateway/limits/journal.ts';
import type { LimitName } from '../../../../src/gateway/limits/limit-state.ts';
import { createLocalAdmission } from '../../../../src/gateway/limits/local-admission.ts';
import type { Settlement } from '../../../../src/gateway/limits/settlement.ts';
import { silentLogger } from '../../../../src/kube/log.ts';
import { createFakeClock, type FakeClock } from '../../../support/fake-clock.ts';
import { aClassroomLimiting, alice, bobsSeat } from '../builders.ts';
import { describeAdmission } from './admission-contract.ts';
import { createMemoryJournal } from './memory-journal.ts';

const HOUR_MS = 3_600_000;
/** 10:00 in Shanghai, where the class is. */
const MORNING = Date.parse('2026-11-23T02:00:00Z');
const COST: RequestCost = {
  model: 'qwen',
  promptTokens: 300,
  expectedPromptTokens: 100,
  outputTokens: 50,
  answers: 1,
};
const seat = alice(aClassroomLimiting({ tokensPerDay: 10_000, tokensTotal: 50_000 }));

interface Options {
  readonly clock?: FakeClock;
  readonly journal?: LimitJournal;
  readonly leaseMs?: number;
}

let leases = 0;
function anAdmission({
  clock = createFakeClock(MORNING),
  journal = createMemoryJournal(),
  leaseMs = 2 * HOUR_MS,
}: Options = {}): Promise<Admission> {
  return createLocalAdmission({
    clock,
    journal,
    log: silentLogger,
    newLeaseId: () => `lease-${++leases}`,
    leaseMs,
  });
}

function used(promptTokens: number, completionTokens: number): Settlement {
  return {
    outcome: 'completed',
    usage: { promptTokens, completionTokens, cachedTokens: 7 },
    model: 'qwen',
    queueWaitMs: 5,
    firstTokenMs: 90,
  };
}

async function leaseOf(admission: Admission, of: Seat = seat, cost = COST): Promise<Lease> {
  const admitted = await admission.admit(of, cost);
  if (!admitted.ok) throw new Error(`refused: ${admitted.refusal.message}`);
  return admitted.lease;
}

async function remaining(
  admission: Admission,
  name: LimitName,
  of: Seat = seat,
): Promise<number | undefined> {
  return (await admission.limitsOf(of)).find((limit) => limit.name === name)?.remaining;
}

describeAdmission('the local admission', async (startMs) => {
  const clock = createFakeClock(startMs);
  return {
    admission: await anAdmission({ clock, leaseMs: 1_000 * HOUR_MS }),
    advance: (ms) => clock.advance(ms),
    close: async () => {},
  };
});

describeAdmission(
  'the local admission over its ledger',
  async (startMs) => {
    const clock = createFakeClock(startMs);
    const journal = createLedger({ file: openLedgerInMemory(), clock, log: silentLogger });
    return {
      admission: await anAdmission({ clock, journal, leaseMs: 1_000 * HOUR_MS }),
      advance: (ms) => clock.advance(ms),
      close: async () => journal.close(),
    };
  },
  20,
);

describe('what is written down', () => {
  test('a request that ended, with all that the account needs', async () => {
    const journal = createMemoryJournal();
    const clock = createFakeClock(MORNING);
    const admission = await anAdmission({ clock, journal });
    const lease = await leaseOf(admission);
    await clock.advance(20 * HOUR_MS);
    await admission.settle(lease, used(120, 30));
    expect(journal.entries).toEqual([
      {
        endedMs: MORNING + 20 * HOUR_MS,
        day: '2026-11-23',
        sessionStartMs: undefined,
        active: { fromMs: MORNING, toMs: MORNING + 20 * HOUR_MS },
        classroomKey: 'school/python-101',
        studentId: 'alice',
        model: 'qwen',
        outcome: 'completed',
        promptTokens: 120,
        cachedTokens: 7,
        completionTokens: 30,
        queueWaitMs: 5,
        firstTokenMs: 90,
      },
    ]);
  });

  test('a request that a limit refused', async () => {
    const journal = createMemoryJournal();
    const admission = await anAdmission({ journal });
    for (let running = 0; running < 2; running++) await leaseOf(admission);
    expect((await admission.admit(seat, COST)).ok).toBe(false);
    expect(journal.entries).toMatchObject([
      { studentId: 'alice', outcome: 'throttled', promptTokens: 0, day: '2026-11-23' },
    ]);
    expect(journal.load().leases).toHaveLength(2);
  });

  test('the session in which a request was let in, however long it runs, or was refused', async () => {
    const journal = createMemoryJournal();
    const clock = createFakeClock(MORNING);
    const admission = await anAdmission({ clock, journal });
    const session = { startMs: MORNING, endMs: MORNING + HOUR_MS };
    const inSession = { ...seat, opening: { ...seat.opening, session } };
    const leases = [await leaseOf(admission, inSession), await leaseOf(admission, inSession)];
    expect((await admission.admit(inSession, COST)).ok).toBe(false);
    await clock.advance(2 * HOUR_MS);
    for (const lease of leases) await admission.settle(lease, used(120, 30));
    await leaseOf(admission);
    expect(journal.entries.map(({ outcome, sessionStartMs }) => [outcome, sessionStartMs])).toEqual([
      ['throttled', MORNING],
      ['completed', MORNING],
      ['completed', MORNING],
    ]);
    expect(journal.load().leases).toMatchObject([{ sessionStartMs: undefined }]);
  });

  test('a request that a crash ended, as no longer active than the minute of its admission', async () => {
    const journal = createMemoryJournal();
    const clock = createFakeClock(MORNING);
    await leaseOf(await anAdmission({ clock, journal }));
    await clock.advance(HOUR_MS);
    await anAdmission({ clock, journal });
    expect(journal.entries).toMatchObject([{ active: { fromMs: MORNING, toMs: MORNING } }]);
  });

  test('nothing is let in before it is written down', async () => {
    const written = Promise.withResolvers<void>();
    const admission = await anAdmission({
      journal: { ...createMemoryJournal(), admitted: () => written.promise },
    });
    let admitted = false;
    const asked = admission.admit(seat, COST).then(() => {
      admitted = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(admitted).toBe(false);
    written.resolve();
    await asked;
    expect(admitted).toBe(true);
  });
});

describe('a gateway that starts again', () => {
  test('goes on with the counts it had', async () => {
    const journal = createMemoryJournal();
    const clock = createFakeClock(MORNING);
    const before = await anAdmission({ clock, journal });
    await before.settle(await leaseOf(before), used(200, 50));
    const standing = await before.limitsOf(seat);
    expect(await (await anAdmission({ clock, journal })).limitsOf(seat)).toEqual(standing);
  });

  test('books what the one before was killed with: the expected tokens of each prompt, and nothing of the answer', async () => {
    const journal = createMemoryJournal();
    const clock = createFakeClock(MORNING);
    const killed = await anAdmission({ clock, journal });
    await leaseOf(killed);
    await leaseOf(killed, alice(seat.classroom, bobsSeat()));
    const admission = await anAdmission({ clock, journal });
    expect(admission.running).toBe(0);
    expect(journal.load().leases).toEqual([]);
    expect(journal.entries).toMatchObject([
      { studentId: 'alice', outcome: 'interrupted', promptTokens: 100, completionTokens: 0 },
      { studentId: 'bob', outcome: 'interrupted', promptTokens: 100, completionTokens: 0 },
    ]);
    expect(await remaining(admission, 'tokensPerDay')).toBe(9_900);
    expect(await remaining(admission, 'tokensPerMinute')).toBe(99_900);
    await leaseOf(admission);
    await leaseOf(admission);
  });

  test('on a clock that was set back, shuts nobody out', async () => {
    const journal = createMemoryJournal();
    const course = alice(aClassroomLimiting({}));
    const before = await anAdmission({ journal });
    for (let i = 0; i < 30; i++) await before.settle(await leaseOf(before, course), used(3_000, 0));
    const clock = createFakeClock(MORNING - 5 * HOUR_MS);
    const admission = await anAdmission({ clock, journal });
    expect(await remaining(admission, 'requestsPerMinute', course)).toBe(0);
    expect(await remaining(admission, 'tokensPerMinute', course)).toBe(10_000);
    await clock.advance(60_000);
    expect(await remaining(admission, 'requestsPerMinute', course)).toBe(30);
    expect(await remaining(admission, 'tokensPerMinute', course)).toBe(100_000);
  });
});

describe('a wall clock that jumps while the gateway runs', () => {
  test.each([-3 * HOUR_MS, 3 * HOUR_MS])(
    'by %i ms neither fills nor empties what refills by the minute',
    async (jump) => {
      const clock = createFakeClock(MORNING);
      const admission = await anAdmission({ clock });
      await leaseOf(admission);
      clock.jump(jump);
      expect(await remaining(admission, 'requestsPerMinute')).toBe(29);
      expect(await remaining(admission, 'tokensPerMinute')).toBe(99_650);
      await clock.advance(60_000);
      expect(await remaining(admission, 'requestsPerMinute')).toBe(30);
    },
  );

  test('back across midnight does not give the day once more', async () => {
    const clock = createFakeClock(MORNING + 14 * HOUR_MS);
    const admission = await anAdmission({ clock });
    await admission.settle(await leaseOf(admission), used(300, 50));
    clock.jump(-HOUR_MS);
    await admission.settle(await leaseOf(admission), used(300, 50));
    expect(await remaining(admission, 'tokensPerDay')).toBe(9_300);
    clock.jump(HOUR_MS);
    await admission.settle(await leaseOf(admission), used(300, 50));
    expect(await remaining(admission, 'tokensPerDay')).toBe(8_950);
  });

  test('from a date that was years ahead takes along what was used, and the next day is a new one', async () => {
    const clock = createFakeClock(MORNING + 10_000 * HOUR_MS);
    const admission = await anAdmission({ clock });
    const lease = await leaseOf(admission);
    clock.jump(-10_000 * HOUR_MS);
    expect(await remaining(admission, 'tokensPerDay')).toBe(9_650);
    await admission.settle(lease, used(300, 20));
    expect(await remaining(admission, 'tokensPerDay')).toBe(9_680);
    await clock.advance(24 * HOUR_MS);
    expect(await remaining(admission, 'tokensPerDay')).toBe(10_000);
  });
});

describe('a journal that cannot be written', () => {
  const broken = async () => {
    throw new JournalUnavailableError('the disk is full');
  };

  test('nobody is let in, and nothing is taken', async () => {
    const journal = { ...createMemoryJournal(), admitted: broken };
    const admission = await anAdmission({ journal });
    const before = await admission.limitsOf(seat);
    const refused = await admission.admit(seat, COST);
    expect(refused).toMatchObject({
      ok: false,
      refusal: { status: 503, code: 'usage_not_counted', headers: { 'retry-after': '30' } },
      limits: before,
    });
    expect(await admission.limitsOf(seat)).toEqual(before);
    expect(admission.running).toBe(0);
  });

  test('what ends meanwhile counts, and the caller hears that it is not kept yet', async () => {
    const journal = { ...createMemoryJournal(), settled: broken };
    const admission = await anAdmission({ journal });
    const lease = await leaseOf(admission);
    await expect(admission.settle(lease, used(100, 50))).rejects.toThrow(/the disk is full/);
    expect(await remaining(admission, 'tokensPerDay')).toBe(9_850);
    await expect(admission.settle(lease, used(100, 50))).rejects.toThrow(/settled before/);
  });

  test('that it is broken for another reason is not taken for a full disk', async () => {
    const journal = {
      ...createMemoryJournal(),
      admitted: async () => {
        throw new TypeError('a fault of ours');
      },
    };
    const admission = await anAdmission({ journal });
    await expect(admission.admit(seat, COST)).rejects.toThrow('a fault of ours');
    expect(admission.running).toBe(0);
  });
});

test('a lease that nobody settles is charged like one of a crash, and its place is free again', async () => {
  const journal = createMemoryJournal();
  const clock = createFakeClock(MORNING);
  const admission = await anAdmission({ clock, journal, leaseMs: 600_000 });
  const lost = await leaseOf(admission);
  await clock.advance(300_000);
  const later = await leaseOf(admission);
  await clock.advance(300_000);
  expect(await remaining(admission, 'concurrentRequests')).toBe(1);
  expect(journal.entries).toMatchObject([{ outcome: 'interrupted', promptTokens: 100 }]);
  await expect(admission.settle(lost, used(1, 1))).rejects.toThrow(/has expired/);
  await admission.settle(later, used(1, 1));
  expect(admission.running).toBe(0);
});
