import { type ApiKeyDefect, hashApiKey, parseApiKey } from '../../student/api-key.ts';
import { overlapMomentMs } from '../../student/exam.ts';
import { type Refusal, refuse } from '../errors.ts';
import type { Credential, Identity } from './credential.ts';
import type { Directory, Found, FoundSeat } from './directory.ts';
import { type KeyRecord, nameOfKey, ofClass, type Seat } from './seat.ts';

export type Authentication =
  | { readonly ok: true; readonly identity: Identity }
  /** `sha256` of the key or token is there when the text had the form of one. */
  | { readonly ok: false; readonly refusal: Refusal; readonly sha256?: string };

/**
 * Who asks, decided by the key alone: no other header and no field of the body has a say.
 *
 * @param key the text after `Bearer`, see {@link bearer}
 * @param nowMs epoch ms
 */
export function authenticateKey(key: string, directory: Directory, nowMs: number): Authentication {
  const form = parseApiKey(key);
  if (!form.ok) return { ok: false, refusal: refuse('malformed_api_key', { why: DEFECTS[form.malformed] }) };
  return authenticate({ via: 'key', sha256: hashApiKey(key) }, directory, nowMs);
}

/**
 * What somebody may do who proved who they are: at once, after a body was read, and while an answer still streams.
 *
 * @param nowMs epoch ms
 */
export function authenticate(credential: Credential, directory: Directory, nowMs: number): Authentication {
  const { sha256 } = credential;
  const found = seatOf(credential, directory, nowMs);
  if (found === undefined) return { ok: false, refusal: unknownRefusal(credential, directory), sha256 };
  const refusal = refusalOf(found, nowMs);
  if (refusal !== undefined) return { ok: false, refusal, sha256 };
  // refusalOf has refused a seat without a class.
  if (found.seat === undefined) throw new Error(`seat ${found.record.key} has no class`);
  return { ok: true, identity: { seat: found.seat, credential } };
}

function seatOf(credential: Credential, directory: Directory, nowMs: number): Found | FoundSeat | undefined {
  switch (credential.via) {
    case 'key':
      return directory.find(credential.sha256, nowMs);
    case 'jwt':
      return directory.findStudent(credential.subject.classroomKey, credential.subject.studentId, nowMs);
  }
}

function unknownRefusal(credential: Credential, directory: Directory): Refusal {
  if (credential.via === 'key') {
    const reported = directory.classroomOfReportKey(credential.sha256);
    return reported === undefined
      ? refuse('invalid_api_key', {})
      : refuse('report_key_only', ofClass(reported));
  }
  const { classroomKey, studentId, claim } = credential.subject;
  const contact = directory.classroom(classroomKey)?.contact;
  return refuse('unknown_student', {
    classroom: nameOfKey(classroomKey),
    contact,
    claim,
    student: studentId,
  });
}

const DEFECTS: Record<ApiKeyDefect, string> = {
  Empty: 'it is empty',
  WrongPrefix: 'it does not begin with gpc_',
  WrongLength: 'it is too short or too long',
  WrongCharacters: 'it has characters that no key has',
  WrongChecksum: 'there is a typing error in it',
};

/** The checks in order: what concerns the key first, then the seat, then the class. */
function refusalOf(found: Found | FoundSeat, nowMs: number): Refusal | undefined {
  const { record, seat } = found;
  const key = 'key' in found ? found.key : undefined;
  const classroom = nameOfKey(record.classroomKey);
  const named = { classroom, contact: seat?.classroom.contact };
  if (key !== undefined && isOver(key, seat, nowMs)) return refuse('expired_api_key', named);
  if (record.suspended) return refuse('seat_suspended', named);
  if (record.expiresAtMs !== undefined && record.expiresAtMs <= nowMs) {
    return refuse('seat_expired', { ...named, expiredAt: new Date(record.expiresAtMs).toISOString() });
  }
  if (seat === undefined) return refuse('class_not_found', named);
  return seat.shutOut;
}

/**
 * In an exam no overlap ends: nobody may be shut out of one because a key was rotated before it. One that had ended before
 * it began stays ended, also where no operator runs that takes the key off the list.
 */
function isOver({ expiresAtMs }: KeyRecord, seat: Seat | undefined, nowMs: number): boolean {
  return expiresAtMs !== undefined && expiresAtMs <= overlapMomentMs(seat?.classroom.examSinceMs, nowMs);
}

/**
 * The key or token of an `Authorization` header. The scheme's name is case-insensitive:
 * https://www.rfc-editor.org/rfc/rfc7235#section-2.1
 */
export function bearer(authorization: string | undefined): string | undefined {
  const match = authorization === undefined ? null : /^bearer +(\S.*)$/i.exec(authorization);
  return match?.[1]?.trimEnd();
}
