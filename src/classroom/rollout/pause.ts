import { canonicalJson } from '../../kube/intent.ts';
import type { Deployment, Pod } from '../../kube/resources.ts';
import { engineCommand, serves } from '../engine-container.ts';
import type { Activity } from './activity.ts';
import type { Leave } from './leave.ts';
import type { RolledOut } from './rolled-out.ts';

export interface PauseInput {
  leave: Leave;
  /** What is being rolled out, as the Deployment has it. */
  rolledOut: Pick<RolledOut, 'template' | 'strategy'>;
  deployment: Deployment | undefined;
  /** All engine pods of the class. */
  pods: readonly Pod[];
  activity: Activity;
  nowMs: number;
}

export interface Pause {
  isPaused: boolean;
  /** When it may end though nothing changes (epoch ms). */
  lookAtMs: number | undefined;
}

export const NO_PAUSE: Pause = { isPaused: false, lookAtMs: undefined };

/**
 * Whether engines that have not been replaced yet are left for now. One by one takes long: what began while nobody asked
 * must not take the other engines from students who have come since. It begins when they ask, and ends when they have
 * not for as long as a change waits; in between all stays as it is, so that pauses of a class write nothing.
 */
export function pauseOf({ leave, activity, nowMs, ...input }: PauseInput): Pause {
  const { rolledOut, deployment } = input;
  if (leave.kind === 'AtOnce' || rolledOut.strategy === 'Recreate' || deployment === undefined)
    return NO_PAUSE;
  const isPaused = deployment.spec?.paused === true;
  const left = enginesLeft(deployment);
  if (left === 0 || !threatened(input).some(serves)) return NO_PAUSE;
  if (leave.kind === 'NotYet' || activity.kind === 'busy')
    return { isPaused: isPaused || left !== undefined, lookAtMs: undefined };
  if (activity.kind === 'unknown') return { isPaused, lookAtMs: undefined };
  const idleAtMs = activity.sinceMs + leave.forMs;
  return isPaused && idleAtMs > nowMs ? { isPaused, lookAtMs: idleAtMs } : NO_PAUSE;
}

/** Engines that run as before; undefined: the Deployment's controller has not counted them since it last changed. */
function enginesLeft({ metadata, status }: Deployment): number | undefined {
  if ((status?.observedGeneration ?? 0) < (metadata.generation ?? 0)) return undefined;
  return (status?.replicas ?? 0) - (status?.updatedReplicas ?? 0);
}

/** Those that would be replaced: where image and arguments do not tell them, it may be any. */
function threatened({ pods, rolledOut }: Pick<PauseInput, 'pods' | 'rolledOut'>): readonly Pod[] {
  const wanted = canonicalJson(engineCommand({ spec: rolledOut.template.spec }));
  const others = pods.filter((pod) => canonicalJson(engineCommand(pod)) !== wanted);
  return others.length === 0 ? pods : others;
}
