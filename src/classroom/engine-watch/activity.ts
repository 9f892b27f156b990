import type { Pod } from '../../kube/resources.ts';
import { instanceOf } from '../engine-container.ts';
import type { Activity } from '../rollout/activity.ts';
import type { EngineBoard } from './board.ts';
import { isStarted } from './engines.ts';

/**
 * Whether the engines of a class have anything to do. Engines that are loading or ending serve nobody and are left out.
 *
 * @param pods all engine pods of the class
 */
export function activityOf(classroom: string, pods: readonly Pod[], board: EngineBoard): Activity {
  const uses = pods.filter(isStarted).map((pod) => ({
    name: pod.metadata.name,
    use: board.of(classroom, instanceOf(pod))?.use ?? {
      kind: 'unknown' as const,
      why: 'it has not been asked yet',
    },
  }));
  if (uses.some(({ use }) => use.kind === 'busy')) return { kind: 'busy' };
  let sinceMs = Number.NEGATIVE_INFINITY;
  for (const { name, use } of uses) {
    if (use.kind === 'unknown') return { kind: 'unknown', why: `engine ${name}: ${use.why}` };
    if (use.kind === 'quiet') sinceMs = Math.max(sinceMs, use.sinceMs);
  }
  return uses.length === 0 ? { kind: 'unknown', why: 'no engine has started' } : { kind: 'quiet', sinceMs };
}
