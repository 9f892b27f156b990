import type { ClassroomStatus, EngineState } from '../../api/classroom.ts';
import type { Pod } from '../../kube/resources.ts';
import { engineContainerStatus } from '../engine-container.ts';
import { readySince } from '../engines.ts';

/**
 * How long the engine that became ready last took from the start of its container until it answered, in whole seconds;
 * what the status said before where no engine has become ready since.
 */
export function lastLoadSeconds(
  pods: readonly Pod[],
  previous: ClassroomStatus | undefined,
): number | undefined {
  const loads = pods.flatMap((pod) => {
    const load = loadOf(pod);
    return load === undefined || wasLoaded(pod, previous) ? [] : [load];
  });
  const latest = loads.toSorted((a, b) => a.readyMs - b.readyMs).at(-1);
  return latest?.seconds ?? previous?.lastLoadSeconds;
}

/** Of an engine in these states, a load has been counted, or is not to be. */
const AFTER_LOAD: readonly EngineState[] = ['Ready', 'Failing', 'Stopping'];

/**
 * Ready also turns true when an engine that missed its probe answers again: that is no load. Nor is it one that an engine
 * which is being stopped was ready last.
 */
function wasLoaded(pod: Pod, previous: ClassroomStatus | undefined): boolean {
  const before = previous?.engines?.find(({ name }) => name === pod.metadata.name);
  return before !== undefined && AFTER_LOAD.includes(before.state);
}

function loadOf(pod: Pod): { readyMs: number; seconds: number } | undefined {
  const startedMs = Date.parse(engineContainerStatus(pod)?.state?.running?.startedAt ?? '');
  const readyMs = Date.parse(readySince(pod) ?? '');
  if (!(readyMs >= startedMs)) return undefined;
  return { readyMs, seconds: Math.round((readyMs - startedMs) / 1000) };
}
