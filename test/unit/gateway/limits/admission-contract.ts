import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Seat } from '../../../../src/gateway/identity/seat.ts';
import type { Admission, Lease, RequestCost } from '../../../../src/gateway/limits/admission.ts';
import {
  type Counts,
  decide,
  type Grant,
  type Held,
  type LimitsInForce,
  limitStates,
  limitsInForce,
  type Moment,
  NOTHING_HELD,
  settle,
  untouched,
} from '../../../../src/gateway/limits/decision.ts';
import type { SubjectState } from '../../../../src/gateway/limits/journal.ts';
import { refusalOf } from '../../../../src/gateway/limits/refusal.ts';
import type { OutcomeKind, Settlement } from '../../../../src/gateway/limits/settlement.ts';
import { localDayOf } from '../../../../src/timetable/local-day.ts';
import { aClassroom, alice, aSeat } from '../builders.ts';

/** An admission that nobody has asked yet, and its time, which stands still. */
export interface AdmissionUnderTest {
  readonly admission: Admission;
  /** Moves all its clocks. */
  advance(ms: number): Promise<void>;
  close(): Promise<void>;
}

/** @param startMs epoch ms that its clocks show first */
export type StartAdmission = (startMs: number) => Promise<AdmissionUnderTest>;

/** Ten minutes before midnight in the class's time zone, so that sequences run into the next day. */
const START_MS = Date.parse('2026-11-23T15:50:00Z');
const STUDENTS = ['alice', 'bob', 'carol'];

/**
 * What every {@link Admission} does, whatever keeps its counts: the same as the pure decision in every sequence of
 * requests, and the promises that the documentation makes. A failure prints the seed and the sequence; give both to
 * fc.assert to see it again.
 */
export function describeAdmission(name: string, start: StartAdmission, numRuns = 100): void {
  describe(`${name} as an admission`, () => {
    test('decides as the pure decision does, in every sequence', async () => {
      await fc.assert(
        fc.asyncProperty(
          limitSets,
          fc.array(steps, { maxLength: 40, size: 'max' }),
          async (limits, sequence) => {
            await withAdmission(start, async (under) => {
              const play = new Play(under, limits);
              for (const step of sequence) await play.step(step);
            });
          },
        ),
        { numRuns },
      );
    });

    test('never lets budgets, places or rates be overdrawn by requests that keep to their leases', async () => {
      await fc.assert(
        fc.asyncProperty(
          limitSets,
          fc.array(requests, { minLength: 5, maxLength: 60, size: 'max' }),
          async (limits, asked) => {
            await withAdmission(start, (under) => keepWithinLimits(under, limits[0], asked));
          },
        ),
        { numRuns },
      );
    });

    test('of requests that come at the same moment, as many are admitted as the limits allow', async () => {
      await fc.assert(
        fc.asyncProperty(limitSets, costs, fc.integer({ min: 2, max: 50 }), async (limits, cost, many) => {
          await withAdmission(start, async ({ admission }) => {
            const seat = seatOf('alice', limits[0]);
            const answers = await Promise.all(
              Array.from({ length: many }, () => admission.admit(seat, cost)),
            );
            const model = new Model();
            const expected = answers.filter(() => model.admit(seat, cost, START_MS).ok).length;
            expect(answers.filter(({ ok }) => ok)).toHaveLength(expected);
            expect(await admission.limitsOf(seat)).toEqual(model.limits(seat, START_MS));
          });
        }),
        { numRuns },
      );
    });

    test('a lease ends once: settling it again is an error that changes nothing', async () => {
      await withAdmission(start, async ({ admission }) => {
        const seat = seatOf('alice', { student: { ...LOOSE, tokensPerDay: 1000 }, classroom: {} });
        const admitted = await admission.admit(seat, costOf(10, 20));
        if (!admitted.ok) throw new Error(admitted.refusal.message);
        await admission.settle(admitted.lease, settlementOf(10, 5));
        const after = await admission.limitsOf(seat);
        await expect(admission.settle(admitted.lease, settlementOf(10, 5))).rejects.toThrow(
          admitted.lease.id,
        );
        expect(await admission.limitsOf(seat)).toEqual(after);
        expect(admission.running).toBe(0);
      });
    });

    test('a student whose seat is made anew goes on where they were; a namesake in another class does not', async () => {
      await withAdmission(start, async ({ admission }) => {
        const seat = seatOf('alice', { student: { ...LOOSE, concurrentRequests: 1 }, classroom: {} });
        expect((await admission.admit(seat, costOf(1, 1))).ok).toBe(true);
        expect((await admission.admit({ ...seat, key: 'school/another' }, costOf(1, 1))).ok).toBe(false);
        const elsewhere = { ...seat, classroom: { ...seat.classroom, key: 'school/python-102' } };
        expect((await admission.admit(elsewhere, costOf(1, 1))).ok).toBe(true);
      });
    });
  });
}

