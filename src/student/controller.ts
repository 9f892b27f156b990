import { isDeepStrictEqual } from 'node:util';
import { findCondition } from '../api/condition.ts';
import { EVENT_REASONS } from '../api/event-reasons.ts';
import { STUDENT_QUOTA_CONDITIONS, STUDENT_QUOTA_REASONS } from '../api/reasons.ts';
import { type StudentQuota, type StudentQuotaStatus, studentQuotas } from '../api/student-quota.ts';
import type { KubeClient } from '../kube/client.ts';
import { apiVersionOf, type KubeObject, keyOf, refOfKey } from '../kube/object.ts';
import { secrets } from '../kube/resources.ts';
import type { OperatorInformers } from '../reconcile/caches.ts';
import type { OperatorController, OperatorDependencies, ReconcilePass } from '../reconcile/controller.ts';
import { STATUS_FIELD_MANAGER } from '../reconcile/field-managers.ts';
import { publicKeyId } from './api-key.ts';
import { type AppliedSeat, applySeat, isStaleView } from './apply.ts';
import { quotaEvents, type SeatBudgets, seatBudgets } from './budgets.ts';
import { currentKey } from './key-record.ts';
import { nextLookMs } from './next-look.ts';
import { observeCached, observeLive, type Seat } from './observe.ts';
import { mayGiveUpKey, planSeat, type SeatPlan } from './plan.ts';
import { kindOfIssue, secretEvent, transitionEvents } from './seat-events.ts';
import { createSeatIndex } from './seat-index.ts';
import { type SeatStatus, seatStatus } from './status.ts';
import { connectSeats, isDeleted } from './triggers.ts';

/** What this controller uses of the operator. */
export type StudentDependencies = Pick<
  OperatorDependencies,
  'events' | 'clock' | 'log' | 'randomBytes' | 'metrics'
> & {
  client: Pick<KubeClient, 'get' | 'create' | 'apply'>;
  informers: Pick<OperatorInformers, 'classrooms' | 'studentQuotas' | 'secrets'>;
  settings: Pick<OperatorDependencies['settings'], 'gatewayBaseURL'>;
};

/**
 * Gives every StudentQuota its Secret with a key, and publishes the key's hash in the status.
 *
 * The Secret is written first and says of itself all that the status needs. So whenever the operator is killed, the
 * next pass recomputes the status from the Secret; and a hash is only ever published after its plaintext is where the
 * student finds it.
 */
export function createStudentController(deps: StudentDependencies): OperatorController {
  const { informers, client, clock, settings } = deps;
  const index = createSeatIndex(informers.studentQuotas);
  const cached = observeCached(informers, index);
  const live = observeLive(client, index);
  const plan = (seat: Seat, nowMs: number): SeatPlan => planSeat(seat, settings.gatewayBaseURL, nowMs);

  /** A pass on the cached view; undefined when that view is too old to decide on. */
  async function tryCached(seat: Seat, signal: AbortSignal): Promise<ReconcilePass | undefined> {
    if (isConflictKnown(seat.quota)) return undefined;
    const nowMs = clock.now();
    const wanted = plan(seat, nowMs);
    if (mayGiveUpKey(seat, wanted)) return undefined;
    try {
      return await carryOut(deps, seat, wanted, nowMs, signal);
    } catch (error) {
      if (isStaleView(error)) return undefined;
      throw error;
    }
  }

  return {
    name: 'student',
    connect: (enqueue) => connectSeats(informers, index, enqueue),
    keys: () => informers.studentQuotas.list().map((quota) => keyOf(quota.metadata)),
    async reconcile(key, signal) {
      const ref = refOfKey(key);
      const seat = await cached(ref, signal);
      if (seat === undefined || isDeleted(seat.quota)) return {};
      const pass = await tryCached(seat, signal);
      if (pass !== undefined) return pass;

      const current = await live(ref, signal);
      if (current === undefined || isDeleted(current.quota)) return {};
      const nowMs = clock.now();
      return carryOut(deps, current, plan(current, nowMs), nowMs, signal);
    },
  };
}

