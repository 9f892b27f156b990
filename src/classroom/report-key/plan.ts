import type { Classroom, ReportKeyStatus } from '../../api/classroom.ts';
import type { KeyStatus } from '../../api/student-quota.ts';
import { instantOf } from '../../kube/instant.ts';
import type { Secret } from '../../kube/resources.ts';
import { heldKey } from '../../student/held-key.ts';
import type { IssueCause, KeyRecord } from '../../student/key-record.ts';
import { type Ownership, ownershipOf } from '../ownership.ts';
import { reportKeyIn, reportKeySecret, reportKeySecretName } from './secret.ts';

/** What one pass over the report key of a class needs to know. */
export interface ObservedReportKey {
  readonly classroom: Classroom;
  /** What has the name of our Secret, whosever it is. */
  readonly secret: Secret | undefined;
}

/** What is to be done with the Secret, and what the status says after it. */
export type ReportKeyPlan =
  /** The name is taken. */
  | { readonly action: 'Withhold'; readonly taken: Exclude<Ownership, 'ours'> }
  | { readonly action: 'Keep'; readonly intent: Secret; readonly status: ReportKeyStatus }
  /** A new key but for its random bytes. */
  | { readonly action: 'Issue'; readonly record: Omit<KeyRecord, 'sha256'>; readonly cause: IssueCause };

/** There is one key at a time: to replace it, its Secret is deleted. */
const GENERATION = 1;

/** The rules of students' keys, for a key that is never rotated with an overlap. Pure. */
export function planReportKey({ classroom, secret }: ObservedReportKey, nowMs: number): ReportKeyPlan {
  const taken = secret === undefined ? 'ours' : ownershipOf(classroom, secret);
  if (taken !== 'ours') return { action: 'Withhold', taken };
  const published = publishedKeys(classroom);
  const held = heldKey(secret, published, nowMs, reportKeyIn);
  if (held.state === 'Held') {
    const { record } = held;
    const intent = reportKeySecret(classroom, held.apiKey, record, secret);
    return { action: 'Keep', intent, status: statusOf(classroom, record) };
  }
  const cause: IssueCause = held.state === 'Lost' ? held.cause : 'First';
  const [latest] = published;
  const record = {
    generation: GENERATION,
    createdTime: instantOf(nowMs),
    cause,
    ...(latest !== undefined && { replaces: latest.sha256 }),
    previous: [],
  };
  return { action: 'Issue', record, cause };
}

/** What the gateway is to know of a key. */
export function statusOf(
  { metadata }: Classroom,
  { sha256, createdTime }: Pick<KeyRecord, 'sha256' | 'createdTime'>,
): ReportKeyStatus {
  return { secretName: reportKeySecretName(metadata.name), sha256, createdTime };
}

function publishedKeys({ status }: Classroom): KeyStatus[] {
  const { reportKey } = status ?? {};
  if (reportKey === undefined) return [];
  const { sha256, createdTime } = reportKey;
  return [{ generation: GENERATION, sha256, createdTime }];
}
