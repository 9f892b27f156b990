import type { Seat } from '../identity/seat.ts';
import type { JsonObject } from './body.ts';

/** The names of "at most so many tokens"; one clamped value replaces them all. */
export const OUTPUT_CAP_FIELDS = ['max_completion_tokens', 'max_tokens', 'max_output_tokens'] as const;
export type OutputCapField = (typeof OUTPUT_CAP_FIELDS)[number];

/** How an endpoint is told the most tokens of an answer. */
export interface OutputCap {
  /** Names in the order in which the engine would look; the first is what it gets. */
  readonly wishes: readonly [OutputCapField, ...OutputCapField[]];
  /** What the engine would take when the client names none; absent: as much as is allowed. */
  readonly byDefault?: number;
}

/** What the student wished for, and what they get, in tokens of one answer. */
export interface ClampedOutput {
  readonly tokens: number;
  readonly lowered: boolean;
}

/** Puts one clamped value in the place of all names. The body is changed in place; its values were checked before. */
export function clampOutput(body: JsonObject, cap: OutputCap, { limits, classroom }: Seat): ClampedOutput {
  const wish = cap.wishes.map((field) => body[field]).find((value) => typeof value === 'number');
  // JSON.stringify leaves it out; `delete` would make the whole object slow to write.
  for (const field of OUTPUT_CAP_FIELDS) if (field in body) body[field] = undefined;
  // vLLM refuses a cap that is larger than the context.
  const allowed = Math.min(limits.maxOutputTokens, classroom.maxModelLen);
  const tokens = Math.min(wish ?? cap.byDefault ?? allowed, allowed);
  body[cap.wishes[0]] = tokens;
  return { tokens, lowered: wish !== undefined && wish > tokens };
}
