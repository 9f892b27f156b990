import { type ConditionDraft, mergeConditions } from '../api/condition.ts';
import { describeIssues, type FieldIssue } from '../api/issue.ts';
import { STUDENT_QUOTA_CONDITIONS as CONDITIONS, STUDENT_QUOTA_REASONS as REASONS } from '../api/reasons.ts';
import type { KeyStatus, StudentQuota } from '../api/student-quota.ts';
import { publicKeyId } from './api-key.ts';
import { type KeyRecord, type LossCause, overlapping } from './key-record.ts';
import { pendingFields } from './pending-fields.ts';
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
> & { secretName?: string };

/** The status of a seat: a pure function of what its Secret holds. */
export function seatStatus(quota: StudentQuota, outcome: SeatOutcome, nowMs: number): SeatStatus {
  const generation = quota.metadata.generation ?? 0;
  const classroomFound = classroomCondition(quota, outcome.obstacle);
  const keyIssued = keyCondition(quota, outcome, nowMs);
  const drafts = [
    readyCondition(quota, [classroomFound, keyIssued], nowMs),
    classroomFound,
    keyIssued,
    featureCondition(quota, outcome.obstacle),
  ];
  return {
    conditions: mergeConditions(quota.status?.conditions, drafts, generation, nowMs),
    observedGeneration: generation,
    keys: outcome.keys,
    ...(outcome.record !== undefined && { secretName: secretNameOf(quota.metadata.name) }),
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

function keyCondition(quota: StudentQuota, outcome: SeatOutcome, nowMs: number): ConditionDraft {
  const secret = secretNameOf(quota.metadata.name);
  const type = CONDITIONS.keyIssued;
  if (outcome.obstacle === undefined) {
    return { type, status: 'True', ...issuedKey(secret, outcome.record, nowMs) };
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
        : { type, status: 'True', ...issuedKey(secret, record, nowMs) };
  }
}

function issuedKey(
  secret: string,
  record: KeyRecord,
  nowMs: number,
): Pick<ConditionDraft, 'reason' | 'message'> {
  const holds = `Secret ${secret} holds key ${publicKeyId(record.sha256)} of ${record.createdTime}`;
  const [newest, ...older] = overlapping(record.previous, nowMs);
  if (newest !== undefined) {
    const which = older.length === 0 ? 'the key before it works' : `${older.length + 1} older keys work`;
    return { reason: REASONS.rotating, message: `${holds}; until ${newest.expiresTime} ${which} too.` };
  }
  if (record.cause === 'First' || record.cause === 'Rotated') {
    return { reason: REASONS.issued, message: `${holds}.` };
  }
  const lost = `${LOSSES[record.cause]}, so the key before was lost and is refused`;
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

function featureCondition({ spec }: StudentQuota, obstacle: Obstacle | undefined): ConditionDraft {
  const type = CONDITIONS.featurePending;
  if (obstacle?.kind === 'SpecUnreadable') {
    return unreadable(type, obstacle.issues);
  }
  const fields = pendingFields(spec);
  if (fields.length === 0) {
    const message = 'Every field that is set takes effect.';
    return { type, status: 'False', reason: REASONS.allFieldsActive, message };
  }
  return {
    type,
    status: 'True',
    reason: REASONS.fieldsIgnored,
    message: `Accepted, and without effect in this version: ${fields.join(', ')}.`,
  };
}
