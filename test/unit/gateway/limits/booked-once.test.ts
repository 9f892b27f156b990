import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Admission, Lease, RequestCost } from '../../../../src/gateway/limits/admission.ts';
import { JournalUnavailableError, type LimitJournal } from '../../../../src/gateway/limits/journal.ts';
import { createLocalAdmission } from '../../../../src/gateway/limits/local-admission.ts';
import { silentLogger } from '../../../../src/kube/log.ts';
import { createFakeClock } from '../../../support/fake-clock.ts';
import { aClassroomLimiting, alice } from '../builders.ts';
import { createMemoryJournal, type MemoryJournal } from './memory-journal.ts';

const TOTAL = 20_000;
const HOUR_MS = 3_600_000;
const seat = alice(
  aClassroomLimiting({
    requestsPerMinute: 1_000,
    tokensPerMinute: 1_000_000,
    concurrentRequests: 5,
    tokensTotal: TOTAL,
  }),
);

/** What happens to a gateway and its disk. */
type Event =
  | { readonly kind: 'admit'; readonly prompt: number; readonly output: number }
  | { readonly kind: 'settle'; readonly which: number; readonly usedPercent: number }
  | { readonly kind: 'kill' }
  | { readonly kind: 'disk'; readonly full: boolean }
  | { readonly kind: 'wait'; readonly ms: number };

const events: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('admit' as const),
      prompt: fc.integer({ min: 1, max: 500 }),
      output: fc.integer({ min: 0, max: 500 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('settle' as const),
      which: fc.nat(10),
      usedPercent: fc.integer({ min: 0, max: 100 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'kill' as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('disk' as const), full: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.integer({ min: 0, max: 2 * HOUR_MS }),
    }),
  },
);

/** A journal on a disk that can be full: what could not be kept is kept, in order, as soon as there is room again. */
function journalOn(kept: MemoryJournal, disk: { full: boolean }): LimitJournal {
  const waiting: (() => void)[] = [];
  const write = async (now?: () => void): Promise<void> => {
    if (disk.full) throw new JournalUnavailableError('the disk is full');
    for (const change of waiting.splice(0)) change();
    now?.();
  };
  return {
    load: () => kept.load(),
    admitted: (lease, subjects) => write(() => kept.admitted(lease, subjects)),
    settled: (...booking) => {
      waiting.push(() => kept.settled(...booking));
      return write();
    },
    withdrawn: (subjects) => void waiting.push(() => kept.withdrawn(subjects)),
    throttled: (entry) => kept.throttled(entry),
  };
}

/** One gateway after the other on one disk. */
class Life {
  readonly #kept = createMemoryJournal();
  readonly #disk = { full: false };
  readonly #clock = createFakeClock(Date.parse('2026-11-23T02:00:00Z'));
  #leases = 0;
  #running: { lease: Lease; cost: RequestCost }[] = [];
  #admission: Admission | undefined;

  async gateway(): Promise<Admission> {
    this.#admission ??= await createLocalAdmission({
      clock: this.#clock,
      journal: journalOn(this.#kept, this.#disk),
      log: silentLogger,
      newLeaseId: () => `lease-${++this.#leases}`,
      leaseMs: HOUR_MS,
    });
    return this.#admission;
  }

  /** @returns whether a request was let in */
  async live(event: Event): Promise<boolean> {
    const admission = await this.gateway();
    switch (event.kind) {
      case 'admit': {
        const { prompt: promptTokens, output: outputTokens } = event;
        const expectedPromptTokens = Math.ceil(promptTokens / 4);
        const cost = { model: 'qwen', promptTokens, expectedPromptTokens, outputTokens, answers: 1 };
        const admitted = await admission.admit(seat, cost);
        if (admitted.ok) this.#running.push({ lease: admitted.lease, cost });
        return admitted.ok;
      }
      case 'settle':
        await this.#settle(event.which, event.usedPercent);
        return false;
      case 'kill':
        this.#kill();
        return false;
      case 'disk':
        this.#disk.full = event.full;
        return false;
      case 'wait':
        await this.#clock.advance(event.ms);
        return false;
    }
  }

  /** Everything ends, on a disk that has room, under a new gateway. */
  async end(): Promise<{ booked: number; tokens: number; remaining: number | undefined }> {
    this.#disk.full = false;
    this.#kill();
    const limits = await (await this.gateway()).limitsOf(seat);
    const booked = this.#kept.entries.filter(({ outcome }) => outcome !== 'throttled');
    return {
      booked: booked.length,
      tokens: booked.reduce((sum, entry) => sum + entry.promptTokens + entry.completionTokens, 0),
      remaining: limits.find(({ name }) => name === 'tokensTotal')?.remaining,
    };
  }

  #kill(): void {
    this.#admission = undefined;
    this.#running = [];
  }

  async #settle(which: number, usedPercent: number): Promise<void> {
    const [ended] = this.#running.splice(which % Math.max(1, this.#running.length), 1);
    if (ended === undefined) return;
    const admission = await this.gateway();
    const { lease, cost } = ended;
    const usage = {
      promptTokens: cost.promptTokens,
      completionTokens: Math.floor((lease.outputTokens * usedPercent) / 100),
      cachedTokens: undefined,
    };
    const settlement = { outcome: 'completed', model: 'qwen', queueWaitMs: 1, firstTokenMs: 2 } as const;
    await admission.settle(lease, { ...settlement, usage }).catch((error: Error) => {
      if (!/disk is full|has expired/.test(error.message)) throw error;
    });
  }
}

test('every admitted request is booked exactly once, whatever is killed, full or forgotten in between', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(events, { minLength: 5, maxLength: 60, size: 'max' }), async (sequence) => {
      const life = new Life();
      let admitted = 0;
      for (const event of sequence) if (await life.live(event)) admitted += 1;
      const { booked, tokens, remaining } = await life.end();
      expect(booked).toBe(admitted);
      expect(tokens).toBeLessThanOrEqual(TOTAL);
      expect(remaining).toBe(TOTAL - tokens);
    }),
    { numRuns: 150 },
  );
});
