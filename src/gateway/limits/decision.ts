import type { ClassroomLimits, StudentLimits } from '../../api/limits.ts';
import type { LocalDay } from '../../timetable/local-day.ts';
import type { Seat } from '../identity/seat.ts';
import type { RequestCost } from './admission.ts';
import { type Budget, fewestTokens, mostTokens, outputWithin, restOf } from './budget.ts';
import { requestsLeft, returnRequest, takeRequest, tatAfterClockChange } from './gcra.ts';
import type { Subject, SubjectState } from './journal.ts';
import type { LimitName, LimitState } from './limit-state.ts';
import { settleTokens, takeTokens, tokensLeft, UNTOUCHED } from './token-bucket.ts';

/** What holds for a request now. A limit that is changed applies to the next decision; see gcra.ts and token-bucket.ts. */
export interface LimitsInForce {
  readonly student: Omit<StudentLimits, 'maxOutputTokens'>;
  readonly classroom: ClassroomLimits;
}

export function limitsInForce({ limits, classLimits }: Seat): LimitsInForce {
  return { student: limits, classroom: classLimits };
}

/** When something happens. */
export interface Moment {
  /** Epoch ms, whole. Buckets fill by it, so it should not jump. */
  readonly nowMs: number;
  /** The date on the wall in the class's time zone, and the one that follows. */
  readonly day: Pick<LocalDay, 'day' | 'nextDay'>;
  /** Until `nextDay` begins. */
  readonly dayEndsInMs: number;
}

/** What open leases of one student hold. */
export interface Held {
  readonly running: number;
  /** Tokens held of budgets: of all of them, and of those that count on `day`. */
  readonly reserved: number;
  readonly dayReserved: number;
  readonly day: string;
}

/** All that one decision reads and writes. */
export interface Counts {
  readonly student: SubjectState;
  readonly classroom: SubjectState;
  readonly held: Held;
}

/** What an admitted request has taken; given back by {@link settle}. */
export interface Grant {
  /** Tokens each answer may have: the wish, or less where a budget is nearly used up. */
  readonly outputTokens: number;
  /** Taken from the buckets of tokens a minute; 0 where there is no such limit. */
  readonly studentReserved: number;
  readonly classroomReserved: number;
  /** Held of the budgets of the day and of the course. */
  readonly budgetReserved: number;
  /** Date on which it counts. */
  readonly day: string;
}

/** Why a request is not admitted: the first limit that it does not fit. */
export interface Denial {
  readonly name: LimitName;
  readonly limit: number;
  /** What is used of it now; running requests count with what they have reserved. */
  readonly used: number;
  /** What the request would need at least. */
  readonly needed: number;
  /** When the same request may be admitted if nothing else comes; undefined where only waiting does not help. */
  readonly retryMs: number | undefined;
  /** Budgets: it would fit if no other request were running. */
  readonly heldByRunning: boolean;
}

export type Decision =
  | { readonly ok: true; readonly counts: Counts; readonly grant: Grant }
  | { readonly ok: false; readonly denial: Denial };

/** The counts of somebody who never asked. */
export function untouched(subject: Subject): SubjectState {
  const { classroomKey, studentId } = subject;
  return {
    classroomKey,
    studentId,
    requestTatMs: 0,
    tokens: UNTOUCHED,
    tokensAtMs: 0,
    day: '',
    dayTokens: 0,
    totalTokens: 0,
  };
}

export const NOTHING_HELD: Held = { running: 0, reserved: 0, dayReserved: 0, day: '' };

/**
 * One decision over all limits of student and class. Nothing is changed in place: a request that does not fit has
 * taken nothing, and one that does has taken from all limits together.
 */
