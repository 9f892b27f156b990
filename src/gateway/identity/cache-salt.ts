import { createHash, createHmac } from 'node:crypto';

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

const TAG_LENGTH = 16;

/**
 * Tells the versions of an adapter apart in the cache salt. vLLM knows cached prefixes by the adapter's name, not by its
 * weights: after another version was loaded under the name, it would go on with what the one before had computed
 * (https://github.com/vllm-project/vllm/issues/30931).
 */
export function adapterCacheTag(folder: string): string {
  return createHash('sha256').update(folder, 'utf8').digest('base64url').slice(0, TAG_LENGTH);
}

/** The salt of a student's requests to an adapter. */
export function adapterCacheSalt(salt: string, cacheTag: string): string {
  return `${salt}.${cacheTag}`;
}