/** Secret first, status second; what happened is told as soon as it has. */
async function carryOut(
  deps: StudentDependencies,
  seat: Seat,
  plan: SeatPlan,
  nowMs: number,
  signal: AbortSignal,
): Promise<ReconcilePass> {
  const applied = await applySeat(deps, seat, plan, nowMs, signal);
  const budgets = seatBudgets(seat, nowMs);
  const status = seatStatus(seat, applied.outcome, budgets, nowMs);
  reportSecret(deps, seat.quota, applied, status);
  await publish(deps, seat.quota, status, signal);
  reportTransitions(deps, seat.quota, status, budgets);
  if (applied.failure !== undefined) throw applied.failure;

  const { keys, obstacle } = applied.outcome;
  const requeueAfterMs = nextLookMs(seat, keys, obstacle, nowMs);
  return {
    ...(requeueAfterMs !== undefined && { requeueAfterMs }),
    ...(obstacle !== undefined && { blocked: messageOf(status, STUDENT_QUOTA_CONDITIONS.ready) }),
  };
}

/** A StudentQuota as far as its status is concerned: what a status write carries. */
interface SeatStatusObject extends KubeObject {
  status?: StudentQuotaStatus;
}

/** Writes the status where it says something new. */
async function publish(
  { client, metrics }: Pick<StudentDependencies, 'client' | 'metrics'>,
  quota: StudentQuota,
  status: SeatStatus,
  signal: AbortSignal,
): Promise<void> {
  if (isDeepStrictEqual(ownStatus(quota), status)) return;
  const { name, namespace, resourceVersion } = quota.metadata;
  const intent = {
    apiVersion: apiVersionOf(studentQuotas),
    kind: studentQuotas.kind,
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      // A status from an old view must not take back what is published: the API server refuses it (409).
      ...(resourceVersion !== undefined && { resourceVersion }),
    },
    status,
  };
  const options = { fieldManager: STATUS_FIELD_MANAGER, subresource: 'status', signal } as const;
  await client.apply<SeatStatusObject>(studentQuotas, intent, options);
  metrics.objectWritten({ kind: studentQuotas.kind, verb: 'status' });
}

/** The part of the status that this controller writes; the usage is the gateway's. */
function ownStatus({ status = {} }: StudentQuota): StudentQuotaStatus {
  const { usage: _, ...own } = status;
  return own;
}

/** Tells people, logs and metrics what was written to the Secret: ids of keys, never keys. */
function reportSecret(
  { events, log, metrics }: Pick<StudentDependencies, 'events' | 'log' | 'metrics'>,
  quota: StudentQuota,
  applied: AppliedSeat,
  status: SeatStatus,
): void {
  const { issued, restored } = applied;
  const event = secretEvent(quota, applied, status.conditions);
  if (event !== undefined) events.record(quota, event);
  if (issued !== undefined || restored) metrics.objectWritten({ kind: secrets.kind, verb: 'apply' });
  if (issued === undefined) return;
  metrics.keyIssued({ cause: kindOfIssue(issued) });
  const keyId = publicKeyId(currentKey(status.keys)?.sha256 ?? '');
  log.info({ seat: keyOf(quota.metadata), keyId, cause: issued }, 'Issued a key');
}

/** Tells people what the status says now and did not say before. */
function reportTransitions(
  { events, metrics }: Pick<StudentDependencies, 'events' | 'metrics'>,
  quota: StudentQuota,
  status: SeatStatus,
  budgets: SeatBudgets | undefined,
): void {
  const { quotaWarnings: told } = quota.status ?? {};
  const quotas = budgets === undefined ? [] : quotaEvents(budgets, told, status.quotaWarnings ?? []);
  for (const event of [...transitionEvents(quota, status.conditions), ...quotas]) {
    events.record(quota, event);
    if (event.reason === EVENT_REASONS.nameConflict) metrics.nameConflict({ kind: secrets.kind });
  }
}

/** The Secret that is in the way is maybe not in the cache, which holds only what bears our label. */
function isConflictKnown({ status }: StudentQuota): boolean {
  const condition = findCondition(status?.conditions, STUDENT_QUOTA_CONDITIONS.keyIssued);
  return condition?.reason === STUDENT_QUOTA_REASONS.nameConflict;
}

function messageOf({ conditions }: SeatStatus, type: string): string {
  return findCondition(conditions, type)?.message ?? '';
}
