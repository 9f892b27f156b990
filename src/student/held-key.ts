import type { KeyStatus } from '../api/student-quota.ts';
import type { Secret } from '../kube/resources.ts';
import { hashApiKey, parseApiKey } from './api-key.ts';
import {
  currentKey,
  type KeyRecord,
  type LossCause,
  latestKey,
  overlapping,
  readKeyRecord,
} from './key-record.ts';
import { apiKeyIn } from './secret.ts';

export type MissingKey =
  /** The plaintext was only in the Secret and is not there any more. */
  | { state: 'Lost'; cause: LossCause }
  /** There never was a key. */
  | { state: 'None' };

/** What has become of the student's key: the Secret holds it, or it is missing. */
export type HeldKey = { state: 'Held'; apiKey: string; record: KeyRecord } | MissingKey;

/**
 * Compares the Secret of a seat with the hashes in its status.
 *
 * The Secret is written before the status, so a key that is in the Secret and not in the status is either one whose
 * status write did not happen (the operator was killed between the two) or one that a person put there. Its record
 * tells: the former names the latest listed key as the one it replaces.
 *
 * @param secret one that belongs to the seat
 * @param keyIn where the key is in a Secret
 */
export function heldKey(
  secret: Secret | undefined,
  published: readonly KeyStatus[],
  nowMs: number,
  keyIn: (secret: Secret) => string | undefined = apiKeyIn,
): HeldKey {
  const current = currentKey(published);
  if (secret === undefined) {
    return published.length === 0 ? { state: 'None' } : { state: 'Lost', cause: 'SecretDeleted' };
  }
  const apiKey = keyIn(secret);
  if (apiKey === undefined) return { state: 'Lost', cause: 'KeyRemoved' };
  if (!parseApiKey(apiKey).ok) return { state: 'Lost', cause: 'KeyDamaged' };

  const sha256 = hashApiKey(apiKey);
  const written = readKeyRecord(secret.metadata.annotations);
  const record = written?.sha256 === sha256 ? written : undefined;
  if (current?.sha256 === sha256) {
    return { state: 'Held', apiKey, record: record ?? recordFrom(current, published, nowMs) };
  }
  const latest = latestKey(published);
  const follows = latest === undefined || record?.replaces === latest.sha256;
  return record !== undefined && follows
    ? { state: 'Held', apiKey, record }
    : { state: 'Lost', cause: 'KeyUnknown' };
}

/** The record of a key whose annotation was damaged, from what the status lists. */
function recordFrom(current: KeyStatus, published: readonly KeyStatus[], nowMs: number): KeyRecord {
  const { generation, sha256, createdTime } = current;
  return { generation, sha256, createdTime, cause: 'First', previous: overlapping(published, nowMs) };
}
