import { z } from 'zod';
import { instant, int32, int64 } from './bounds.ts';

/** Defaults are the article's class rules: 30 requests and 100,000 tokens a minute for each student. */
const fields = {
  requestsPerMinute: int32(1, 100_000).describe('Requests a minute.'),
  tokensPerMinute: int32(1, 1_000_000_000).describe('Tokens a minute, prompt and completion together.'),
  tokensPerDay: int64(1).describe(
    "Tokens a day, prompt and completion together; the day is that of the class's time zone.",
  ),
  tokensTotal: int64(1).describe('Tokens for the whole course, prompt and completion together.'),
  concurrentRequests: int32(1, 10_000).describe('Requests in flight or waiting at the same time.'),
  maxOutputTokens: int32(1, 1_000_000).describe(
    'The most tokens one answer may have; larger wishes are lowered to it.',
  ),
};

export const studentLimitsSchema = z
  .object({
    requestsPerMinute: fields.requestsPerMinute.default(30),
    tokensPerMinute: fields.tokensPerMinute.default(100_000),
    tokensPerDay: fields.tokensPerDay.optional(),
    tokensTotal: fields.tokensTotal.optional(),
    concurrentRequests: fields.concurrentRequests.default(2),
    maxOutputTokens: fields.maxOutputTokens.default(1024),
  })
  .describe(
    'What each student of the class may use; a StudentQuota can differ. An absent limit does not limit.',
  );

export const studentLimitsOverrideSchema = z
  .object({
    requestsPerMinute: fields.requestsPerMinute.optional(),
    tokensPerMinute: fields.tokensPerMinute.optional(),
    tokensPerDay: fields.tokensPerDay.optional(),
    tokensTotal: fields.tokensTotal.optional(),
    concurrentRequests: fields.concurrentRequests.optional(),
    maxOutputTokens: fields.maxOutputTokens.optional(),
  })
  .describe("Only what differs from the class's `limits.perStudent`.");

export const classroomLimitsSchema = z
  .object({
    requestsPerMinute: fields.requestsPerMinute.optional(),
    tokensPerMinute: fields.tokensPerMinute.optional(),
  })
  .describe('What all students together may use. An absent limit does not limit.');

export const limitsSchema = z.object({
  perStudent: studentLimitsSchema.prefault({}),
  classroom: classroomLimitsSchema.prefault({}),
});

export const boostSchema = z
  .object({
    factor: int32(2, 100).describe('The limits are multiplied by this.'),
    until: instant().describe('When the raise ends.'),
  })
  .describe('A temporary raise of the limits that ends by itself.');

export type StudentLimits = z.infer<typeof studentLimitsSchema>;
export type StudentLimitsOverride = z.infer<typeof studentLimitsOverrideSchema>;
export type ClassroomLimits = z.infer<typeof classroomLimitsSchema>;

/** Of a budget of tokens: when so much of it is used, student and trainer are told. */
export const QUOTA_WARNING_PERCENT = 80;

/** The limits in force for one student: the class's, with the student's own where they differ. */
export function effectiveStudentLimits(
  perStudent: StudentLimits,
  override: StudentLimitsOverride | undefined,
): StudentLimits {
  const own = Object.entries(override ?? {}).filter(([, value]) => value !== undefined);
  return { ...perStudent, ...Object.fromEntries(own) };
}
