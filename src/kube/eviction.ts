import type { CallOptions, KubeClient } from './client.ts';
import { KubeApiError } from './errors.ts';
import { pathOf } from './paths.ts';
import { pods } from './resources.ts';

/** What became of a wish to evict a pod. */
export type Eviction =
  | { kind: 'evicted' | 'gone' }
  /** A disruption budget does not allow it now, or two of them hold it, which the API server answers with 500. */
  | { kind: 'blocked'; message: string };

/**
 * Asks for the end of a pod as `kubectl drain` does: disruption budgets are kept, and the pod gets its grace period.
 *
 * @see https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/
 * @throws KubeApiError
 */
export async function evictPod(
  client: Pick<KubeClient, 'raw'>,
  { namespace, name, uid }: { namespace: string; name: string; uid: string },
  options: CallOptions = {},
): Promise<Eviction> {
  const body = {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { namespace, name },
    // A namesake that took its place is not meant.
    deleteOptions: { preconditions: { uid } },
  };
  try {
    await client.raw('POST', pathOf(pods, { namespace, name }, 'eviction'), { ...options, body });
    return { kind: 'evicted' };
  } catch (error) {
    if (!(error instanceof KubeApiError)) throw error;
    if (error.isNotFound || error.isConflict) return { kind: 'gone' };
    if (error.status === 429 || error.status === 500) return { kind: 'blocked', message: error.message };
    throw error;
  }
}
