import type { ClassroomSpec } from '../../api/classroom.ts';
import type { Pod } from '../../kube/resources.ts';
import { serves } from '../engine-container.ts';
import type { Activity } from './activity.ts';
import { type Change, changesBetween } from './changes.ts';
import type { PodTemplate, RolledOut, Strategy } from './rolled-out.ts';

export interface RolloutInput {
  mode: ClassroomSpec['engine']['rollout'];
  /** What runs; undefined: nothing that is known of. */
  rolledOut: RolledOut | undefined;
  wanted: PodTemplate;
  /** Engines wanted now. */
  replicas: number;
  /** All engine pods of the class. */
  pods: readonly Pod[];
  activity: Activity;
  /** How long nobody may have asked for, so that engines count as idle (ms). */
  idleMs: number;
  nowMs: number;
}

/** For what a change waits. */
export type Awaited = 'Idle' | 'ClassEnd';

/** Whether what the spec wants is started now. */
export type RolloutDecision =
  /** It runs. */
  | { kind: 'current' }
  /** Never: it does not fit. */
  | { kind: 'unfit'; runs: boolean }
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
 * `engine.rollout` allows it; where none of them serves anybody, there is nothing to wait for.
 */
export function decideRollout(input: RolloutInput): Exclude<RolloutDecision, { kind: 'unfit' }> {
  const { rolledOut, wanted, pods } = input;
  if (rolledOut === undefined) return startWith('nothing runs that is known of', input, []);
  const changes = changesBetween(rolledOut.template, wanted);
  if (changes.length === 0) return { kind: 'current' };
  const now = (why: string) => startWith(why, input, changes);
  if (input.mode === 'Immediately') return now('`engine.rollout` is Immediately');
  if (!pods.some(serves)) return now('no engine serves anybody');
  if (input.activity.kind === 'quiet') {
    const idleAtMs = input.activity.sinceMs + input.idleMs;
    if (idleAtMs <= input.nowMs) return now('the engines are idle');
    return waiting(input, changes, undefined, idleAtMs);
  }
  const obstacle = input.activity.kind === 'unknown' ? input.activity.why : undefined;
  return waiting(input, changes, obstacle, undefined);
}

function waiting(
  { mode }: RolloutInput,
  changes: Change[],
  obstacle: string | undefined,
  lookAtMs: number | undefined,
): Extract<RolloutDecision, { kind: 'wait' }> {
  return { kind: 'wait', changes, for: awaitedBy(mode), obstacle, lookAtMs };
}

/** For what a change waits that is not made at once. */
export function awaitedBy(mode: RolloutInput['mode']): Awaited {
  return mode === 'AfterClass' ? 'ClassEnd' : 'Idle';
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
