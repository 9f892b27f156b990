import { z } from 'zod';
import type { StudentQuota } from '../../api/student-quota.ts';

/** What a student used today, and does now. */
export interface StudentFigures {
  readonly id: string;
  /**
   * Gateway: of this moment. Status: as the gateway wrote it down, which it does about once a minute; then what is
   * undefined is not known.
   */
  readonly source: 'Gateway' | 'Status';
  /** Requests that wait or are answered at this moment. */
  readonly running?: number | undefined;
  /** Requests that were let in today. */
  readonly requests: number;
  /** Requests that a limit or the queue refused today. */
  readonly refused?: number | undefined;
  /** How long today's complete answers waited in the queue on average, ms; undefined: there is none, or not known. */
  readonly meanWaitMs?: number | undefined;
  readonly promptTokens?: number | undefined;
  readonly completionTokens?: number | undefined;
  /** Both together. */
  readonly tokens: number;
  /** Of today's tokens; undefined: not limited, or not known. */
  readonly tokensLeft?: number | undefined;
}

/** What of the answer of `GET /v1/usage` is shown. */
const usageSchema = z.object({
  limits: z.array(z.object({ name: z.string(), limit: z.number(), remaining: z.number() })),
  today: z.object({
    requests: z.int(),
    completed: z.int(),
    throttled: z.int(),
    /** Gateways of before do not tell it. */
    queue_wait_ms: z.number().optional(),
    prompt_tokens: z.int(),
    completion_tokens: z.int(),
    total_tokens: z.int(),
  }),
});

/** @returns undefined where it is no answer of the gateway */
export function figuresOfAnswer(id: string, answer: unknown): StudentFigures | undefined {
  const parsed = usageSchema.safeParse(answer).data;
  if (parsed === undefined) return undefined;
  const { limits, today } = parsed;
  const limitOf = (wanted: string) => limits.find(({ name }) => name === wanted);
  const concurrent = limitOf('concurrentRequests');
  return {
    id,
    source: 'Gateway',
    running: concurrent && concurrent.limit - concurrent.remaining,
    requests: today.requests,
    refused: today.throttled,
    meanWaitMs: meanOf(today.queue_wait_ms, today.completed),
    promptTokens: today.prompt_tokens,
    completionTokens: today.completion_tokens,
    tokens: today.total_tokens,
    tokensLeft: limitOf('tokensPerDay')?.remaining,
  };
}

function meanOf(sum: number | undefined, count: number): number | undefined {
  return sum === undefined || count === 0 ? undefined : Math.round(sum / count);
}

/**
 * @param day of the class, now: what was written down before it is of another day. Epoch ms
 */
export function figuresOfStatus(
  { spec, status }: StudentQuota,
  day: { readonly startsMs: number; readonly endsMs: number },
): StudentFigures {
  const { usage } = status ?? {};
  const writtenMs = Date.parse(usage?.asOf ?? '');
  const isToday = day.startsMs <= writtenMs && writtenMs < day.endsMs;
  return {
    id: spec.student.id,
    source: 'Status',
    requests: isToday ? (usage?.requestsToday ?? 0) : 0,
    tokens: isToday ? (usage?.tokensToday ?? 0) : 0,
  };
}
