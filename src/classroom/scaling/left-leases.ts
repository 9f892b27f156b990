import { keyOf } from '../../kube/object.ts';
import { leases } from '../../kube/resources.ts';
import type { ClassroomDependencies } from '../dependencies.ts';
import type { ObservedClass } from '../observe.ts';
import { leftLeases } from './demand.ts';

type LeaseDependencies = Pick<ClassroomDependencies, 'metrics' | 'log'> & {
  client: Pick<ClassroomDependencies['client'], 'delete'>;
};

/**
 * Deletes what gateways that are gone left behind in a class.
 *
 * @returns when there may be more though nothing changes (epoch ms)
 * @throws KubeApiError for failures that another try may mend
 */
export async function removeLeftLeases(
  { demandLeases }: Pick<ObservedClass, 'demandLeases'>,
  { client, metrics, log }: LeaseDependencies,
  nowMs: number,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { left, lookAtMs } = leftLeases(demandLeases, nowMs);
  for (const { metadata } of left) {
    const { name, namespace, uid } = metadata;
    const ref = namespace === undefined ? { name } : { namespace, name };
    const deleted = await client.delete(leases, ref, { signal, ...(uid === undefined ? {} : { uid }) });
    if (!deleted) continue;
    log.debug({ lease: keyOf(ref) }, 'A Lease was deleted that no gateway renewed');
    metrics.objectWritten({ kind: leases.kind, verb: 'delete' });
  }
  return lookAtMs;
}
