import { createHmac } from 'node:crypto';

/** Bytes of the secret that salts are made with; as many as the HMAC's own output. */
export const SALT_SECRET_BYTES = 32;

/**
 * The `cache_salt` of one student of one class. vLLM reuses cached prefixes only between requests of the same salt,
 * so nobody can learn from response times what a classmate asked
 * (https://docs.vllm.ai/en/latest/design/prefix_caching.html).
 *
 * Each part goes in with its length before it: `ab` + `c` and `a` + `bc` must not give the same salt.
 *
 * @param secret known to the gateway alone: who can compute a salt can probe that student's cache
 */
export function cacheSalt(secret: Uint8Array, classroomKey: string, studentId: string): string {
  const hmac = createHmac('sha256', secret);
  for (const part of [classroomKey, studentId]) {
    const bytes = Buffer.from(part, 'utf8');
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    hmac.update(length).update(bytes);
  }
  return hmac.digest('base64url');
}
