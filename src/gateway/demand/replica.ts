import { createHash } from 'node:crypto';
import type { AskedClassroom } from '../../api/demand.ts';
import type { ListenAddress } from '../../http/listen.ts';
import { refOfKey } from '../../kube/object.ts';
import type { ClassroomRecord } from '../identity/seat.ts';

/**
 * What tells a gateway from the others: its host, which in a cluster is its pod, and where it listens. It is the same
 * after a restart in the same place, so that the gateway goes on with its own Leases and leaves none behind.
 *
 * @param newId for one that listens on any free port, which says nothing
 */
export function replicaOf(
  host: string,
  { host: address, port }: ListenAddress,
  newId: () => string,
): { readonly replica: string; readonly holder: string } {
  const holder = `${host}_${address}:${port === 0 ? newId() : port}`;
  return { holder, replica: createHash('sha256').update(holder).digest('hex').slice(0, REPLICA_LENGTH) };
}

const REPLICA_LENGTH = 10;

/** Undefined for a class that is gone, or that no API server made. */
export function askedClassroomOf(classroom: ClassroomRecord | undefined): AskedClassroom | undefined {
  if (classroom?.uid === undefined) return undefined;
  const { namespace = 'default', name } = refOfKey(classroom.key);
  return { namespace, name, uid: classroom.uid };
}