async function withAdmission(
  start: StartAdmission,
  use: (under: AdmissionUnderTest) => Promise<void>,
): Promise<void> {
  const under = await start(START_MS);
  try {
    await use(under);
  } finally {
    await under.close();
  }
}

const LOOSE = { requestsPerMinute: 1000, tokensPerMinute: 1_000_000, concurrentRequests: 100 };

const small = (max: number) => fc.integer({ min: 1, max });
const perhaps = (max: number) => fc.option(small(max), { nil: undefined });
const limitArbitrary: fc.Arbitrary<LimitsInForce> = fc.record({
  student: fc.record({
    requestsPerMinute: small(12),
    tokensPerMinute: small(3_000),
    tokensPerDay: perhaps(6_000),
    tokensTotal: perhaps(9_000),
    concurrentRequests: small(4),
  }),
  classroom: fc.record({ requestsPerMinute: perhaps(20), tokensPerMinute: perhaps(6_000) }),
});
/** Those at the start, and those that a trainer may change them to. */
const limitSets = fc.tuple(limitArbitrary, limitArbitrary);

const costs: fc.Arbitrary<RequestCost> = fc
  .record({
    promptTokens: small(800),
    outputTokens: fc.integer({ min: 0, max: 800 }),
    answers: small(3),
    expected: fc.integer({ min: 0, max: 100 }),
  })
  .map(({ expected, ...cost }) => ({
    ...cost,
    model: 'qwen',
    expectedPromptTokens: Math.ceil((cost.promptTokens * expected) / 100),
  }));

const percent = fc.integer({ min: 0, max: 100 });
const outcomes = fc.constantFrom<OutcomeKind>(
  'completed',
  'client-left',
  'interrupted',
  'refused',
  'unanswered',
  'throttled',
);
const pauses = fc.oneof(fc.integer({ min: 0, max: 3_000 }), fc.integer({ min: 0, max: 900_000 }));
const students = fc.constantFrom(...STUDENTS);

type Step =
  | { readonly do: 'admit'; readonly student: string; readonly cost: RequestCost }
  | {
      readonly do: 'settle';
      readonly which: number;
      readonly prompt: number;
      readonly output: number;
      readonly outcome: OutcomeKind;
    }
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'look'; readonly student: string }
  | { readonly do: 'changeLimits' };

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('admit' as const), student: students, cost: costs }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      which: fc.nat(20),
      prompt: fc.integer({ min: 0, max: 1_000 }),
      output: fc.integer({ min: 0, max: 3_000 }),
      outcome: outcomes,
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('advance' as const), ms: pauses }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('look' as const), student: students }) },
  { weight: 1, arbitrary: fc.constant({ do: 'changeLimits' as const }) },
);

function costOf(promptTokens: number, outputTokens: number): RequestCost {
  return { model: 'qwen', promptTokens, expectedPromptTokens: promptTokens, outputTokens, answers: 1 };
}

