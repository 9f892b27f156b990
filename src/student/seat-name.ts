import { createHash } from 'node:crypto';
import { STUDENT_QUOTA_NAME_MAX } from '../api/student-quota.ts';

/** Of the hash of an id that is not a name itself. */
const HASH_DIGITS = 8;
const PLAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/**
 * Name of the StudentQuota of a student, the same wherever a seat is made from a roster: `<class>-<id>` where the id may
 * be part of a name, else what of it may be, and a hash, so that `Alice` and `alice` are two.
 *
 * The chart `classroom` does the same in `templates/_names.tpl`.
 */
export function seatName(classroom: string, studentId: string): string {
  const plain = `${classroom}-${studentId}`;
  if (PLAIN.test(studentId) && plain.length <= STUDENT_QUOTA_NAME_MAX) return plain;
  const hash = createHash('sha256').update(studentId).digest('hex').slice(0, HASH_DIGITS);
  const readable = `${classroom}-${studentId.toLowerCase().replace(/[^a-z0-9-]+/g, '-')}`;
  const room = STUDENT_QUOTA_NAME_MAX - HASH_DIGITS - 1;
  return `${readable.slice(0, room).replace(/-+$/, '')}-${hash}`;
}
