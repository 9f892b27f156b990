import { ENGINE_CONTAINER } from '../../api/labels.ts';
import type { Pod } from '../../kube/resources.ts';

/** From when on a pod holds its GPUs, and until when it did. Epoch ms. */
export interface HeldSpan {
  readonly fromMs: number;
  /** Undefined: it holds them still. */
  readonly toMs: number | undefined;
}

/**
 * A pod holds its GPUs from the moment the scheduler gives it a node, whatever its engine does, until all its containers
 * have ended. Both moments are the pod's own, so that whoever looks later says the same.
 *
 * @param nowMs epoch ms, for a pod that does not say when
 */
export function heldSpanOf(pod: Pod, nowMs: number): HeldSpan | undefined {
  if (pod.spec?.nodeName === undefined) return undefined;
  const { phase, startTime, conditions = [] } = pod.status ?? {};
  const scheduled = conditions.find(({ type, status }) => type === 'PodScheduled' && status === 'True');
  const fromMs = msOf(scheduled?.lastTransitionTime) ?? msOf(startTime) ?? nowMs;
  const hasEnded = phase === 'Succeeded' || phase === 'Failed';
  return { fromMs, toMs: hasEnded ? endedMs(pod, fromMs) : undefined };
}

/**
 * A pod that its node refused or evicted before anything ran has no container that ended, and may stay for weeks: of it
 * counts until when something changed.
 */
function endedMs({ status }: Pod, fromMs: number): number {
  const ends = (status?.containerStatuses ?? []).map(({ state }) => msOf(state?.terminated?.finishedAt));
  const known = ends.filter((ms) => ms !== undefined);
  if (known.length > 0) return Math.max(...known);
  const changes = (status?.conditions ?? []).map(({ lastTransitionTime }) => msOf(lastTransitionTime));
  return Math.max(fromMs, ...changes.filter((ms) => ms !== undefined));
}

function msOf(instant: string | undefined): number | undefined {
  const ms = Date.parse(instant ?? '');
  return Number.isNaN(ms) ? undefined : ms;
}

/** Units of GPUs or slices that the engine of a pod asks for: all extended resources, which have a domain. */
export function gpuUnitsOf({ spec }: Pod): number {
  const engine = spec?.containers.find(({ name }) => name === ENGINE_CONTAINER);
  return Object.entries(engine?.resources?.limits ?? {})
    .filter(([name]) => name.includes('/'))
    .reduce((sum, [, amount]) => sum + Number(amount), 0);
}
