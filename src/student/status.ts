import { type ConditionDraft, findCondition, mergeConditions } from '../api/condition.ts';
import { describeIssues, type FieldIssue } from '../api/issue.ts';
import { STUDENT_QUOTA_CONDITIONS as CONDITIONS, STUDENT_QUOTA_REASONS as REASONS } from '../api/reasons.ts';
import type { KeyStatus, StudentQuota } from '../api/student-quota.ts';
import { boostedCondition } from '../boost/condition.ts';
import { knownTimeZone } from '../timetable/time-zone.ts';
import { publicKeyId } from './api-key.ts';
import { quotaWarnings, type SeatBudgets } from './budgets.ts';
import { awaitsExamEnd, overlapsAtMs } from './exam.ts';
import { type KeyRecord, type LossCause, overlapping } from './key-record.ts';
import type { Seat } from './observe.ts';
import type { Hindrance } from './plan.ts';
import { SECRET_KEYS, secretNameOf } from './secret.ts';

/** What kept the Secret from being as wanted. */
export type Obstacle =
  | Hindrance
  /** `detail` is what the API server said; never with a key in it. */
  | { kind: 'SecretRefused'; detail: string };

/** How the Secret stands after the pass: without an obstacle it holds the student's key. */
export type SeatOutcome = { keys: KeyStatus[] } & (
  | { record: KeyRecord; obstacle: undefined }
  | { record: KeyRecord | undefined; obstacle: Obstacle }
);

export type SeatStatus = Required<
  Pick<NonNullable<StudentQuota['status']>, 'conditions' | 'observedGeneration' | 'keys'>
> &
  Pick<NonNullable<StudentQuota['status']>, 'secretName' | 'quotaWarnings'>;

/** Of a seat, what its status tells of. */
export type ReportedSeat = Pick<Seat, 'quota' | 'classroom'>;

/**
 * The status of a seat: a pure function of what its Secret holds, and of class and time.
 *
 * @param budgets undefined while they are not known: then what was told of them stays
 */
export function seatStatus(
  seat: ReportedSeat,
  outcome: SeatOutcome,
  budgets: SeatBudgets | undefined,
  nowMs: number,
): SeatStatus {
  const { quota } = seat;
  const generation = quota.metadata.generation ?? 0;
  const classroomFound = classroomCondition(quota, outcome.obstacle);
  const keyIssued = keyCondition(seat, outcome, nowMs);
  const boosted = boostCondition(seat, outcome.obstacle, nowMs);
  const drafts = [
    readyCondition(quota, [classroomFound, keyIssued], nowMs),
    classroomFound,
    keyIssued,
    ...(boosted === undefined ? [] : [boosted]),
  ];
  const before = quota.status?.quotaWarnings;
  const warnings = budgets === undefined ? before : quotaWarnings(budgets.uses, before);
  return {
    conditions: mergeConditions(quota.status?.conditions, drafts, generation, nowMs),
    observedGeneration: generation,
    keys: outcome.keys,
    ...(outcome.record !== undefined && { secretName: secretNameOf(quota.metadata.name) }),
    ...(warnings !== undefined && warnings.length > 0 && { quotaWarnings: warnings }),
  };
}

function readyCondition(
  quota: StudentQuota,
  others: readonly ConditionDraft[],
  nowMs: number,
): ConditionDraft {
  const { student, classroomRef, access, expiresAt } = quota.spec;
  const ready = (status: ConditionDraft['status'], reason: string, message: string): ConditionDraft => ({
    type: CONDITIONS.ready,
    status,
    reason,
    message,
  });
  const missing = others.find((condition) => condition.status !== 'True');
  if (missing?.status === 'Unknown') return ready('False', missing.reason, missing.message);
  if (access === 'Suspended') {
    return ready(
      'False',
      REASONS.suspended,
      `${student.id} is suspended: the key is refused. Set spec.access to Active to let ${student.id} work again.`,
    );
  }
  if (expiresAt !== undefined && Date.parse(expiresAt) <= nowMs) {
    return ready(
      'False',
      REASONS.expired,
      `The seat of ${student.id} ended at ${expiresAt}: the key is refused. Set a later spec.expiresAt to let ${student.id} work again.`,
    );
  }
  if (missing !== undefined) return ready('False', REASONS.waiting, missing.message);
  return ready(
    'True',
    REASONS.active,
    `${student.id} can use ${classroomRef.name} with the key in Secret ${secretNameOf(quota.metadata.name)}.`,
  );
}

function classroomCondition(quota: StudentQuota, obstacle: Obstacle | undefined): ConditionDraft {
  const { name } = quota.spec.classroomRef;
  const type = CONDITIONS.classroomFound;
  switch (obstacle?.kind) {
    case 'SpecUnreadable':
      return unreadable(type, obstacle.issues);
    case 'ClassroomMissing':
      return {
        type,
        status: 'False',
        reason: REASONS.notFound,
        message: `There is no Classroom ${name} in this namespace. The seat takes effect by itself once it is made.`,
      };
    case 'ClassroomDeleting':
      return {
        type,
        status: 'False',
        reason: REASONS.notFound,
        message: `Classroom ${name} is being deleted.`,
      };
    case 'ClassroomUnreadable':
      return {
        type,
        status: 'False',
        reason: REASONS.specUnreadable,
        message: `Classroom ${name} does not follow the schema of this version: see its own conditions.`,
      };
    case 'DuplicateStudent':
    case 'NameConflict':
    case 'PredecessorSecret':
    case 'SecretRefused':
    case undefined:
      return { type, status: 'True', reason: REASONS.found, message: `The class is Classroom ${name}.` };
  }
}

