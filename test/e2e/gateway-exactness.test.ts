import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { UsageCount } from '../support/engine-tap.ts';
import { seenOf } from './exactness/account.ts';
import { type Crowd, gather } from './exactness/crowd.ts';
import {
  answeredTo,
  expectCharged,
  expectDisturbedByKills,
  expectPlacesHeld,
  expectRateHeld,
  expectTapped,
  expectWithinLimits,
  type Used,
  usedBy,
} from './exactness/expectations.ts';
import { type GatewayRuns, startGatewayRuns } from './exactness/gateway-runs.ts';
import { readLedgerFile } from './exactness/ledger-file.ts';
import { type School, startSchool } from './exactness/school.ts';
import { STUDENTS } from './exactness/students.ts';

async function usedByAll(gateway: GatewayRuns): Promise<Used[]> {
  const { url } = await gateway.current();
  return Promise.all(STUDENTS.map((student) => usedBy(student, url)));
}

const tokensOf = (counts: readonly UsageCount[]): UsageCount => ({
  promptTokens: counts.reduce((sum, { promptTokens }) => sum + promptTokens, 0),
  completionTokens: counts.reduce((sum, { completionTokens }) => sum + completionTokens, 0),
});

/** Whatever a client has read to its end before the kill is in the account after it. */
async function killAndExpectBooked(school: School, gateway: GatewayRuns, crowd: Crowd): Promise<void> {
  await school.underWay();
  const answered = STUDENTS.map((student) => answeredTo(student, crowd.asks));
  await gateway.killAndRestart();
  const booked = (await usedByAll(gateway)).map(({ completed }) => completed);
  for (const [index, count] of answered.entries()) expect(booked[index]).toBeGreaterThanOrEqual(count);
}

/** The file says what the gateway said, and nothing is open in it. */
function expectInFile(path: string, used: readonly Used[]): void {
  const { rows, openLeases } = readLedgerFile(path);
  expect(openLeases).toBe(0);
  const inFile = STUDENTS.map(({ id }) => tokensOf(rows.filter(({ student }) => student === id)));
  expect(inFile).toEqual(used.map((one) => tokensOf([one])));
}

test('undisturbed: the account of all students is what the engines counted, to the token', async () => {
  await using school = await startSchool(2);
  await using gateway = startGatewayRuns([`--static=${school.classesFile}`]);
  const crowd = gather({ seed: 2, leaving: 0, gatewayFor: gateway.current });
  await school.underWay();
  await school.underWay();
  await crowd.dismiss();
  await school.idle();
  const engines = await Promise.all(school.engines.map((engine) => engine.totals()));
  expect(tokensOf(await usedByAll(gateway))).toEqual(tokensOf(engines));
});

test('200 clients and small limits, while clients leave, an engine dies, and the gateway is killed twice', async () => {
  await using school = await startSchool(2);
  const ledger = join(school.folder, 'ledger.db');
  await using gateway = startGatewayRuns([`--static=${school.classesFile}`, `--ledger=${ledger}`]);
  await gateway.current();
  const startedMs = performance.now();
  const crowd = gather({ seed: 1, leaving: 0.25, gatewayFor: gateway.current });
  await killAndExpectBooked(school, gateway, crowd);
  await school.replaceEngine();
  await killAndExpectBooked(school, gateway, crowd);
  await school.underWay();
  await crowd.dismiss();
  const elapsedMs = performance.now() - startedMs;
  await school.idle();

  const used = await usedByAll(gateway);
  expect(await gateway.stop()).toBe(0);
  expectInFile(ledger, used);
  for (const engine of school.engines) await expectTapped(engine);
  expectPlacesHeld(school.peaks, crowd.asks);
  const seen = seenOf(crowd.asks, school.taps);
  expectDisturbedByKills(seen);
  for (const student of STUDENTS) {
    const own = used[STUDENTS.indexOf(student)];
    if (own === undefined) throw new Error(`nothing is known of ${student.id}`);
    expectCharged(student, own, seen);
    expectWithinLimits(student, own, elapsedMs);
    expectRateHeld(student, seen);
  }
});
