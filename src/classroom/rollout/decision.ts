import type { Pod } from '../../kube/resources.ts';
import { serves } from '../engine-container.ts';
import type { Refusal } from '../refusal.ts';
import type { Activity } from './activity.ts';
import { type Change, changesBetween } from './changes.ts';
import type { Awaited, Leave } from './leave.ts';
import type { PodTemplate, RolledOut, Strategy } from './rolled-out.ts';

export interface RolloutInput {
  leave: Leave;
  /** What runs; undefined: nothing that is known of. */
  rolledOut: RolledOut | undefined;
  wanted: PodTemplate;
  /** Engines wanted now. */
  replicas: number;
  /** All engine pods of the class. */
  pods: readonly Pod[];
  activity: Activity;
  nowMs: number;
}

/** Whether what the spec wants is started now. */
export type RolloutDecision =
  /** It runs. */
  | { kind: 'current' }
  /** Never: it does not fit. */
  | { kind: 'unfit'; runs: boolean }
  /** Never: the spec cannot be acted on. The engines of before go on. */
  | { kind: 'refused'; refusal: Refusal }
  /** Now, because of `why`. */
  | { kind: 'now'; changes: Change[]; strategy: Strategy; why: string }
  /** Not yet. */
  | {
      kind: 'wait';
      changes: Change[];
      for: Awaited;
      /** What is known of the engines' work, where it stands in the way for longer than students need. */
      obstacle: string | undefined;
      /** When it may start though nothing changes (epoch ms). */
      lookAtMs: number | undefined;
    };

/**
 * When engines may be replaced by ones that run as the spec says: an engine that students use is restarted only where
 * spec and timetable give leave; where none of them serves anybody, there is nothing to wait for.
 */
export function decideRollout(input: RolloutInput): Exclude<RolloutDecision, { kind: 'unfit' | 'refused' }> {
  const { rolledOut, wanted, pods } = input;
  if (rolledOut === undefined) return startWith('nothing runs that is known of', input, []);
  const changes = changesBetween(rolledOut.template, wanted);
  if (changes.length === 0) return { kind: 'current' };
  const now = (why: string) => startWith(why, input, changes);
  const { leave, activity } = input;
  if (leave.kind === 'AtOnce') return now('`engine.rollout` is Immediately');
  if (!pods.some(serves)) return now('no engine serves anybody');
  const waiting = { kind: 'wait' as const, changes, for: leave.awaited };
  if (leave.kind === 'NotYet') return { ...waiting, obstacle: undefined, lookAtMs: undefined };
  if (activity.kind === 'quiet') {
    const quietAtMs = activity.sinceMs + leave.forMs;
    if (quietAtMs <= input.nowMs) return now('the engines are idle');
    return { ...waiting, obstacle: undefined, lookAtMs: quietAtMs };
  }
  return {
    ...waiting,
    obstacle: activity.kind === 'unknown' ? activity.why : undefined,
    lookAtMs: undefined,
  };
}

function startWith(
  why: string,
  input: RolloutInput,
  changes: Change[],
): Extract<RolloutDecision, { kind: 'now' }> {
  return { kind: 'now', changes, strategy: strategyFor(input, changes), why };
}

/**
 * One by one keeps the class served; not so where no engine serves it: then all are mended at once. Nor with another
 * model: students would be answered by the old and the new one in turn, and the gateway knows only one name.
 */
function strategyFor({ rolledOut, replicas, pods }: RolloutInput, changes: readonly Change[]): Strategy {
  const isModel = changes.some(({ kind }) => kind === 'Model');
  const keepsServing = rolledOut === undefined || pods.some(serves);
  return replicas > 1 && keepsServing && !isModel ? 'OneByOne' : 'Recreate';
}
