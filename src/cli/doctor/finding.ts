import type { Mark } from '../status/condition-words.ts';

/** What is looked at, in this order: what comes later needs what comes before. */
export const AREAS = ['Cluster', 'Rights', 'Operator', 'GPUs', 'Class', 'Gateway'] as const;
export type Area = (typeof AREAS)[number];

/** What a check found. */
export interface Finding {
  readonly area: Area;
  /** Bad: somebody has to do something. Unknown: it cannot be told from here. Note: nothing is wrong with it. */
  readonly mark: Mark;
  /** A sentence. */
  readonly what: string;
  /** Why, where the sentence does not say it. */
  readonly why?: string;
  /** What to do. */
  readonly next?: string;
}
