import type { FieldIssue } from '../api/issue.ts';
import { servedNameOf } from '../api/model.ts';
import { parseModel } from '../api/parse.ts';
import type { KeyStatus, StudentQuotaSpec } from '../api/student-quota.ts';
import { instantOf } from '../kube/instant.ts';
import type { Secret } from '../kube/resources.ts';
import { hashApiKey } from './api-key.ts';
import { awaitsExamEnd, isRevocation, overlapsAtMs } from './exam.ts';
import { heldKey, type MissingKey } from './held-key.ts';
import {
  currentKey,
  type KeyRecord,
  keysOf,
  latestKey,
  overlapping,
  type ReplacedKey,
  withoutCurrent,
} from './key-record.ts';
import type { Seat } from './observe.ts';
import { apiKeyIn, seatSecret } from './secret.ts';

/** Why the Secret is left as it is. */
export type Hindrance =
  | { kind: 'SpecUnreadable'; issues: readonly FieldIssue[] }
  | { kind: 'DuplicateStudent'; olderSeat: string }
  | { kind: 'NameConflict' }
  | { kind: 'PredecessorSecret' }
  | { kind: 'ClassroomMissing' }
  | { kind: 'ClassroomDeleting' }
  | { kind: 'ClassroomUnreadable' };

/** What students set in their client besides the key. */
export interface ClassAccess {
  baseURL: string;
  model: string;
}

/** A new key but for its random bytes. */
export type KeyIssue = Omit<KeyRecord, 'sha256'>;

/**
 * What is to be done with the Secret of a seat. `record` is of the key that the Secret holds now, `keys` are the
 * hashes that hold as long as nothing is done.
 */
export type SeatPlan = { keys: KeyStatus[] } & (
  | { action: 'Withhold'; record: KeyRecord | undefined; hindrance: Hindrance }
  | { action: 'Keep'; record: KeyRecord; intent: Secret }
  | { action: 'Issue'; record: KeyRecord | undefined; issue: KeyIssue; access: ClassAccess }
);

/** Decides what becomes of a seat's Secret. Pure: the randomness of a new key comes later. */
export function planSeat(seat: Seat, gatewayBaseURL: string, nowMs: number): SeatPlan {
  const published = seat.quota.status?.keys ?? [];
  const { issues } = seat;
  if (issues.length > 0) return withhold({ kind: 'SpecUnreadable', issues }, undefined, published);
  const { spec } = seat.quota;
  if (seat.olderSeat !== undefined) {
    const hindrance: Hindrance = { kind: 'DuplicateStudent', olderSeat: seat.olderSeat };
    return withhold(hindrance, undefined, keysWithoutCurrent(seat, published, nowMs));
  }
  const stranger = strangerOf(seat);
  const atMs = overlapsAtMs(seat, nowMs);
  const held = heldKey(stranger === undefined ? seat.secret : undefined, published, atMs);
  const record = held.state === 'Held' ? held.record : undefined;
  const keys = record === undefined ? keysWithoutCurrent(seat, published, nowMs) : keysOf(record, atMs);
  if (stranger !== undefined) return withhold(stranger, record, keys);

  const access = classAccess(seat, gatewayBaseURL);
  if ('kind' in access) return withhold(access, record, keys);
  if (held.state !== 'Held') {
    const issue = firstOrReplacement(seat, held, published, nowMs);
    return { action: 'Issue', issue, access, record, keys };
  }
  if (isRotationDue(seat, held.record, published)) {
    return { action: 'Issue', issue: rotation(spec, held.record, nowMs), access, record, keys };
  }
  const intent = seatSecret(seat.quota, { ...access, apiKey: held.apiKey }, held.record, seat.secret);
  return { action: 'Keep', intent, record: held.record, keys };
}

/**
 * Whether the plan may let go of the key that the status lists, so that it stops working though nobody asked for a new
 * one. Such a plan must not rest on a cached view, in which the Secret may merely be missing or old.
 */
export function mayGiveUpKey(seat: Seat, plan: SeatPlan): boolean {
  if (seat.isStatusCut) return true;
  const current = currentKey(seat.quota.status?.keys ?? []);
  return current !== undefined && currentKey(plan.keys)?.sha256 !== current.sha256;
}

/**
 * What is listed while there is no key. An exam keeps what was lost in it only as long as nobody revokes it: then it counts
 * as ended when the exam began, also while something is in the way of a new key.
 */
