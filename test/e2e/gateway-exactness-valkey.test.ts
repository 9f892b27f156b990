import { expect, test } from '@jest/globals';
import { z } from 'zod';
import { eventually } from '../support/eventually.ts';
import { startValkey, type ValkeyServer } from '../support/valkey.ts';
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
  usedBy,
} from './exactness/expectations.ts';
import { startGatewayRuns } from './exactness/gateway-runs.ts';
import { startSchool } from './exactness/school.ts';
import { STUDENTS } from './exactness/students.ts';

const DEADLINES = 'gpu-classroom:{static/python-101}:deadlines';

async function openLeases(valkey: ValkeyServer): Promise<string[]> {
  return z.array(z.string()).parse(await valkey.command('ZRANGE', DEADLINES, '0', '-1'));
}

/** As if the minute had passed after which a gateway that is silent has lost its leases. */
async function expire(valkey: ValkeyServer, leases: readonly string[]): Promise<void> {
  for (const lease of leases) await valkey.command('ZADD', DEADLINES, 'XX', '1', lease);
}

/** Of asks that a killed gateway cannot have ended. */
function lost({ asks }: Crowd): number {
  return asks.filter(({ gateway, ending }) => gateway.wasKilled && ending !== 'answered').length;
}

test('200 clients, small limits and two gateways with one store, while one gateway and one engine are killed', async () => {
  await using valkey = await startValkey();
  await using school = await startSchool(2);
  const flags = [`--static=${school.classesFile}`, `--valkey=${valkey.url}`];
  await using first = startGatewayRuns(flags);
  await using second = startGatewayRuns(flags);
  const gateways = [first, second] as const;
  await Promise.all(gateways.map((gateway) => gateway.current()));

  const startedMs = performance.now();
  const gatewayFor = (chance: number) => gateways[chance < 0.5 ? 0 : 1].current();
  const crowd = gather({ seed: 3, leaving: 0.25, gatewayFor });
  await school.underWay();
  const answered = STUDENTS.map((student) => answeredTo(student, crowd.asks));
  await second.killAndRestart();
  const { url } = await first.current();
  for (const student of STUDENTS) {
    const { completed } = await usedBy(student, url);
    expect(completed).toBeGreaterThanOrEqual(answered[STUDENTS.indexOf(student)] ?? 0);
  }
  await school.replaceEngine();
  await crowd.dismiss();
  const elapsedMs = performance.now() - startedMs;
  await school.idle();

  const left = await openLeases(valkey);
  expect(left.length).toBeLessThanOrEqual(lost(crowd));
  await expire(valkey, left);
  await eventually('all leases to be booked', async () => {
    for (const student of STUDENTS) await usedBy(student, url);
    return (await openLeases(valkey)).length === 0;
  });
  for (const engine of school.engines) await expectTapped(engine);
  expectPlacesHeld(school.peaks, crowd.asks);
  const seen = seenOf(crowd.asks, school.taps);
  expectDisturbedByKills(seen);
  for (const student of STUDENTS) {
    const used = await usedBy(student, url);
    expectCharged(student, used, seen);
    expectWithinLimits(student, used, elapsedMs);
    expectRateHeld(student, seen);
  }
});
