import type { ActiveBoost } from '../../api/boost.ts';
import type { Seat } from '../identity/seat.ts';
import type { LimitState } from '../limits/limit-state.ts';
import { addUsage, NO_USAGE, type UsageCounts } from './model-usage.ts';
import type { PeriodUsage, StudentUsage, UsageDays } from './usage-reader.ts';

export interface UsageAnswerInput {
  readonly seat: Seat;
  readonly limits: readonly LimitState[];
  readonly usage: StudentUsage;
  readonly days: UsageDays;
  /** Epoch ms. */
  readonly nowMs: number;
}

/**
 * The body of `GET /v1/usage`, in the style of OpenAI's objects: snake case, times in epoch seconds, tokens named as in
 * the `usage` of an answer. Names of limits are those of the Classroom's fields.
 */
export function usageAnswer({ seat, limits, usage, days, nowMs }: UsageAnswerInput): object {
  const { today, weekStart } = days;
  return {
    object: 'usage',
    created: Math.floor(nowMs / 1000),
    student: seat.studentId,
    classroom: seat.classroom.name,
    time_zone: seat.classroom.timeZone,
    open_until: secondsOrNull(seat.opening.nextChangeMs),
    boost: seat.boost === undefined ? null : boostAnswer(seat.boost),
    max_output_tokens: seat.limits.maxOutputTokens,
    limits: limits.map(limitAnswer),
    today: { from: today, ...periodAnswer(usage.today) },
    this_week: { from: weekStart, ...periodAnswer(usage.week) },
    total: periodAnswer(usage.total),
  };
}

function boostAnswer({ factor, untilMs }: ActiveBoost): object {
  return { factor, until: secondsOrNull(untilMs) };
}

function secondsOrNull(ms: number | undefined): number | null {
  return ms === undefined ? null : Math.floor(ms / 1000);
}

function limitAnswer({ name, limit, remaining, resetMs }: LimitState): object {
  return {
    name,
    limit,
    remaining,
    // JSON knows no infinity.
    reset_seconds: Number.isFinite(resetMs) ? Math.ceil(resetMs / 1000) : null,
  };
}

function periodAnswer(models: PeriodUsage): object {
  return {
    ...countsAnswer(models.reduce(addUsage, NO_USAGE)),
    models: models.map((usage) => ({ model: usage.model, ...countsAnswer(usage) })),
  };
}

function countsAnswer(counts: UsageCounts): object {
  return {
    requests: counts.requests,
    completed: counts.completed,
    throttled: counts.throttled,
    queue_wait_ms: Math.round(counts.queueWaitMs),
    prompt_tokens: counts.promptTokens,
    completion_tokens: counts.completionTokens,
    total_tokens: counts.promptTokens + counts.completionTokens,
    prompt_tokens_details: { cached_tokens: counts.cachedTokens },
  };
}
