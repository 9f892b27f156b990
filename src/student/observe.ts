import { type Classroom, classrooms } from '../api/classroom.ts';
import type { FieldIssue } from '../api/issue.ts';
import { parseStudentQuota } from '../api/parse.ts';
import { type StudentQuota, studentQuotas } from '../api/student-quota.ts';
import type { KubeClient } from '../kube/client.ts';
import type { ObjectRef } from '../kube/object.ts';
import { type Secret, secrets } from '../kube/resources.ts';
import type { OperatorInformers } from '../reconcile/caches.ts';
import type { SeatIndex } from './seat-index.ts';
import { secretNameOf } from './secret.ts';

/** A StudentQuota as far as it follows the schema. */
export interface ReadQuota {
  /** With defaults and without nulls; as it was written where there are issues. */
  quota: StudentQuota;
  /** Why it cannot be acted on; empty when it can. */
  issues: readonly FieldIssue[];
  /** Part of the status could not be read and is missing: which keys are listed may not be known. */
  isStatusCut: boolean;
}

/** Everything one pass over a seat needs to know. */
export interface Seat extends ReadQuota {
  classroom: Classroom | undefined;
  /** What has the name of our Secret, whosever it is. */
  secret: Secret | undefined;
  /** Name of an older seat of the same student in the same class, which goes first. */
  olderSeat: string | undefined;
}

/** Reads one seat; undefined when there is none. */
export type ObserveSeat = (ref: ObjectRef, signal: AbortSignal) => Promise<Seat | undefined>;

type Caches = Pick<OperatorInformers, 'classrooms' | 'studentQuotas' | 'secrets'>;

/** Reads from the caches: no request, maybe a moment old. A Secret without our label is not seen. */
export function observeCached(caches: Caches, index: SeatIndex): ObserveSeat {
  return async (ref) => {
    const found = caches.studentQuotas.get(ref);
    if (found === undefined) return undefined;
    const read = readQuota(found);
    const { quota } = read;
    return {
      ...read,
      classroom: caches.classrooms.get(classroomOf(quota)),
      secret: caches.secrets.get(secretOf(quota)),
      olderSeat: index.olderSeat(quota),
    };
  };
}

/** Reads from the API server itself: for decisions that must not rest on an old view. */
export function observeLive(client: Pick<KubeClient, 'get'>, index: SeatIndex): ObserveSeat {
  return async (ref, signal) => {
    // The Secret last: one that is newer than the status is a state that every pass understands.
    const found = await client.get(studentQuotas, ref, { signal });
    if (found === undefined) return undefined;
    const read = readQuota(found);
    const { quota } = read;
    const classroom = await client.get(classrooms, classroomOf(quota), { signal });
    const olderName = index.olderSeat(quota);
    const olderSeat =
      olderName === undefined
        ? undefined
        : await client.get(studentQuotas, inNamespaceOf(quota, olderName), { signal });
    const secret = await client.get(secrets, secretOf(quota), { signal });
    return { ...read, classroom, secret, olderSeat: olderSeat?.metadata.name };
  };
}

/** Reads what the API server holds, which an older CRD may have let in. */
export function readQuota(quota: StudentQuota): ReadQuota {
  const parsed = parseStudentQuota(quota);
  return parsed.ok
    ? { quota: parsed.studentQuota, issues: [], isStatusCut: parsed.ignored.length > 0 }
    : { quota, issues: parsed.issues, isStatusCut: false };
}

function classroomOf(quota: StudentQuota): ObjectRef {
  return inNamespaceOf(quota, quota.spec.classroomRef.name);
}

function secretOf(quota: StudentQuota): ObjectRef {
  return inNamespaceOf(quota, secretNameOf(quota.metadata.name));
}

function inNamespaceOf({ metadata: { namespace } }: StudentQuota, name: string): ObjectRef {
  return namespace === undefined ? { name } : { namespace, name };
}
