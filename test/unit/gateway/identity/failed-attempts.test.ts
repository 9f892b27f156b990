import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createFailedAttempts, networkOf } from '../../../../src/gateway/identity/failed-attempts.ts';
import { createFakeClock } from '../../../support/fake-clock.ts';
import { ALICE_KEY, aClassroom, aDirectory, aSeat, keyNumber } from '../builders.ts';
import { askJson, CHAT, startWorld } from '../gateway-world.ts';
import { aSignIn, requestWith } from './sign-ins.ts';

const WRONG = `Bearer ${keyNumber(99)}`;

function signInLimited(perMinute: number) {
  const clock = createFakeClock();
  const directory = aDirectory();
  directory.putClassroom(aClassroom());
  directory.putSeat(aSeat());
  const failedAttempts = createFailedAttempts({ perMinute, clock });
  const signIn = aSignIn({ directory, clock, failedAttempts });
  const codeOf = async (authorization: string | undefined, address?: string) => {
    const decision = await signIn(requestWith(authorization, address));
    return decision.ok ? 'accepted' : decision.refusal.code;
  };
  return { clock, signIn, codeOf };
}

describe('wrong keys from one address', () => {
  test('are told what is wrong until there were too many, and then when to come back', async () => {
    const { clock, signIn, codeOf } = signInLimited(3);
    for (let attempt = 0; attempt < 3; attempt++) expect(await codeOf(WRONG)).toBe('invalid_api_key');
    const decision = await signIn(requestWith('Bearer gpc_short'));
    expect(decision.ok ? {} : decision.refusal).toMatchObject({
      code: 'too_many_failed_attempts',
      status: 429,
      headers: { 'retry-after': '20' },
    });
    await clock.advance(19_999);
    expect(await codeOf(WRONG)).toBe('too_many_failed_attempts');
    await clock.advance(1);
    expect(await codeOf(WRONG)).toBe('invalid_api_key');
    expect(await codeOf(WRONG)).toBe('too_many_failed_attempts');
  });

  test('never hinder a right key from the same address, and a right key forgives nothing', async () => {
    const { codeOf } = signInLimited(1);
    await codeOf(WRONG);
    expect(await codeOf(`Bearer ${ALICE_KEY}`)).toBe('accepted');
    expect(await codeOf(WRONG)).toBe('too_many_failed_attempts');
  });

  test('do not count for another address', async () => {
    const { codeOf } = signInLimited(1);
    await codeOf(WRONG);
    expect(await codeOf(WRONG, '192.0.2.2')).toBe('invalid_api_key');
  });

  test('count for the whole network of an IPv6 customer', async () => {
    const { codeOf } = signInLimited(1);
    await codeOf(WRONG, '2001:db8:1:2::1');
    expect(await codeOf(WRONG, '2001:db8:1:2:ffff::9')).toBe('too_many_failed_attempts');
    expect(await codeOf(WRONG, '2001:db8:1:3::1')).toBe('invalid_api_key');
  });

  test('do not count where somebody has a key that does not work now, or has none', async () => {
    const { codeOf } = signInLimited(1);
    await codeOf(undefined);
    await codeOf(undefined);
    expect(await codeOf(WRONG)).toBe('invalid_api_key');
  });
});

test('whatever the rhythm, no stretch of time has more answered failures than the bucket and its refill', () => {
  const steps = fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 1, maxLength: 80 });
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 20 }), (pausesMs, perMinute) => {
      let nowMs = 0;
      const attempts = createFailedAttempts({ perMinute, clock: { monotonic: () => nowMs } });
      const answeredMs: number[] = [];
      for (const pauseMs of pausesMs) {
        nowMs += pauseMs;
        const retryAfterSeconds = attempts.count('192.0.2.1');
        if (retryAfterSeconds === undefined) answeredMs.push(nowMs);
        else expect(retryAfterSeconds).toBeGreaterThan(0);
      }
      answeredMs.forEach((fromMs, first) => {
        answeredMs.slice(first).forEach((toMs, count) => {
          const refilled = ((toMs - fromMs) * perMinute) / 60_000;
          expect(count + 1).toBeLessThanOrEqual(perMinute + refilled + 1e-6);
        });
      });
    }),
  );
});

test('who waits as long as they are told is answered', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 600 }), fc.integer({ min: 0, max: 100 }), (perMinute, more) => {
      let nowMs = 0;
      const attempts = createFailedAttempts({ perMinute, clock: { monotonic: () => nowMs } });
      let retryAfterSeconds: number | undefined;
      for (let attempt = 0; attempt <= perMinute + more; attempt++) retryAfterSeconds = attempts.count('a');
      nowMs += (retryAfterSeconds ?? 0) * 1000;
      expect(attempts.count('a')).toBeUndefined();
    }),
  );
});

test('over HTTP, a client that tries keys is held off with Retry-After, and its neighbour is served', async () => {
  const world = await startWorld({ engines: [], failedAttemptsPerMinute: 2 });
  const answers = [];
  for (let attempt = 50; attempt < 53; attempt++) {
    answers.push(await askJson(world, CHAT, { key: keyNumber(attempt) }));
  }
  expect(answers.map(({ status }) => status)).toEqual([401, 401, 429]);
  expect(answers[2]?.headers['retry-after']).toBe('30');
  expect((await askJson(world, '', { path: '/v1/models', method: 'GET' })).status).toBe(200);
  await world.stop();
});

test('the table of addresses is bounded, and forgets who failed least recently', () => {
  const attempts = createFailedAttempts({ perMinute: 1, clock: createFakeClock() });
  attempts.count('first');
  for (let address = 0; address < 10_000; address++) attempts.count(`10.0.${address >> 8}.${address & 255}`);
  expect(attempts.size).toBe(10_000);
  expect(attempts.count('10.0.39.15')).toBe(60);
  expect(attempts.count('first')).toBeUndefined();
});

test.each<[string, string]>([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8::1', '2001:db8:0:0'],
  ['2001:0db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['::1', '0:0:0:0'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
])('the network of %s is %s', (address, want) => {
  expect(networkOf(address)).toBe(want);
});
