import { boostOf } from '../api/boost.ts';
import { EVENT_REASONS } from '../api/event-reasons.ts';
import { QUOTA_WARNING_PERCENT } from '../api/limits.ts';
import { type LimitsInForce, limitsInForce } from '../api/limits-in-force.ts';
import { parseClassroom } from '../api/parse.ts';
import type { QuotaWarning } from '../api/student-quota.ts';
import type { OperatorEvent } from '../reconcile/controller.ts';
import { type LocalDay, localDayOf } from '../timetable/local-day.ts';
import { knownTimeZone } from '../timetable/time-zone.ts';
import { minuteInZone } from '../timetable/words.ts';
import type { Seat } from './observe.ts';

/** What is known of the use of a budget of tokens. */
export interface BudgetUse {
  readonly budget: QuotaWarning['budget'];
  /** In force: with a boost. */
  readonly limit: number;
  /** As it is written in seat or class: of two with another figure here, each is told of. */
  readonly plainLimit: number;
  readonly used: number;
  /** The day that it is for; undefined: the course. */
  readonly day: LocalDay | undefined;
}

/** Moments and names for the words about budgets. */
export interface BudgetWords {
  readonly student: string;
  readonly timeZone: string;
  readonly isExam: boolean;
}

/** How the budgets of a seat are used, and how to speak of them. */
export interface SeatBudgets {
  readonly uses: readonly BudgetUse[];
  readonly words: BudgetWords;
}

/**
 * The budgets of a seat as the gateway published their use; undefined while class or use are not known.
 *
 * @param nowMs epoch ms
 */
export function seatBudgets(
  { quota, classroom, issues, olderSeat }: Pick<Seat, 'quota' | 'classroom' | 'issues' | 'olderSeat'>,
  nowMs: number,
): SeatBudgets | undefined {
  const usage = quota.status?.usage;
  if (usage === undefined || classroom === undefined || issues.length > 0 || olderSeat !== undefined) {
    return undefined;
  }
  const parsed = parseClassroom(classroom);
  if (!parsed.ok) return undefined;
  const { spec } = parsed.classroom;
  const boosts = { boost: boostOf(spec.boost) };
  const { limits: own, boost, student } = quota.spec;
  const inForce = limitsInForce({ ...spec, ...boosts }, { limits: own, boost: boostOf(boost) }, nowMs);
  const timeZone = knownTimeZone(spec.schedule?.timeZone);
  return {
    uses: budgetUses(inForce, usage, localDayOf(timeZone, nowMs), nowMs),
    words: { student: student.id, timeZone, isExam: spec.access === 'Exam' },
  };
}

type Usage = NonNullable<NonNullable<Seat['quota']['status']>['usage']>;

function budgetUses({ limits, plain }: LimitsInForce, usage: Usage, today: LocalDay, nowMs: number) {
  const asOfMs = Math.min(nowMs, Date.parse(usage.asOf));
  // Figures of the day before say nothing of today.
  const usedToday = asOfMs >= today.startsMs ? usage.tokensToday : 0;
  const uses: BudgetUse[] = [];
  if (limits.tokensPerDay !== undefined && plain.tokensPerDay !== undefined) {
    const figures = { limit: limits.tokensPerDay, plainLimit: plain.tokensPerDay, used: usedToday };
    uses.push({ budget: 'Day', ...figures, day: today });
  }
  if (limits.tokensTotal !== undefined && plain.tokensTotal !== undefined) {
    const figures = { limit: limits.tokensTotal, plainLimit: plain.tokensTotal, used: usage.tokensTotal };
    uses.push({ budget: 'Course', ...figures, day: undefined });
  }
  return uses;
}

/**
 * What people have been told, after this pass: of each budget once that it is nearly used and once that it is used up, each
 * day anew. What was told stays, also while a boost or less use would not tell it.
 */
export function quotaWarnings(
  uses: readonly BudgetUse[],
  before: readonly QuotaWarning[] | undefined,
): QuotaWarning[] {
  return uses.flatMap(({ budget, plainLimit, day, ...use }) => {
    const of = { budget, limit: plainLimit, ...(day && { day: day.day }) };
    const told = before?.find(
      (one) => one.budget === budget && one.limit === plainLimit && one.day === of.day,
    );
    const level = told?.level === 'UsedUp' ? 'UsedUp' : (levelOf(use) ?? told?.level);
    return level === undefined ? [] : [{ ...of, level }];
  });
}

function levelOf({ used, limit }: Pick<BudgetUse, 'used' | 'limit'>): QuotaWarning['level'] | undefined {
  if (used >= limit) return 'UsedUp';
  return 100 * used >= QUOTA_WARNING_PERCENT * limit ? 'NearlyUsed' : undefined;
}

/** What the warnings say now and did not say before. */
export function quotaEvents(
  { uses, words }: SeatBudgets,
  before: readonly QuotaWarning[] | undefined,
  now: readonly QuotaWarning[],
): OperatorEvent[] {
  return uses.flatMap((use) => {
    const warning = now.find(({ budget }) => budget === use.budget);
    const isTold = before?.some(
      ({ budget, limit, day, level }) =>
        budget === warning?.budget &&
        limit === warning.limit &&
        day === warning.day &&
        level === warning.level,
    );
    if (warning === undefined || isTold === true) return [];
    const isUsedUp = warning.level === 'UsedUp';
    const reason = isUsedUp ? EVENT_REASONS.quotaUsedUp : EVENT_REASONS.quotaNearlyUsed;
    return [{ type: 'Warning', reason, action: 'Observe', note: noteOf(use, isUsedUp, words) }];
  });
}

const LIMITS = { Day: 'tokensPerDay', Course: 'tokensTotal' } as const;

/** How much of what, when it is there again, and what can be done. */
function noteOf({ budget, used, limit, day }: BudgetUse, isUsedUp: boolean, words: BudgetWords): string {
  const { student, timeZone, isExam } = words;
  const percent = Math.floor((100 * used) / limit);
  const of = day === undefined ? 'of the course' : 'of today';
  const figures = `${student} has used ${percent} % of the tokens ${of}: ${used.toLocaleString('en-US')} of ${limit.toLocaleString('en-US')}`;
  const refused = isUsedUp ? ', and is refused' : '';
  const raise = `raise \`limits.${LIMITS[budget]}\` of the seat or the class`;
  if (day === undefined) {
    const until = isUsedUp ? ' until there are more' : '';
    return `${figures}${refused}${until}. They never come back by themselves: for more, ${raise}.`;
  }
  const reset = minuteInZone(day.endsMs, timeZone);
  const boost = isExam ? '' : ', or give a boost';
  const until = isUsedUp ? ` until ${reset}` : `. All are there again ${reset}`;
  return `${figures}${refused}${until}. For more today, ${raise}${boost}.`;
}