function settlementOf(
  promptTokens: number,
  completionTokens: number,
  outcome: OutcomeKind = 'completed',
): Settlement {
  const nothing = outcome === 'refused' || outcome === 'unanswered' || outcome === 'throttled';
  return {
    outcome,
    usage: nothing ? undefined : { promptTokens, completionTokens, cachedTokens: undefined },
    model: 'qwen',
    queueWaitMs: 3,
    firstTokenMs: nothing ? undefined : 20,
  };
}

function seatOf(studentId: string, { student, classroom }: LimitsInForce): Seat {
  const limits = { ...student, maxOutputTokens: 1024 };
  const record = aClassroom({ limits: { perStudent: limits, classroom } });
  return alice(record, aSeat({ key: `school/python-101-${studentId}`, studentId }));
}

function momentAt(timeZone: string, nowMs: number): Moment {
  const day = localDayOf(timeZone, nowMs);
  return { nowMs, day, dayEndsInMs: day.endsMs - nowMs };
}

/** One class as the pure decision counts it. */
class Model {
  readonly #students = new Map<string, SubjectState>();
  readonly #held = new Map<string, Held>();
  #classroom: SubjectState | undefined;

  admit(seat: Seat, cost: RequestCost, nowMs: number) {
    const moment = momentAt(seat.classroom.timeZone, nowMs);
    const decision = decide(limitsInForce(seat), this.#counts(seat), cost, moment);
    if (decision.ok) this.#keep(decision.counts);
    return decision;
  }

  settle(seat: Seat, grant: Grant, tokens: number, nowMs: number): void {
    const moment = momentAt(seat.classroom.timeZone, nowMs);
    this.#keep(settle(this.#counts(seat), grant, tokens, moment));
  }

  limits(seat: Seat, nowMs: number) {
    return limitStates(limitsInForce(seat), this.#counts(seat), momentAt(seat.classroom.timeZone, nowMs));
  }

  #counts({ studentId, classroom }: Seat): Counts {
    const classroomKey = classroom.key;
    return {
      student: this.#students.get(studentId) ?? untouched({ classroomKey, studentId }),
      classroom: this.#classroom ?? untouched({ classroomKey }),
      held: this.#held.get(studentId) ?? NOTHING_HELD,
    };
  }

  #keep({ student, classroom, held }: Counts): void {
    this.#students.set(student.studentId ?? '', student);
    this.#held.set(student.studentId ?? '', held);
    this.#classroom = classroom;
  }
}

interface Open {
  readonly seat: Seat;
  readonly lease: Lease;
  readonly grant: Grant;
}

/** One sequence, played to an admission and to the model at once. */
class Play {
  readonly #under: AdmissionUnderTest;
  readonly #model = new Model();
  readonly #open: Open[] = [];
  #limits: readonly [LimitsInForce, LimitsInForce];
  #nowMs = START_MS;

  constructor(under: AdmissionUnderTest, limits: readonly [LimitsInForce, LimitsInForce]) {
    this.#under = under;
    this.#limits = limits;
  }

