import type { Pod } from '../../kube/resources.ts';
import { engineContainerStatus } from '../engine-container.ts';
import type { WatchedEngine } from '../engine-watch/board.ts';
import { isStarted } from '../engine-watch/engines.ts';

/** What the engines of a class have to do, as they say themselves. */
export interface EngineLoad {
  /** Requests that run on them or wait in them. */
  readonly requests: number;
  /** Engines that have any. */
  readonly busy: number;
  /** Engines that serve and do not say what they do. */
  readonly unknown: number;
  /** Engines that load their model for the first time. */
  readonly loading: number;
  /** Since when all of them have had nothing to do (epoch ms); undefined: not all do say so, or there is none. */
  readonly quietSinceMs: number | undefined;
}

/**
 * Sums up what was heard. Engines that load or end serve nobody and are left out; one that was not asked yet may be
 * busy.
 *
 * @param pods all engine pods of the class
 * @param watched by the name of the pod
 */
export function engineLoad(
  pods: readonly Pod[],
  watched: ReadonlyMap<string, Pick<WatchedEngine, 'use'>>,
): EngineLoad {
  const uses = pods.filter(isStarted).map(({ metadata }) => watched.get(metadata.name)?.use);
  const quiet = uses.flatMap((use) => (use?.kind === 'quiet' ? [use.sinceMs] : []));
  const busy = uses.flatMap((use) => (use?.kind === 'busy' ? [use.requests] : []));
  return {
    requests: busy.reduce((sum, requests) => sum + requests, 0),
    busy: busy.length,
    unknown: uses.length - quiet.length - busy.length,
    loading: pods.filter(isLoading).length,
    quietSinceMs: quiet.length > 0 && quiet.length === uses.length ? Math.max(...quiet) : undefined,
  };
}

/** The startup probe bounds it. One that has ended before may fail for ever, and one that waits for a node holds no GPU. */
function isLoading(pod: Pod): boolean {
  const container = engineContainerStatus(pod);
  if (pod.metadata.deletionTimestamp !== undefined || isStarted(pod)) return false;
  return container?.state?.running !== undefined && container.restartCount === 0;
}
