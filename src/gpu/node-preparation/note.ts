import type { Refusal } from './manage.ts';

/** Why the operator does not go on by itself, for the condition NodesPrepared. */
export interface PreparationNote {
  why: Refusal | 'RightsMissing' | 'OtherNodeFirst' | 'EvictionBlocked';
  message: string;
}