function keyCondition(seat: ReportedSeat, outcome: SeatOutcome, nowMs: number): ConditionDraft {
  const { quota } = seat;
  const secret = secretNameOf(quota.metadata.name);
  const type = CONDITIONS.keyIssued;
  if (outcome.obstacle === undefined) {
    return { type, status: 'True', ...issuedKey(seat, outcome.record, nowMs) };
  }
  const { record, obstacle } = outcome;
  switch (obstacle.kind) {
    case 'SpecUnreadable':
      return unreadable(type, obstacle.issues);
    case 'DuplicateStudent':
      return {
        type,
        status: 'False',
        reason: REASONS.duplicateStudent,
        message: `${quota.spec.student.id} already has a seat in this class: StudentQuota ${obstacle.olderSeat}. Delete one of the two.`,
      };
    case 'NameConflict':
      return {
        type,
        status: 'False',
        reason: REASONS.nameConflict,
        message: `Secret ${secret} does not belong to this seat and was left alone. Delete or rename it, and the key is made within a minute.`,
      };
    case 'SecretRefused':
      return {
        type,
        status: record === undefined ? 'False' : 'True',
        reason: REASONS.applyRefused,
        message: `The API server refused Secret ${secret}: ${obstacle.detail}. The operator keeps trying.`,
      };
    case 'PredecessorSecret':
      return {
        type,
        status: 'False',
        reason: REASONS.withheld,
        message: `Secret ${secret} belongs to a deleted seat of the same name; the key is made once the Secret is gone.`,
      };
    case 'ClassroomMissing':
    case 'ClassroomDeleting':
    case 'ClassroomUnreadable':
      return record === undefined
        ? {
            type,
            status: 'False',
            reason: REASONS.withheld,
            message: 'The key is made once the class is there.',
          }
        : { type, status: 'True', ...issuedKey(seat, record, nowMs) };
  }
}

type ReasonAndMessage = Pick<ConditionDraft, 'reason' | 'message'>;

function issuedKey(seat: ReportedSeat, record: KeyRecord, nowMs: number): ReasonAndMessage {
  const secret = secretNameOf(seat.quota.metadata.name);
  const holds = `Secret ${secret} holds key ${publicKeyId(record.sha256)} of ${record.createdTime}`;
  if (awaitsExamEnd(seat, record)) {
    const message = `${holds}. The new key that was asked for is made when the exam of the class is over: in an exam no key is replaced. To end this one at once, revoke it (\`keyRotation.overlapMinutes: 0\`).`;
    return { reason: REASONS.rotationDeferred, message };
  }
  const isExam = seat.classroom?.spec.access === 'Exam';
  const previous = overlapping(record.previous, overlapsAtMs(seat, nowMs));
  if (record.cause !== 'First' && record.cause !== 'Rotated') {
    const isHeld = previous.some(({ sha256 }) => sha256 === record.replaces);
    return replacedKey(holds, record.cause, isHeld);
  }
  const [newest, ...older] = previous;
  if (newest === undefined) return { reason: REASONS.issued, message: `${holds}.` };
  const which = older.length === 0 ? 'the key before it works' : `${older.length + 1} older keys work`;
  const until = `until ${newest.expiresTime}${isExam ? ', and as long as the exam of the class runs,' : ''}`;
  return { reason: REASONS.rotating, message: `${holds}; ${until} ${which} too.` };
}

/** @param isHeld it works until the exam is over */
function replacedKey(holds: string, cause: LossCause, isHeld: boolean): ReasonAndMessage {
  const before = isHeld ? 'works only until the exam of the class is over' : 'is refused';
  const lost = `${LOSSES[cause]}, so the key before was lost and ${before}`;
  return { reason: REASONS.keyReplaced, message: `${holds}. ${lost}: give the student the new one.` };
}

/** What happened to the Secret, as the beginning of a sentence. */
export const LOSSES = {
  SecretDeleted: 'The Secret was deleted',
  KeyRemoved: `${SECRET_KEYS.apiKey} was removed from the Secret`,
  KeyDamaged: `${SECRET_KEYS.apiKey} in the Secret was overwritten with something that is not a key`,
  KeyUnknown: `${SECRET_KEYS.apiKey} in the Secret was overwritten with a key that does not hold`,
} as const satisfies Record<LossCause, string>;

/** What cannot be known of a seat whose spec cannot be read. */
function unreadable(type: string, issues: readonly FieldIssue[]): ConditionDraft {
  return {
    type,
    status: 'Unknown',
    reason: REASONS.specUnreadable,
    message: `The object does not follow the schema of this version: ${describeIssues(issues)}. Correct it, or install the CRDs that belong to this operator. Until then the key stays as it is.`,
  };
}

function boostCondition(
  { quota, classroom }: ReportedSeat,
  obstacle: Obstacle | undefined,
  nowMs: number,
): ConditionDraft | undefined {
  // A boost that cannot be read was not taken away: what was said of it stays.
  if (obstacle?.kind === 'SpecUnreadable') return findCondition(quota.status?.conditions, CONDITIONS.boosted);
  const { boost, student } = quota.spec;
  return boostedCondition(
    {
      boost,
      classBoost: classroom?.spec.boost,
      whose: student.id,
      isExam: classroom?.spec.access === 'Exam',
      timeZone: knownTimeZone(classroom?.spec.schedule?.timeZone),
    },
    nowMs,
  );
}
