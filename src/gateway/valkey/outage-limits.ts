import type { Seat } from '../identity/seat.ts';
import type { SubjectState } from '../limits/journal.ts';
import { UNTOUCHED } from '../limits/token-bucket.ts';
import type { Standing } from './class-store.ts';

/**
 * A seat with this replica's part of its limits, for a time in which the replicas cannot know of each other. Together
 * the parts are at most the whole, but each limit is at least 1.
 *
 * Budgets of the day and the course are what was used when the store was heard last, and a part of what was free then.
 * Undefined: there is such a budget, and nothing is known of it.
 *
 * @param known how the student stood at the last reply of the store
 * @param day the date now in the class's time zone
 */
export function partOfSeat(
  seat: Seat,
  known: Standing | undefined,
  replicas: number,
  day: string,
): Seat | undefined {
  const { limits, classLimits } = seat;
  const part = (limit: number): number => Math.max(1, Math.floor(limit / replicas));
  const { tokensPerDay, tokensTotal } = limits;
  if (known === undefined && (tokensPerDay !== undefined || tokensTotal !== undefined)) return undefined;
  const budgets = known === undefined ? {} : partOfBudgets(limits, known, replicas, day);
  return {
    ...seat,
    limits: {
      ...limits,
      concurrentRequests: part(limits.concurrentRequests),
      requestsPerMinute: part(limits.requestsPerMinute),
      tokensPerMinute: part(limits.tokensPerMinute),
      ...budgets,
    },
    classLimits: {
      requestsPerMinute: classLimits.requestsPerMinute && part(classLimits.requestsPerMinute),
      tokensPerMinute: classLimits.tokensPerMinute && part(classLimits.tokensPerMinute),
    },
  };
}

/** Counts to go on with: of what is left in a bucket this replica has its part, and a debt remains a debt. */
export function partOfState(state: SubjectState, replicas: number): SubjectState {
  const { tokens } = state;
  return { ...state, tokens: tokens > 0 && tokens !== UNTOUCHED ? tokens / replicas : tokens };
}

function partOfBudgets(
  { tokensPerDay, tokensTotal }: Seat['limits'],
  { counts: { student, held } }: Standing,
  replicas: number,
  day: string,
): Pick<Seat['limits'], 'tokensPerDay' | 'tokensTotal'> {
  const sameDay = student.day >= day;
  const dayUsed = sameDay ? student.dayTokens : 0;
  const dayReserved = sameDay ? held.dayReserved : 0;
  const { totalTokens } = student;
  return {
    tokensPerDay: tokensPerDay && dayUsed + partOfRest(tokensPerDay - dayUsed - dayReserved, replicas),
    tokensTotal: tokensTotal && totalTokens + partOfRest(tokensTotal - totalTokens - held.reserved, replicas),
  };
}

function partOfRest(rest: number, replicas: number): number {
  return Math.floor(Math.max(0, rest) / replicas);
}
