import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { CLASS_KEY } from '../builders.ts';
import { openLedger } from './builders.ts';

const WRITER = join(import.meta.dirname, '../../../support/ledger-writer.ts');
const KILLS = 5;
/** Lines that a process may write before it is killed in the middle of the next ones; a prime, so that kills differ. */
const LINES_BEFORE_KILL = 211;

/** Lets a process write to the ledger and kills it; returns what it was promised. */
async function writeAndDie(path: string, name: string): Promise<string[]> {
  const child = spawn(process.execPath, ['--no-warnings', WRITER, path, name], {
    env: {},
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    if (text.split('\n').length > LINES_BEFORE_KILL) child.kill('SIGKILL');
  });
  await once(child, 'close');
  // A line without its end may be half of one.
  return text.split('\n').slice(0, -1);
}

test('kill -9 between any two writes loses nothing that was acknowledged', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'ledger.db');
  const lines: string[] = [];
  for (let kill = 0; kill < KILLS; kill++) lines.push(...(await writeAndDie(path, `process-${kill}`)));
  const idsAfter = (verb: string) =>
    new Set(lines.filter((line) => line.startsWith(`${verb} `)).map((line) => line.split(' ')[1]));
  const [admitted, settled] = [idsAfter('admitted'), idsAfter('settled')];
  expect(lines.length).toBeGreaterThan(KILLS * (LINES_BEFORE_KILL - 1));

  const ledger = openLedger(path);
  const open = new Set(ledger.load().leases.map(({ id }) => id));
  const student = { classroomKey: CLASS_KEY, studentId: 'alice' };
  const { total } = await ledger.usageOf(student, { today: '2026-09-01', weekStart: '2026-08-31' });
  const [booked = { requests: 0, promptTokens: 0 }] = total;
  // What was booked without being acknowledged was under way when its process was killed.
  const unacknowledged = booked.requests - settled.size;
  expect(unacknowledged).toBeGreaterThanOrEqual(0);
  expect(unacknowledged).toBeLessThanOrEqual(KILLS * 8);
  expect(booked.promptTokens).toBe(booked.requests * 10);
  // Each lease is open or booked, never both and never neither.
  expect([...settled].filter((id) => id !== undefined && open.has(id))).toEqual([]);
  const missing = [...admitted].filter((id) => id !== undefined && !settled.has(id) && !open.has(id));
  expect(missing.length).toBeLessThanOrEqual(unacknowledged);
  ledger.close();
}, 120_000);
