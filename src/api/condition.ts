import { z } from 'zod';
import { instantOf } from '../kube/instant.ts';
import { instant, int64, text } from './bounds.ts';

/** `metav1.Condition`. The message is a sentence for a person; the reason is for programs. */
export const conditionSchema = z
  .object({
    type: text(316)
      .regex(/^[A-Z][A-Za-z0-9]*$/)
      .describe('What this is about, such as Ready.'),
    status: z.enum(['True', 'False', 'Unknown']).describe('Whether the condition holds.'),
    observedGeneration: int64(0)
      .optional()
      .describe('The generation of the spec that this was computed from.'),
    lastTransitionTime: instant().describe('When `status` last changed.'),
    reason: text(1024)
      .regex(/^[A-Z][A-Za-z0-9]*$/)
      .describe('Why, in one word for programs.'),
    message: z.string().max(32768).describe('Why, and what to do next, in words.'),
  })
  .describe('One aspect of the state of this object.');

export type Condition = z.infer<typeof conditionSchema>;

/** A condition before it is given a time: what the pure status functions return. */
export interface ConditionDraft {
  type: string;
  status: Condition['status'];
  reason: string;
  message: string;
}

/**
 * Merges drafts into the previous conditions. `lastTransitionTime` moves only when `status` changes; the order is
 * that of the drafts; a condition that is no longer drafted is dropped.
 *
 * @param nowMs epoch milliseconds; written with second precision, as the API server keeps it
 */
export function mergeConditions(
  previous: readonly Condition[] | undefined,
  drafts: readonly ConditionDraft[],
  observedGeneration: number,
  nowMs: number,
): Condition[] {
  const now = instantOf(nowMs);
  return drafts.map((draft) => {
    const before = previous?.find((condition) => condition.type === draft.type);
    const lastTransitionTime = before?.status === draft.status ? before.lastTransitionTime : now;
    return { ...draft, observedGeneration, lastTransitionTime };
  });
}

export function findCondition(
  conditions: readonly Condition[] | undefined,
  type: string,
): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}
