import { adapterFolder, adapterModelName } from '../../api/adapter.ts';
import { boostOf } from '../../api/boost.ts';
import type { Classroom, ClassroomSpec, ClassroomStatus } from '../../api/classroom.ts';
import { describeIssues } from '../../api/issue.ts';
import { servedNameOf } from '../../api/model.ts';
import { parseClassroom, parseStudentQuota, type Refused } from '../../api/parse.ts';
import type { StudentQuota } from '../../api/student-quota.ts';
import { gpuShareOf } from '../../gpu/gpu-share.ts';
import { keyOf } from '../../kube/object.ts';
import { examSinceMs } from '../../student/exam.ts';
import { timetableInputOf } from '../../timetable/open-until.ts';
import { knownTimeZone } from '../../timetable/time-zone.ts';
import { adapterCacheTag } from './cache-salt.ts';
import { engineStartOf } from './engine-start.ts';
import type { AdapterRecord, ClassroomRecord, KeyRecord, SeatRecord } from './seat.ts';

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
  const { namespace, name, creationTimestamp, uid } = metadata;
  const key = keyOf({ namespace: namespace ?? 'default', name });
  return {
    ...classroomRecord(key, name, spec, secondsOf(creationTimestamp), parsed.classroom.status),
    engineStart: engineStartOf(parsed.classroom.status),
    // What is parsed has no managed fields.
    examSinceMs: examSinceMs({ ...parsed.classroom, metadata: classroom.metadata }),
    openUntilMs: timetableInputOf(parsed.classroom).openUntilMs,
    gpuShare: gpuShareOf(spec.gpu),
    reportKeySha256: parsed.classroom.status?.reportKey?.sha256,
    uid,
  };
}

/** The part of a Classroom's spec that the gateway acts on. */
export type ServedSpec = Pick<
  ClassroomSpec,
  'model' | 'contact' | 'access' | 'exam' | 'limits' | 'schedule' | 'boost'
> & {
  readonly adapters?: ClassroomSpec['adapters'] | undefined;
  readonly engine?: { readonly maxNumSeqs?: number | undefined } | undefined;
};

/**
 * While a change of the spec waits for its engines to be replaced, they are called, and can do, what the status says.
 * Students may write the new name as well: both mean the only model there is.
 *
 * @param key `namespace/name`
 * @param runs what the status says of the engines
 */
export function classroomRecord(
  key: string,
  name: string,
  spec: ServedSpec,
  createdSeconds: number,
  { servedName = servedNameOf(spec.model), plan }: Pick<ClassroomStatus, 'servedName' | 'plan'> = {},
): ClassroomRecord {
  const maxNumSeqs = plan?.maxNumSeqs ?? spec.engine?.maxNumSeqs;
  const modelNames = [...new Set([servedName, servedNameOf(spec.model), ...spec.model.aliases])];
  return {
    key,
    name,
    servedName,
    modelNames,
    adapters: (spec.adapters ?? []).map((adapter) => adapterRecord(adapter, modelNames)),
    maxModelLen: plan?.maxModelLen ?? spec.model.maxModelLen,
    engine: maxNumSeqs === undefined ? undefined : { maxNumSeqs },
    contact: spec.contact,
    access: spec.access,
    exam: spec.exam,
    schedule: spec.schedule,
    boost: boostOf(spec.boost),
    limits: spec.limits,
    timeZone: knownTimeZone(spec.schedule?.timeZone),
    createdSeconds,
  };
}

/** @param baseNames the served name first */
function adapterRecord(
  { name, path }: ClassroomSpec['adapters'][number],
  baseNames: readonly string[],
): AdapterRecord {
  const modelNames = baseNames.map((base) => adapterModelName(base, name));
  const folder = adapterFolder(path);
  return { model: modelNames[0] ?? name, modelNames, folder, cacheTag: adapterCacheTag(folder) };
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
    boost: boostOf(spec.boost),
  };
}

function keyRecordOf(key: { sha256: string; expiresTime?: string | undefined }): KeyRecord {
  return { sha256: key.sha256, expiresAtMs: instantMs(key.expiresTime) };
}

/** Epoch ms of an RFC 3339 instant. */
export function instantMs(instant: string | undefined): number | undefined {
  return instant === undefined ? undefined : Date.parse(instant);
}

function secondsOf(instant: string | undefined): number {
  return Math.floor((instantMs(instant) ?? 0) / 1000);
}
