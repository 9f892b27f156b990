import { type ApiKeyDefect, hashApiKey, parseApiKey } from '../../student/api-key.ts';
import { type Refusal, refuse } from '../errors.ts';
import type { Directory, Found } from './directory.ts';
import { nameOfKey, type Seat } from './seat.ts';

/** A key that was accepted. */
export interface Identity {
  readonly seat: Seat;
  /** SHA-256 of the key, hexadecimal. */
  readonly sha256: string;
}

export type Authentication =
  | { readonly ok: true; readonly identity: Identity }
  /** `sha256` is there when the text had the form of a key. */
  | { readonly ok: false; readonly refusal: Refusal; readonly sha256?: string };

/**
 * Who asks, decided by the key alone: no other header and no field of the body has a say.
 *
 * @param authorization the header as it came
 * @param nowMs epoch ms
 */
export function authenticate(
  authorization: string | undefined,
  directory: Directory,
  nowMs: number,
): Authentication {
  const key = bearer(authorization);
  if (key === undefined) return { ok: false, refusal: refuse('missing_api_key', {}) };
  const form = parseApiKey(key);
  if (!form.ok) return { ok: false, refusal: refuse('malformed_api_key', { why: DEFECTS[form.malformed] }) };
  return authenticateHash(hashApiKey(key), directory, nowMs);
}

/** The same decision for a key that was seen before: for streams that are still running when something changes. */
export function authenticateHash(sha256: string, directory: Directory, nowMs: number): Authentication {
  const found = directory.find(sha256);
  if (found === undefined) return { ok: false, refusal: refuse('invalid_api_key', {}), sha256 };
  const refusal = refusalOf(found, nowMs);
  if (refusal !== undefined) return { ok: false, refusal, sha256 };
  // refusalOf has refused a seat without a class.
  if (found.seat === undefined) throw new Error(`seat ${found.record.key} has no class`);
  return { ok: true, identity: { seat: found.seat, sha256 } };
}

const DEFECTS: Record<ApiKeyDefect, string> = {
  Empty: 'it is empty',
  WrongPrefix: 'it does not begin with gpc_',
  WrongLength: 'it is too short or too long',
  WrongCharacters: 'it has characters that no key has',
  WrongChecksum: 'there is a typing error in it',
};

/** The checks in order: what concerns the key first, then the seat, then the class. */
function refusalOf({ record, key, seat }: Found, nowMs: number): Refusal | undefined {
  const classroom = nameOfKey(record.classroomKey);
  const named = { classroom, contact: seat?.classroom.contact };
  if (key.expiresAtMs !== undefined && key.expiresAtMs <= nowMs) return refuse('expired_api_key', named);
  if (record.suspended) return refuse('seat_suspended', named);
  if (record.expiresAtMs !== undefined && record.expiresAtMs <= nowMs) {
    return refuse('seat_expired', { ...named, expiredAt: new Date(record.expiresAtMs).toISOString() });
  }
  if (seat === undefined) return refuse('class_not_found', named);
  return accessRefusal(seat, named);
}

function accessRefusal(
  seat: Seat,
  named: { classroom: string; contact: string | undefined },
): Refusal | undefined {
  const { access, exam } = seat.classroom;
  switch (access) {
    case 'Open':
      return undefined;
    case 'Closed':
      return refuse('class_closed', named);
    case 'Exam': {
      const listed = exam?.students ?? [];
      const sits = listed.length === 0 || listed.includes(seat.studentId);
      return sits ? undefined : refuse('not_in_exam', named);
    }
  }
}

/** The scheme's name is case-insensitive: https://www.rfc-editor.org/rfc/rfc7235#section-2.1 */
function bearer(authorization: string | undefined): string | undefined {
  const match = authorization === undefined ? null : /^bearer +(\S.*)$/i.exec(authorization);
  return match?.[1]?.trimEnd();
}