  async step(step: Step): Promise<void> {
    const { admission } = this.#under;
    switch (step.do) {
      case 'admit':
        await this.#admit(seatOf(step.student, this.#limits[0]), step.cost);
        break;
      case 'settle': {
        const [open] = this.#open.splice(step.which % Math.max(1, this.#open.length), 1);
        if (open === undefined) return;
        const settlement = settlementOf(step.prompt, step.output, step.outcome);
        const { promptTokens = 0, completionTokens = 0 } = settlement.usage ?? {};
        await admission.settle(open.lease, settlement);
        this.#model.settle(open.seat, open.grant, promptTokens + completionTokens, this.#nowMs);
        break;
      }
      case 'advance':
        await this.#under.advance(step.ms);
        this.#nowMs += step.ms;
        break;
      case 'look': {
        const seat = seatOf(step.student, this.#limits[0]);
        expect(await admission.limitsOf(seat)).toEqual(this.#model.limits(seat, this.#nowMs));
        break;
      }
      case 'changeLimits':
        this.#limits = [this.#limits[1], this.#limits[0]];
        break;
    }
    expect(admission.running).toBe(this.#open.length);
  }

  async #admit(seat: Seat, cost: RequestCost): Promise<void> {
    const expected = this.#model.admit(seat, cost, this.#nowMs);
    const admitted = await this.#under.admission.admit(seat, cost);
    expect(admitted.limits).toEqual(this.#model.limits(seat, this.#nowMs));
    if (!admitted.ok || !expected.ok) {
      expect(admitted.ok ? undefined : admitted.refusal).toEqual(
        expected.ok ? undefined : refusalOf(expected.denial, seat.classroom, this.#nowMs),
      );
      return;
    }
    expect(admitted.lease).toMatchObject({
      seatKey: seat.key,
      classroomKey: seat.classroom.key,
      outputTokens: expected.grant.outputTokens,
    });
    this.#open.push({ seat, lease: admitted.lease, grant: expected.grant });
  }
}

interface AskedRequest {
  readonly pauseMs: number;
  readonly cost: RequestCost;
  /** How much it uses of what it may, and whether it ends before the next one comes. */
  readonly usedPercent: number;
  readonly ends: boolean;
}

const requests: fc.Arbitrary<AskedRequest> = fc.record({
  pauseMs: pauses,
  cost: costs,
  usedPercent: percent,
  ends: fc.boolean(),
});

/** Knows nothing of how limits are computed: counts what was admitted and used, and compares. */
async function keepWithinLimits(
  { admission, advance }: AdmissionUnderTest,
  limits: LimitsInForce,
  asked: readonly AskedRequest[],
): Promise<void> {
  const seat = seatOf('alice', limits);
  const usedOnDay = new Map<string, number>();
  const admittedAt: number[] = [];
  const running: { lease: Lease; used: number; prompt: number; day: string }[] = [];
  let nowMs = START_MS;
  const end = async (): Promise<void> => {
    const ended = running.shift();
    if (ended === undefined) return;
    usedOnDay.set(ended.day, (usedOnDay.get(ended.day) ?? 0) + ended.used);
    await admission.settle(ended.lease, settlementOf(ended.prompt, ended.used - ended.prompt));
  };
  for (const { pauseMs, cost, usedPercent, ends } of asked) {
    await advance(pauseMs);
    nowMs += pauseMs;
    if (ends) await end();
    const admitted = await admission.admit(seat, cost);
    if (!admitted.ok) continue;
    admittedAt.push(nowMs);
    const most = cost.promptTokens + admitted.lease.outputTokens * cost.answers;
    const used = Math.floor((most * usedPercent) / 100);
    const prompt = Math.min(used, cost.promptTokens);
    const { day } = localDayOf(seat.classroom.timeZone, nowMs);
    running.push({ lease: admitted.lease, used, prompt, day });
    expect(running.length).toBeLessThanOrEqual(limits.student.concurrentRequests);
  }
  while (running.length > 0) await end();
  const used = [...usedOnDay.values()];
  expect(Math.max(0, ...used)).toBeLessThanOrEqual(limits.student.tokensPerDay ?? Number.POSITIVE_INFINITY);
  const total = used.reduce((sum, tokens) => sum + tokens, 0);
  expect(total).toBeLessThanOrEqual(limits.student.tokensTotal ?? Number.POSITIVE_INFINITY);
  expectRate(admittedAt, limits.student.requestsPerMinute);
}

/** In any stretch of time no more than the limit, and what the time refills. */
function expectRate(admittedAtMs: readonly number[], limit: number): void {
  const excess = admittedAtMs.flatMap((fromMs, first) =>
    admittedAtMs.slice(first).map((toMs, index) => index + 1 - limit - (limit * (toMs - fromMs)) / 60_000),
  );
  expect(Math.max(0, ...excess)).toBe(0);
}
