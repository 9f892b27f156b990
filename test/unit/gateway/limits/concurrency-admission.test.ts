import { describe, expect, test } from '@jest/globals';
import type { Seat } from '../../../../src/gateway/identity/seat.ts';
import type { Lease } from '../../../../src/gateway/limits/admission.ts';
import { createConcurrencyAdmission } from '../../../../src/gateway/limits/concurrency-admission.ts';
import { aClassroomLimiting, alice, bobsSeat } from '../builders.ts';

const ESTIMATE = { promptTokens: 100, outputTokens: 10, answers: 1 };
const DONE = {
  outcome: 'completed',
  usage: undefined,
  model: 'qwen',
  queueWaitMs: 0,
  firstTokenMs: 1,
} as const;
const limited = aClassroomLimiting({ concurrentRequests: 2 });

async function leaseOf(admission: ReturnType<typeof createConcurrencyAdmission>, seat: Seat): Promise<Lease> {
  const admitted = await admission.admit(seat, ESTIMATE);
  if (!admitted.ok) throw new Error(`refused: ${admitted.refusal.message}`);
  return admitted.lease;
}

describe('concurrent requests', () => {
  test('as many as the limit says, whoever asks how often at once', async () => {
    const admission = createConcurrencyAdmission();
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => admission.admit(alice(limited), ESTIMATE)),
    );
    expect(answers.filter(({ ok }) => ok)).toHaveLength(2);
    expect(admission.running).toBe(2);
  });

  test('the refusal says how many run, how many may, when to try again and whom to ask', async () => {
    const admission = createConcurrencyAdmission();
    await leaseOf(admission, alice(limited));
    await leaseOf(admission, alice(limited));
    const refused = await admission.admit(alice(limited), ESTIMATE);
    expect(refused).toMatchObject({
      ok: false,
      refusal: {
        status: 429,
        code: 'concurrent_requests_exceeded',
        headers: { 'retry-after': '2' },
        message: expect.stringMatching(/2 requests running in class python-101, and 2 .*Ms Chen, room 214/),
      },
    });
  });

  test('one that ends makes room for one more', async () => {
    const admission = createConcurrencyAdmission();
    const first = await leaseOf(admission, alice(limited));
    await leaseOf(admission, alice(limited));
    await admission.settle(first, DONE);
    await leaseOf(admission, alice(limited));
    expect((await admission.admit(alice(limited), ESTIMATE)).ok).toBe(false);
  });

  test("a classmate's requests do not count", async () => {
    const admission = createConcurrencyAdmission();
    await leaseOf(admission, alice(limited));
    await leaseOf(admission, alice(limited));
    await leaseOf(admission, alice(limited, bobsSeat()));
  });

  test('a refusal takes nothing', async () => {
    const admission = createConcurrencyAdmission();
    const leases = [await leaseOf(admission, alice(limited)), await leaseOf(admission, alice(limited))];
    for (let i = 0; i < 10; i++) await admission.admit(alice(limited), ESTIMATE);
    for (const lease of leases) await admission.settle(lease, DONE);
    expect(admission.running).toBe(0);
    await leaseOf(admission, alice(limited));
  });

  test('settling twice is a bug that shows, and frees nothing twice', async () => {
    const admission = createConcurrencyAdmission();
    const lease = await leaseOf(admission, alice(limited));
    await leaseOf(admission, alice(limited));
    await admission.settle(lease, DONE);
    await expect(admission.settle(lease, DONE)).rejects.toThrow(/settled before/);
    expect(admission.running).toBe(1);
  });
});
