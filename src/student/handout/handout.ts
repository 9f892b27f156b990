import type { Classroom } from '../../api/classroom.ts';
import { findCondition } from '../../api/condition.ts';
import { effectiveStudentLimits, type StudentLimits } from '../../api/limits.ts';
import { STUDENT_QUOTA_CONDITIONS } from '../../api/reasons.ts';
import type { StudentQuota, StudentQuotaSpec } from '../../api/student-quota.ts';
import type { Secret } from '../../kube/resources.ts';
import { hashApiKey } from '../api-key.ts';
import { currentKey } from '../key-record.ts';
import { type ClientSettings, clientSettingsIn } from '../secret.ts';

/** What a student is given. It holds the key: nothing but the student's own paper or file may. */
export interface Handout {
  /** Name of the seat: a name of files that no two students of a class share, whatever the file system. */
  readonly seat: string;
  readonly classroom: string;
  readonly student: StudentQuotaSpec['student'];
  readonly settings: ClientSettings;
  readonly limits: StudentLimits;
  /** Whom the student may ask. */
  readonly contact: string | undefined;
  /** When the seat ends, RFC 3339. */
  readonly expiresAt: string | undefined;
}

/** A student whose key cannot be handed out. */
export interface MissingHandout {
  readonly id: string;
  readonly why: string;
}

/**
 * Brings seats and their Secrets together. A Secret counts only with the key that the status lists: any other one would
 * be refused, so it is not handed out.
 *
 * @param baseURL that students are told instead of the cluster's own
 */
export function handoutsOf(
  classroom: Classroom,
  seats: readonly StudentQuota[],
  secrets: readonly Secret[],
  baseURL: string | undefined,
): { handouts: Handout[]; missing: MissingHandout[] } {
  const byName = new Map(secrets.map((secret) => [secret.metadata.name, secret]));
  const handouts: Handout[] = [];
  const missing: MissingHandout[] = [];
  for (const seat of seats) {
    const { spec, status, metadata } = seat;
    const secret = byName.get(status?.secretName ?? '');
    const settings = secret === undefined ? undefined : clientSettingsIn(secret);
    if (settings === undefined || !isInForce(settings, seat)) {
      missing.push({ id: spec.student.id, why: whyMissing(seat) });
      continue;
    }
    handouts.push({
      seat: metadata.name,
      classroom: classroom.metadata.name,
      student: spec.student,
      settings: { ...settings, baseURL: baseURL ?? settings.baseURL },
      limits: effectiveStudentLimits(classroom.spec.limits.perStudent, spec.limits),
      contact: classroom.spec.contact,
      expiresAt: spec.expiresAt,
    });
  }
  return { handouts, missing };
}

function isInForce({ apiKey }: ClientSettings, { status }: StudentQuota): boolean {
  return currentKey(status?.keys ?? [])?.sha256 === hashApiKey(apiKey);
}

function whyMissing({ status }: StudentQuota): string {
  const issued = findCondition(status?.conditions, STUDENT_QUOTA_CONDITIONS.keyIssued);
  if (issued === undefined) return 'the operator has not looked at the seat yet';
  return issued.status === 'True' ? 'the key is being replaced' : issued.message;
}