export function decide(limits: LimitsInForce, given: Counts, cost: RequestCost, moment: Moment): Decision {
  const counts = onDay(given, moment);
  const { student, classroom, held } = counts;
  const { concurrentRequests } = limits.student;
  if (held.running >= concurrentRequests) {
    return refused('concurrentRequests', concurrentRequests, held.running, 1, undefined);
  }
  const budgets = budgetsOf(limits, counts);
  const { nowMs } = moment;
  // What is too much for a budget is refused below, in its turn.
  const outputTokens = budgets.reduce(
    (output, { budget }) => outputWithin(budget, { ...cost, outputTokens: output }) ?? Math.min(1, output),
    cost.outputTokens,
  );
  const wanted = mostTokens({ ...cost, outputTokens });

  const own = takeRates('', limits.student, student, wanted, nowMs);
  if (!own.ok) return own;
  const denial = firstOverdrawn(budgets, cost, moment);
  if (denial !== undefined) return { ok: false, denial };
  const shared = takeRates('classroom.', limits.classroom, classroom, wanted, nowMs);
  if (!shared.ok) return shared;

  const { day } = student;
  return {
    ok: true,
    counts: {
      student: own.state,
      classroom: shared.state,
      held: {
        running: held.running + 1,
        reserved: held.reserved + wanted,
        dayReserved: held.dayReserved + wanted,
        day,
      },
    },
    grant: {
      outputTokens,
      studentReserved: own.reserved,
      classroomReserved: shared.reserved,
      budgetReserved: wanted,
      day,
    },
  };
}

/** Ends a request: gives back what it has taken, and books the tokens it is charged with. Must be called once. */
export function settle(given: Counts, grant: Grant, tokens: number, moment: Moment): Counts {
  const { student, classroom, held } = onDay(given, moment);
  return {
    student: book(student, grant.studentReserved, tokens, grant.day),
    classroom: book(classroom, grant.classroomReserved, tokens, grant.day),
    held: {
      ...held,
      running: held.running - 1,
      reserved: held.reserved - grant.budgetReserved,
      dayReserved: held.dayReserved - (grant.day >= held.day ? grant.budgetReserved : 0),
    },
  };
}

/** As if the request had never come: also the request itself is given back. */
export function withdraw(limits: LimitsInForce, given: Counts, grant: Grant, moment: Moment): Counts {
  const { student, classroom, held } = settle(given, grant, 0, moment);
  return {
    student: withRequestBack(student, limits.student.requestsPerMinute),
    classroom: withRequestBack(classroom, limits.classroom.requestsPerMinute),
    held,
  };
}

/** Books the tokens of a request that nobody settled, for one subject whose limits and leases are not known any more. */
export function book(state: SubjectState, reserved: number, tokens: number, day: string): SubjectState {
  return {
    ...state,
    ...settleTokens(state, reserved, tokens),
    dayTokens: state.dayTokens + (day >= state.day ? tokens : 0),
    totalTokens: state.totalTokens + tokens,
  };
}

/**
 * Counts that were kept, by a clock that may have been set back since: nobody waits until it has caught up. Nothing
 * is filled up.
 */
export function afterClockChange(state: SubjectState, nowMs: number): SubjectState {
  return {
    ...state,
    requestTatMs: tatAfterClockChange(state.requestTatMs, nowMs),
    tokensAtMs: Math.min(state.tokensAtMs, nowMs),
  };
}

/** How all limits stand that there are. */
export function limitStates(limits: LimitsInForce, given: Counts, moment: Moment): LimitState[] {
  const counts = onDay(given, moment);
  const limit = limits.student.concurrentRequests;
  const remaining = Math.max(0, limit - counts.held.running);
  const concurrent = { limit, remaining, resetMs: remaining === limit ? 0 : Number.POSITIVE_INFINITY };
  return [
    { name: 'concurrentRequests', ...concurrent },
    ...rateStates('', limits.student, counts.student, moment.nowMs),
    ...budgetsOf(limits, counts).map(({ name, budget }) => ({
      name,
      limit: budget.limit,
      remaining: restOf(budget),
      used: budget.used,
      resetMs: name === 'tokensPerDay' ? moment.dayEndsInMs : Number.POSITIVE_INFINITY,
    })),
    ...rateStates('classroom.', limits.classroom, counts.classroom, moment.nowMs),
  ];
}

type Scope = '' | 'classroom.';

type RatesTaken =
  | { readonly ok: true; readonly state: SubjectState; readonly reserved: number }
  | { readonly ok: false; readonly denial: Denial };

