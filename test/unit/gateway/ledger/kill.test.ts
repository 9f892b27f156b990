import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { eventually } from '../../../support/eventually.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { CLASS_KEY } from '../builders.ts';
import { openLedger } from './builders.ts';

const WRITER = join(import.meta.dirname, '../../../support/ledger-writer.ts');
/**
 * What each process may write down before it is killed in the middle of the next lines, in bytes. The last lives long
 * enough to have its log emptied by the other thread.
 */
const BYTES_BEFORE_KILL = [1, 2_000, 8_000, 40_000, 1_000_000];

/** Lets a process write to the ledger and kills it; returns what it was promised. */
async function writeAndDie(path: string, name: string, bytes: number): Promise<string[]> {
  // To a file: what a killed process wrote to a pipe may be lost.
  const promises = await open(`${path}-${name}.log`, 'w+');
  const child = spawn(process.execPath, ['--no-warnings', WRITER, path, name], {
    env: {},
    stdio: ['ignore', promises.fd, 'inherit'],
  });
  const exit = once(child, 'exit');
  await eventually(`${name} to write ${bytes} bytes`, async () => (await promises.stat()).size >= bytes);
  child.kill('SIGKILL');
  await exit;
  const text = await readFile(`${path}-${name}.log`, 'utf8');
  await promises.close();
  // A line without its end may be half of one.
  return text.split('\n').slice(0, -1);
}

test('kill -9 between any two writes loses nothing that was acknowledged', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'ledger.db');
  const lines: string[] = [];
  for (const [kill, bytes] of BYTES_BEFORE_KILL.entries()) {
    lines.push(...(await writeAndDie(path, `process-${kill}`, bytes)));
  }
  const idsAfter = (verb: string) =>
    new Set(lines.filter((line) => line.startsWith(`${verb} `)).map((line) => line.split(' ')[1]));
  const [admitted, settled] = [idsAfter('admitted'), idsAfter('settled')];
  expect(settled.size).toBeGreaterThan(1_000);

  const ledger = openLedger(path);
  const running = new Set(ledger.load().leases.map(({ id }) => id));
  const student = { classroomKey: CLASS_KEY, studentId: 'alice' };
  const { total } = await ledger.usageOf(student, { today: '2026-09-01', weekStart: '2026-08-31' });
  const [booked = { requests: 0, promptTokens: 0 }] = total;
  // What was booked without being acknowledged was under way when its process was killed.
  const unacknowledged = booked.requests - settled.size;
  expect(unacknowledged).toBeGreaterThanOrEqual(0);
  expect(unacknowledged).toBeLessThanOrEqual(BYTES_BEFORE_KILL.length * 8);
  expect(booked.promptTokens).toBe(booked.requests * 10);
  // Each lease is open or booked, never both and never neither.
  expect([...settled].filter((id) => id !== undefined && running.has(id))).toEqual([]);
  const missing = [...admitted].filter((id) => id !== undefined && !settled.has(id) && !running.has(id));
  expect(missing.length).toBeLessThanOrEqual(unacknowledged);
  ledger.close();
}, 120_000);
