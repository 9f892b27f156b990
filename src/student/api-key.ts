import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';

/**
 * The form of a student's key: `gpc_`, 43 characters that carry 256 random bits, 6 characters of checksum.
 *
 * As in GitHub's tokens, the prefix and the checksum let secret scanners recognise a leaked key without asking
 * anybody, base62 lets a double click select all of it, and a mistyped key is told apart from a revoked one:
 * https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/
 */
export const API_KEY_PREFIX = 'gpc_';

/** Random bytes in a key: 256 bits. */
export const API_KEY_RANDOM_BYTES = 32;

/** 62^43 is just above 2^256. */
const RANDOM_LENGTH = 43;
/** 62^6 is above 2^32, the range of CRC-32. */
const CHECKSUM_LENGTH = 6;

export const API_KEY_LENGTH = API_KEY_PREFIX.length + RANDOM_LENGTH + CHECKSUM_LENGTH;

/** Finds keys in any text; what is found is a key only when {@link parseApiKey} accepts its checksum too. */
export const API_KEY_PATTERN = new RegExp(
  `\\b${API_KEY_PREFIX}[0-9A-Za-z]{${RANDOM_LENGTH + CHECKSUM_LENGTH}}\\b`,
  'g',
);

/** Why a text is not a key, in the order of the checks. */
export type ApiKeyDefect = 'Empty' | 'WrongPrefix' | 'WrongLength' | 'WrongCharacters' | 'WrongChecksum';

export type ParsedApiKey = { ok: true } | { ok: false; malformed: ApiKeyDefect };

/**
 * Makes a key.
 *
 * @param randomBytes cryptographically random: everything secret about the key
 * @throws RangeError unless there are exactly {@link API_KEY_RANDOM_BYTES}
 */
export function generateApiKey(randomBytes: Uint8Array): string {
  if (randomBytes.length !== API_KEY_RANDOM_BYTES) {
    throw new RangeError(`a key is made of ${API_KEY_RANDOM_BYTES} random bytes, not ${randomBytes.length}`);
  }
  const random = base62(BigInt(`0x${Buffer.from(randomBytes).toString('hex')}`), RANDOM_LENGTH);
  return withChecksum(API_KEY_PREFIX + random);
}

/** Whether a text has the form of a key. Says nothing of whether anybody was given it. */
export function parseApiKey(text: string): ParsedApiKey {
  const malformed = defectOf(text);
  return malformed === undefined ? { ok: true } : { ok: false, malformed };
}

/**
 * SHA-256 of a key in hexadecimal: all that anybody but the student's Secret keeps. A plain hash is enough because
 * 256 random bits cannot be guessed; a slow one would cost every request.
 */
export function hashApiKey(key: string): string {
  return hash('sha256', key);
}

/** What logs and messages may say of a key: enough to tell the keys of a class apart. */
export function publicKeyId(sha256: string): string {
  return sha256.slice(0, 12);
}

function defectOf(text: string): ApiKeyDefect | undefined {
  if (text === '') return 'Empty';
  if (!text.startsWith(API_KEY_PREFIX)) return 'WrongPrefix';
  if (text.length !== API_KEY_LENGTH) return 'WrongLength';
  if (!/^[0-9A-Za-z]+$/.test(text.slice(API_KEY_PREFIX.length))) return 'WrongCharacters';
  return withChecksum(text.slice(0, -CHECKSUM_LENGTH)) === text ? undefined : 'WrongChecksum';
}

function withChecksum(body: string): string {
  return body + base62(BigInt(crc32(body)), CHECKSUM_LENGTH);
}

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** Base 62 with leading zeros. */
function base62(value: bigint, length: number): string {
  let digits = '';
  for (let rest = value; digits.length < length; rest /= 62n)
    digits = DIGITS.charAt(Number(rest % 62n)) + digits;
  return digits;
}