/** Takes one request and its tokens from what flows in by the minute. */
function takeRates(
  scope: Scope,
  { requestsPerMinute, tokensPerMinute }: ClassroomLimits,
  state: SubjectState,
  wanted: number,
  nowMs: number,
): RatesTaken {
  let { requestTatMs } = state;
  if (requestsPerMinute !== undefined) {
    const taken = takeRequest(requestTatMs, requestsPerMinute, nowMs);
    if (!taken.ok) {
      const used = requestsPerMinute - requestsLeft(requestTatMs, requestsPerMinute, nowMs).remaining;
      return refused(`${scope}requestsPerMinute`, requestsPerMinute, used, 1, taken.retryMs);
    }
    requestTatMs = taken.tatMs;
  }
  // Without a limit nothing is owed: one that comes later begins with a full bucket.
  let bucket = { tokens: UNTOUCHED, tokensAtMs: nowMs };
  let reserved = 0;
  if (tokensPerMinute !== undefined) {
    const taken = takeTokens(state, tokensPerMinute, wanted, nowMs);
    if (!taken.ok) {
      const used = Math.ceil(tokensPerMinute - taken.level);
      return refused(`${scope}tokensPerMinute`, tokensPerMinute, used, wanted, taken.retryMs);
    }
    ({ bucket, reserved } = taken);
  }
  return { ok: true, state: { ...state, requestTatMs, ...bucket }, reserved };
}

function refused(
  name: LimitName,
  limit: number,
  used: number,
  needed: number,
  retryMs: number | undefined,
  heldByRunning = false,
): { readonly ok: false; readonly denial: Denial } {
  return { ok: false, denial: { name, limit, used, needed, retryMs, heldByRunning } };
}

interface NamedBudget {
  readonly name: 'tokensPerDay' | 'tokensTotal';
  readonly budget: Budget;
}

function budgetsOf({ student }: LimitsInForce, { student: state, held }: Counts): NamedBudget[] {
  const budgets: NamedBudget[] = [];
  const { tokensPerDay, tokensTotal } = student;
  if (tokensPerDay !== undefined) {
    const budget = { limit: tokensPerDay, used: state.dayTokens, reserved: held.dayReserved };
    budgets.push({ name: 'tokensPerDay', budget });
  }
  if (tokensTotal !== undefined) {
    const budget = { limit: tokensTotal, used: state.totalTokens, reserved: held.reserved };
    budgets.push({ name: 'tokensTotal', budget });
  }
  return budgets;
}

function firstOverdrawn(
  budgets: readonly NamedBudget[],
  cost: RequestCost,
  { dayEndsInMs }: Moment,
): Denial | undefined {
  const needed = fewestTokens(cost);
  const over = budgets.find(({ budget }) => restOf(budget) < needed);
  if (over === undefined) return undefined;
  const { name, budget } = over;
  const { limit, used, reserved } = budget;
  return {
    name,
    limit,
    used: used + reserved,
    needed,
    // A day that is not enough for it will not be enough tomorrow.
    retryMs: name === 'tokensPerDay' && needed <= limit ? dayEndsInMs : undefined,
    heldByRunning: used + needed <= limit,
  };
}

function rateStates(
  scope: Scope,
  { requestsPerMinute, tokensPerMinute }: ClassroomLimits,
  state: SubjectState,
  nowMs: number,
): LimitState[] {
  const states: LimitState[] = [];
  if (requestsPerMinute !== undefined) {
    const left = requestsLeft(state.requestTatMs, requestsPerMinute, nowMs);
    states.push({ name: `${scope}requestsPerMinute`, limit: requestsPerMinute, ...left });
  }
  if (tokensPerMinute !== undefined) {
    const left = tokensLeft(state, tokensPerMinute, nowMs);
    states.push({ name: `${scope}tokensPerMinute`, limit: tokensPerMinute, ...left });
  }
  return states;
}

function withRequestBack(state: SubjectState, limit: number | undefined): SubjectState {
  return limit === undefined ? state : { ...state, requestTatMs: returnRequest(state.requestTatMs, limit) };
}

/** The counts with a day's tokens at 0 when a new day has begun. */
function onDay(counts: Counts, { day: { day, nextDay } }: Moment): Counts {
  const student = stateOnDay(counts.student, day, nextDay);
  const classroom = stateOnDay(counts.classroom, day, nextDay);
  const { held } = counts;
  const begun = held.day < student.day;
  if (student === counts.student && classroom === counts.classroom && !begun) return counts;
  return { student, classroom, held: begun ? { ...held, day: student.day, dayReserved: 0 } : held };
}

/**
 * A day that has begun goes on when the clock is set back across its midnight: it must not be had twice. From a day
 * that is farther ahead, where only a clock that was wrong can have led, the tokens are taken along to the right day.
 */
function stateOnDay(state: SubjectState, day: string, nextDay: string): SubjectState {
  if (state.day === day || state.day === nextDay) return state;
  return { ...state, day, dayTokens: state.day > day ? state.dayTokens : 0 };
}
