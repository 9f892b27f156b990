import { z } from 'zod';
import { API_GROUP } from '../api/group.ts';
import { KEYS_MAX, type KeyStatus, keyStatusSchema } from '../api/student-quota.ts';
import { parseJson } from '../json/parse.ts';
import { instantOf } from '../kube/instant.ts';
import { canonicalJson } from '../kube/intent.ts';

/**
 * What the Secret says of its own key, in one annotation, so that the status can always be recomputed from the
 * Secret alone. It holds hashes only.
 */
export const KEY_RECORD_ANNOTATION = `${API_GROUP}/key-record`;

/** Why a key was made. All but `First` and `Rotated` say how the plaintext of the key before it was lost. */
export const ISSUE_CAUSES = [
  'First',
  'Rotated',
  'SecretDeleted',
  'KeyRemoved',
  'KeyDamaged',
  'KeyUnknown',
] as const;

export type IssueCause = (typeof ISSUE_CAUSES)[number];
export type LossCause = Exclude<IssueCause, 'First' | 'Rotated'>;

const replacedKeySchema = keyStatusSchema.required({ expiresTime: true });

export const keyRecordSchema = keyStatusSchema.omit({ expiresTime: true }).extend({
  cause: z.enum(ISSUE_CAUSES),
  /**
   * Hash of the latest key that the status listed when this one was made. A key that the status does not list yet is
   * believed only when it follows the latest that is listed: else an old Secret put back would revive a revoked key.
   */
  replaces: keyStatusSchema.shape.sha256.optional(),
  /** Keys replaced by rotation, newest first, until their overlap ends. */
  previous: z.array(replacedKeySchema).max(KEYS_MAX - 1),
});

export type KeyRecord = z.infer<typeof keyRecordSchema>;
export type ReplacedKey = z.infer<typeof replacedKeySchema>;

/** Equal records give equal text: otherwise every pass would find a difference. */
export function writeKeyRecord(record: KeyRecord): string {
  return canonicalJson(record);
}

/** The record, or undefined when there is none that can be read. */
export function readKeyRecord(annotations: Record<string, string> | undefined): KeyRecord | undefined {
  const text = annotations?.[KEY_RECORD_ANNOTATION];
  return text === undefined ? undefined : keyRecordSchema.safeParse(parseJson(text)).data;
}

/** The listed key that neither was replaced nor has ended. */
export function currentKey(published: readonly KeyStatus[]): KeyStatus | undefined {
  return published.find((key) => key.expiresTime === undefined);
}

/** The newest of the listed keys, whether it still holds or not: the list is newest first. */
export function latestKey(published: readonly KeyStatus[]): KeyStatus | undefined {
  return published[0];
}

/**
 * The replaced keys whose overlap still runs, newest first, as many as the status has room for.
 *
 * @param atMs the moment that decides; now, or the beginning of an exam that runs
 */
export function overlapping(keys: readonly KeyStatus[], atMs: number): ReplacedKey[] {
  return keys
    .flatMap((key) =>
      key.expiresTime !== undefined && Date.parse(key.expiresTime) > atMs
        ? [{ ...key, expiresTime: key.expiresTime }]
        : [],
    )
    .slice(0, KEYS_MAX - 1);
}

/** All hashes that the gateway is to accept while this key is the student's. */
export function keysOf(record: KeyRecord, atMs: number): KeyStatus[] {
  const { generation, sha256, createdTime } = record;
  return [{ generation, sha256, createdTime }, ...overlapping(record.previous, atMs)];
}

/**
 * What is listed while there is no key: the latest one as ended now, so that it stays known as a key that does not
 * hold any more, and the replaced ones to the end of their overlap.
 */
export function withoutCurrent(
  published: readonly KeyStatus[],
  nowMs: number,
  atMs: number = nowMs,
): KeyStatus[] {
  const [latest, ...older] = published;
  if (latest === undefined) return [];
  return [{ ...latest, expiresTime: latest.expiresTime ?? instantOf(nowMs) }, ...overlapping(older, atMs)];
}
