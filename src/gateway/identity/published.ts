import type { Classroom, ClassroomSpec } from '../../api/classroom.ts';
import { describeIssues } from '../../api/issue.ts';
import { servedNameOf } from '../../api/model.ts';
import { parseClassroom, parseStudentQuota, type Refused } from '../../api/parse.ts';
import type { StudentQuota } from '../../api/student-quota.ts';
import { keyOf } from '../../kube/object.ts';
import { isTimeZone } from '../limits/local-day.ts';
import type { ClassroomRecord, KeyRecord, SeatRecord } from './seat.ts';

/** An object that does not follow the schema of this version, such as one that is older than the CRD. */
export class UnreadableObjectError extends Error {
  constructor({ issues }: Refused) {
    super(describeIssues(issues));
  }
}

/**
 * What a Classroom means to the gateway.
 *
 * @throws UnreadableObjectError
 */
export function classroomRecordOf(classroom: Classroom): ClassroomRecord {
  const parsed = parseClassroom(classroom);
  if (!parsed.ok) throw new UnreadableObjectError(parsed);
  const { metadata, spec } = parsed.classroom;
  const { namespace, name, creationTimestamp } = metadata;
  const record = classroomRecord(
    keyOf({ namespace: namespace ?? 'default', name }),
    name,
    spec,
    secondsOf(creationTimestamp),
  );
  const planned = parsed.classroom.status?.plan;
  return planned === undefined ? record : { ...record, engine: { maxNumSeqs: planned.maxNumSeqs } };
}

/** The part of a Classroom's spec that the gateway acts on. */
export type ServedSpec = Pick<ClassroomSpec, 'model' | 'contact' | 'access' | 'exam' | 'limits'> & {
  readonly schedule?: { readonly timeZone: string } | undefined;
  readonly engine?: { readonly maxNumSeqs?: number | undefined } | undefined;
};

/** @param key `namespace/name` */
export function classroomRecord(
  key: string,
  name: string,
  spec: ServedSpec,
  createdSeconds: number,
): ClassroomRecord {
  const servedName = servedNameOf(spec.model);
  const maxNumSeqs = spec.engine?.maxNumSeqs;
  return {
    key,
    name,
    servedName,
    modelNames: [servedName, ...spec.model.aliases],
    maxModelLen: spec.model.maxModelLen,
    engine: maxNumSeqs === undefined ? undefined : { maxNumSeqs },
    contact: spec.contact,
    access: spec.access,
    exam: spec.exam,
    limits: spec.limits,
    timeZone: knownTimeZone(spec.schedule?.timeZone),
    createdSeconds,
  };
}

/**
 * What a StudentQuota means to the gateway: the seat from its spec, the keys from its status. Undefined for one that
 * is being deleted: it is revoked from that moment, whoever's finalizer it waits for.
 *
 * @throws UnreadableObjectError
 */
export function seatRecordOf(quota: StudentQuota): SeatRecord | undefined {
  const parsed = parseStudentQuota(quota);
  if (!parsed.ok) throw new UnreadableObjectError(parsed);
  const { metadata, spec, status } = parsed.studentQuota;
  const { namespace = 'default', name, creationTimestamp, deletionTimestamp } = metadata;
  if (deletionTimestamp !== undefined) return undefined;
  return {
    key: keyOf({ namespace, name }),
    classroomKey: keyOf({ namespace, name: spec.classroomRef.name }),
    studentId: spec.student.id,
    createdMs: instantMs(creationTimestamp),
    keys: (status?.keys ?? []).map(keyRecordOf),
    suspended: spec.access === 'Suspended',
    expiresAtMs: instantMs(spec.expiresAt),
    weight: spec.weight,
    limits: spec.limits,
  };
}

function keyRecordOf(key: { sha256: string; expiresTime?: string | undefined }): KeyRecord {
  return { sha256: key.sha256, expiresAtMs: instantMs(key.expiresTime) };
}

/** The schema checks only the form of a name; a class whose zone nobody knows still has days, those of UTC. */
function knownTimeZone(timeZone = 'UTC'): string {
  return isTimeZone(timeZone) ? timeZone : 'UTC';
}

/** Epoch ms of an RFC 3339 instant. */
export function instantMs(instant: string | undefined): number | undefined {
  return instant === undefined ? undefined : Date.parse(instant);
}

function secondsOf(instant: string | undefined): number {
  return Math.floor((instantMs(instant) ?? 0) / 1000);
}
