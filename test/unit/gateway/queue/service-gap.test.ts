import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { OUTPUT_TOKEN_SERVICE, PROMPT_TOKEN_SERVICE } from '../../../../src/gateway/queue/vtc.ts';
import { type Asked, type QueueWorld, queueWorld } from './queue-world.ts';

/** Bounds of the requests that are drawn. */
const LONGEST_PROMPT = 50;
const LONGEST_OUTPUT = 20;

const size = fc.record({
  promptTokens: fc.integer({ min: 1, max: LONGEST_PROMPT }),
  outputTokens: fc.integer({ min: 1, max: LONGEST_OUTPUT }),
});
type Size = { readonly promptTokens: number; readonly outputTokens: number };

/** Sends requests of one student, one drawn size after the other, and says what the student got so far. */
class Student {
  service = 0;
  readonly #world: QueueWorld;
  readonly #name: string;
  readonly #sizes: readonly Size[];
  readonly #open = new Map<Asked, { readonly size: Size; generated: number; charged: boolean }>();
  #sent = 0;

  constructor(world: QueueWorld, name: string, sizes: readonly Size[]) {
    this.#world = world;
    this.#name = name;
    this.#sizes = sizes;
  }

  get open(): number {
    return this.#open.size;
  }

  get waiting(): number {
    return [...this.#open.keys()].filter(({ turn }) => turn === undefined).length;
  }

  send(): void {
    const drawn = this.#sizes[this.#sent++ % this.#sizes.length];
    if (drawn === undefined) throw new Error('no sizes');
    const asked = this.#world.ask(this.#name, { promptTokens: drawn.promptTokens });
    this.#open.set(asked, { size: drawn, generated: 0, charged: false });
  }

  /** The engine computes one token of each request that runs. */
  step(refill: boolean): void {
    for (const [asked, state] of this.#open) {
      if (asked.turn === undefined) continue;
      if (!state.charged) this.service += PROMPT_TOKEN_SERVICE * state.size.promptTokens;
      state.charged = true;
      asked.turn.generated(1);
      this.service += OUTPUT_TOKEN_SERVICE;
      state.generated += 1;
      if (state.generated < state.size.outputTokens) continue;
      // Never without a waiting request, also not while the next one takes the place.
      if (refill) this.send();
      this.#open.delete(asked);
      asked.done({ promptTokens: state.size.promptTokens, completionTokens: state.generated });
    }
  }
}

describe('property: two students who always have something waiting', () => {
  test('never differ by more than the paper says, whatever others do', () => {
    fc.assert(
      fc.property(
        fc.record({
          slots: fc.integer({ min: 1, max: 6 }),
          weights: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })),
          alice: fc.array(size, { minLength: 1, maxLength: 8 }),
          bob: fc.array(size, { minLength: 1, maxLength: 8 }),
          others: fc.array(size, { minLength: 1, maxLength: 8 }),
          arrivals: fc.array(fc.nat({ max: 3 }), { minLength: 50, maxLength: 150 }),
        }),
        ({ slots, weights: [ofAlice, ofBob], arrivals, ...sizes }) => {
          const world = queueWorld({ maxNumSeqs: slots, weights: { alice: ofAlice, bob: ofBob } });
          const alice = new Student(world, 'alice', sizes.alice);
          const bob = new Student(world, 'bob', sizes.bob);
          const others = ['carol', 'dora'].map((name) => new Student(world, name, sizes.others));
          for (let i = 0; i < slots + 2; i++) for (const student of [alice, bob]) student.send();
          let [least, most] = [0, 0];
          for (const arriving of arrivals) {
            for (let i = 0; i < arriving; i++) others[i % 2]?.send();
            for (const student of [alice, bob]) student.step(true);
            for (const student of others) student.step(false);
            expect(Math.min(alice.waiting, bob.waiting)).toBeGreaterThan(0);
            const gap = alice.service / ofAlice - bob.service / ofBob;
            [least, most] = [Math.min(least, gap), Math.max(most, gap)];
          }
          // Theorem 4.4: 2 × max(w_p × longest prompt, w_q × tokens in the batch), over any interval.
          const batchTokens = slots * (LONGEST_PROMPT + LONGEST_OUTPUT);
          const bound =
            (2 * Math.max(PROMPT_TOKEN_SERVICE * LONGEST_PROMPT, OUTPUT_TOKEN_SERVICE * batchTokens)) /
            Math.min(ofAlice, ofBob);
          expect(most - least).toBeLessThanOrEqual(bound);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('everything that was asked has its turn, also beside a student who never stops', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        fc.array(size, { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 1, max: 12 }),
        (slots, sizes, requests) => {
          const world = queueWorld({ maxNumSeqs: slots });
          const flood = new Student(world, 'mallory', sizes);
          const alice = new Student(world, 'alice', sizes);
          for (let i = 0; i < 40; i++) flood.send();
          for (let i = 0; i < requests; i++) alice.send();
          // In turns, hers are done after at most as many of the other's, and those that ran when she came.
          const steps = LONGEST_OUTPUT * 2 * (requests + slots) * Math.ceil((LONGEST_PROMPT + 40) / 3);
          for (let step = 0; step < steps && alice.open > 0; step++) {
            flood.step(true);
            alice.step(false);
          }
          expect(alice.open).toBe(0);
        },
      ),
      { numRuns: 40 },
    );
  });
});