function keysWithoutCurrent(seat: Seat, published: readonly KeyStatus[], nowMs: number): KeyStatus[] {
  const atMs = overlapsAtMs(seat, nowMs);
  if (!isRevoked(seat, published)) return withoutCurrent(published, nowMs, atMs);
  const ended = instantOf(atMs);
  const [latest, ...older] = withoutCurrent(published, nowMs);
  if (latest === undefined) return [];
  return [{ ...latest, expiresTime: earlier(latest.expiresTime ?? ended, ended) }, ...older];
}

/** Whether somebody revoked the latest key that is listed. */
function isRevoked(seat: Seat, published: readonly KeyStatus[]): boolean {
  const latest = latestKey(published);
  return (
    isRevocation(seat) && latest !== undefined && seat.quota.spec.keyRotation.generation > latest.generation
  );
}

function withhold(hindrance: Hindrance, record: KeyRecord | undefined, keys: KeyStatus[]): SeatPlan {
  return { action: 'Withhold', hindrance, record, keys };
}

/** Whose the Secret of our name is, when it is not ours. */
function strangerOf({ quota, secret }: Seat): Hindrance | undefined {
  if (secret === undefined) return undefined;
  const controller = secret.metadata.ownerReferences?.find((owner) => owner.controller === true);
  if (controller !== undefined && controller.uid === quota.metadata.uid) return undefined;
  if (controller?.kind === 'StudentQuota' && controller.name === quota.metadata.name) {
    return { kind: 'PredecessorSecret' };
  }
  // Only we could have put the listed key there: somebody took the owner reference away.
  const apiKey = controller === undefined ? apiKeyIn(secret) : undefined;
  const current = currentKey(quota.status?.keys ?? []);
  const isListed = apiKey !== undefined && hashApiKey(apiKey) === current?.sha256;
  return isListed ? undefined : { kind: 'NameConflict' };
}

function classAccess({ classroom }: Seat, gatewayBaseURL: string): ClassAccess | Hindrance {
  if (classroom === undefined) return { kind: 'ClassroomMissing' };
  if (classroom.metadata.deletionTimestamp !== undefined) return { kind: 'ClassroomDeleting' };
  const model = parseModel(classroom);
  if (model === undefined) return { kind: 'ClassroomUnreadable' };
  return { baseURL: gatewayBaseURL, model: servedNameOf(model) };
}

/**
 * A key is replaced only once it is listed in the status: so at most one key is ever ahead of the status, and its
 * record links it to what is listed.
 */
function isRotationDue(seat: Seat, record: KeyRecord, published: readonly KeyStatus[]): boolean {
  const isAskedFor = seat.quota.spec.keyRotation.generation > record.generation;
  return isAskedFor && currentKey(published)?.sha256 === record.sha256 && !awaitsExamEnd(seat, record);
}

function rotation(spec: StudentQuotaSpec, { previous, ...current }: KeyRecord, nowMs: number): KeyIssue {
  const { generation, overlapMinutes } = spec.keyRotation;
  const { sha256, createdTime } = current;
  // To the next full second, so that no overlap is shorter than asked for.
  const expiresTime = instantOf(nowMs + overlapMinutes * 60_000 + 999);
  // The newest rotation says how long any older key may work: an overlap of 0 ends them all.
  const older = previous.map((key) => ({ ...key, expiresTime: earlier(key.expiresTime, expiresTime) }));
  const replaced: ReplacedKey[] =
    overlapMinutes === 0
      ? []
      : [{ generation: current.generation, sha256, createdTime, expiresTime }, ...older];
  return {
    generation,
    createdTime: instantOf(nowMs),
    cause: 'Rotated',
    replaces: sha256,
    previous: overlapping(replaced, nowMs),
  };
}

/**
 * Keys that were replaced by rotation before go on to the end of their overlap, and the lost one ends now: in an exam all
 * of them when it is over. A revocation that was asked for meanwhile ends them all at once.
 */
function firstOrReplacement(
  seat: Seat,
  held: MissingKey,
  published: readonly KeyStatus[],
  nowMs: number,
): KeyIssue {
  const { generation } = seat.quota.spec.keyRotation;
  const latest = latestKey(published);
  const atMs = overlapsAtMs(seat, nowMs);
  return {
    generation,
    createdTime: instantOf(nowMs),
    cause: held.state === 'Lost' ? held.cause : 'First',
    ...(latest !== undefined && { replaces: latest.sha256 }),
    previous: isRevoked(seat, published) ? [] : overlapping(withoutCurrent(published, nowMs, atMs), atMs),
  };
}

function earlier(a: string, b: string): string {
  return Date.parse(a) < Date.parse(b) ? a : b;
}
