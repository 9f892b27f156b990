import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLedgerFile } from '../../src/gateway/ledger/database.ts';
import { createLedger, type Ledger } from '../../src/gateway/ledger/ledger.ts';
import type { LedgerEntry, OpenLease, SubjectState } from '../../src/gateway/limits/journal.ts';
import { systemClock } from '../../src/kube/clock.ts';
import { silentLogger } from '../../src/kube/log.ts';
import { spreadOf } from '../report/statistics.ts';
import { spreadText, terminalTable } from '../report/table.ts';

/**
 * What the ledger costs: CPU for each request (a lease that is written, then a settlement), the size of the file, and
 * the time of a report. Run it with `node bench/gateway/ledger.ts`.
 */
const AT_ONCE = [1, 8, 32] as const;
const ROUNDS = 5;
const PAIRS = 40_000;
const STUDENTS = 500;

const CLASSROOM = 'school/python-101';
const HOUR_MS = 3_600_000;
const START_MS = Date.parse('2026-09-01T08:00:00Z');
const FLUSH_EVERY = 1_000;

const studentNumber = (number: number): string => `student-${number % STUDENTS}`;

function stateOf(studentId: string | undefined, nowMs: number): SubjectState {
  return {
    classroomKey: CLASSROOM,
    studentId,
    requestTatMs: nowMs,
    tokens: 90_000,
    tokensAtMs: nowMs,
    day: '2026-09-01',
    dayTokens: 5_000,
    totalTokens: 100_000,
  };
}

function leaseOf(id: string, studentId: string, nowMs: number): OpenLease {
  return {
    id,
    classroomKey: CLASSROOM,
    studentId,
    model: 'qwen2.5-7b-instruct',
    admittedMs: nowMs,
    expectedPromptTokens: 300,
    studentReserved: 1_300,
    classroomReserved: 1_300,
    day: '2026-09-01',
  };
}

function entryOf(studentId: string, differs: Partial<LedgerEntry> = {}): LedgerEntry {
  return {
    endedMs: START_MS,
    day: '2026-09-01',
    classroomKey: CLASSROOM,
    studentId,
    model: 'qwen2.5-7b-instruct',
    outcome: 'completed',
    promptTokens: 300,
    cachedTokens: 120,
    completionTokens: 250,
    queueWaitMs: 12.5,
    firstTokenMs: 80.5,
    sessionStartMs: START_MS,
    active: { fromMs: START_MS, toMs: START_MS + 20_000 },
    ...differs,
  };
}

async function inFolder<T>(run: (ledger: Ledger) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'gpu-classroom-bench-'));
  const path = join(folder, 'ledger.db');
  const ledger = createLedger({ file: openLedgerFile(path), clock: systemClock, log: silentLogger });
  try {
    return await run(ledger);
  } finally {
    ledger.close();
    rmSync(folder, { recursive: true });
  }
}

/** @returns µs of CPU for each request, and how many there were in a second */
async function costOf(ledger: Ledger, atOnce: number): Promise<{ cpuUs: number; perSecond: number }> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < PAIRS) {
      const number = next++;
      const [student, id] = [studentNumber(number), `${atOnce}-${number}-b52f-4ad1-9c2e-d1f27c5b1a90`];
      const states = [stateOf(student, START_MS + number), stateOf(undefined, START_MS + number)];
      await ledger.admitted(leaseOf(id, student, START_MS + number), states);
      await ledger.settled(id, states, entryOf(student));
    }
  };
  const [cpu, startMs] = [process.cpuUsage(), performance.now()];
  await Promise.all(Array.from({ length: atOnce }, worker));
  const { user, system } = process.cpuUsage(cpu);
  return { cpuUs: (user + system) / PAIRS, perSecond: (PAIRS * 1000) / (performance.now() - startMs) };
}

async function printCost(): Promise<void> {
  const rows: string[][] = [];
  for (const atOnce of AT_ONCE) {
    const rounds = await inFolder(async (ledger) => {
      const done = [];
      for (let round = 0; round <= ROUNDS; round++) done.push(await costOf(ledger, atOnce));
      // The first one warms up.
      return done.slice(1);
    });
    const cpu = spreadText(
      rounds.map(({ cpuUs }) => cpuUs),
      1,
    );
    const { median } = spreadOf(rounds.map(({ perSecond }) => perSecond));
    rows.push([String(atOnce), cpu, String(Math.round(median))]);
  }
  const head = ['requests at once', 'CPU µs/request', 'requests/s'];
  process.stdout.write(`${terminalTable({ head, rows })}\n`);
}

/** A month of one class: 20 days of 4 hours with two models, and some requests that fail or are refused. */
async function writeMonth(ledger: Ledger, students: number, month: number): Promise<void> {
  let pending: Promise<void>[] = [];
  for (let day = 0; day < 20; day++) {
    const dayMs = START_MS + (month * 30 + day) * 24 * HOUR_MS;
    const date = new Date(dayMs).toISOString().slice(0, 10);
    for (let student = 0; student < students; student++) {
      for (let hour = 0; hour < 4; hour++) {
        const endedMs = dayMs + hour * HOUR_MS;
        const active = { fromMs: endedMs - 60_000, toMs: endedMs };
        const shared = { day: date, endedMs, active, sessionStartMs: dayMs };
        const outcomes: Partial<LedgerEntry>[] = [{}, { model: 'my-adapter' }, { outcome: 'client-left' }];
        if (hour === 0) outcomes.push({ outcome: 'throttled' });
        for (const outcome of outcomes) {
          pending.push(ledger.settled('', [], entryOf(studentNumber(student), { ...shared, ...outcome })));
        }
      }
      if (pending.length < FLUSH_EVERY) continue;
      await Promise.all(pending);
      pending = [];
    }
  }
  await Promise.all(pending);
}

async function printSize(): Promise<void> {
  const students = 30;
  const months = 6;
  const folder = mkdtempSync(join(tmpdir(), 'gpu-classroom-bench-'));
  const path = join(folder, 'ledger.db');
  const open = (): Ledger =>
    createLedger({ file: openLedgerFile(path), clock: systemClock, log: silentLogger });
  const ledger = open();
  for (let month = 0; month < months; month++) await writeMonth(ledger, students, month);
  const startMs = performance.now();
  const days = { today: '2027-02-10', weekStart: '2027-02-08' };
  const reads = 200;
  for (let read = 0; read < reads; read++) {
    await ledger.usageOf({ classroomKey: CLASSROOM, studentId: studentNumber(read % students) }, days);
  }
  const readUs = ((performance.now() - startMs) * 1000) / reads;
  ledger.close();
  const bytes = statSync(path).size;
  rmSync(folder, { recursive: true });
  process.stdout.write(
    `${students} students, ${months} months of 20 days with 4 hours: ${(bytes / 1024 ** 2).toFixed(1)} MiB, ` +
      `${(bytes / students / months / 1024).toFixed(1)} KiB for each student and month\n` +
      `the use of one of them, all months: ${readUs.toFixed(0)} µs\n`,
  );
}

await printCost();
await printSize();
