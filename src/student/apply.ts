import type { KubeClient } from '../kube/client.ts';
import { KubeApiError } from '../kube/errors.ts';
import type { Secret } from '../kube/resources.ts';
import type { OperatorDependencies } from '../reconcile/controller.ts';
import { API_KEY_RANDOM_BYTES, generateApiKey, hashApiKey } from './api-key.ts';
import { overlapsAtMs } from './exam.ts';
import { type IssueCause, type KeyRecord, keysOf } from './key-record.ts';
import type { Seat } from './observe.ts';
import type { SeatPlan } from './plan.ts';
import { apiKeyIn, seatSecret } from './secret.ts';
import type { SeatOutcome } from './status.ts';
import { isRefusal, withoutKey, writeSecret } from './write-secret.ts';

export type SecretWriter = Pick<OperatorDependencies, 'randomBytes'> & {
  client: Pick<KubeClient, 'create' | 'apply'>;
};

/** How the Secret stands now, and what this pass did to it. */
export interface AppliedSeat {
  outcome: SeatOutcome;
  /** Set when a key was made. */
  issued: IssueCause | undefined;
  /** The Secret was brought back to what it should hold; the key is the same. */
  restored: boolean;
  /** The API server refused the Secret: for the caller to throw once the status says so. */
  failure: KubeApiError | undefined;
}

/**
 * Carries out what the plan wants of the Secret.
 *
 * @throws KubeApiError, without a key in it, when the view was stale (see {@link isStaleView}) or there was no
 *   proper answer; a refusal is an outcome instead
 */
export async function applySeat(
  writer: SecretWriter,
  seat: Seat,
  plan: SeatPlan,
  nowMs: number,
  signal: AbortSignal,
): Promise<AppliedSeat> {
  const done = { issued: undefined, restored: false, failure: undefined };
  if (plan.action === 'Withhold') {
    const { record, keys, hindrance } = plan;
    return { ...done, outcome: { record, keys, obstacle: hindrance } };
  }
  const wanted = plan.action === 'Keep' ? { ...plan, issued: undefined } : newKey(writer, seat, plan);
  try {
    const written = await writeSecret(writer.client, wanted.intent, seat.secret, signal);
    const outcome = {
      record: wanted.record,
      keys: keysOf(wanted.record, overlapsAtMs(seat, nowMs)),
      obstacle: undefined,
    };
    return { ...done, outcome, issued: wanted.issued, restored: wanted.issued === undefined && written };
  } catch (error) {
    const failure = withoutKey(error, apiKeyIn(wanted.intent) ?? '');
    if (!isRefusal(failure)) throw failure;
    const obstacle = { kind: 'SecretRefused', detail: failure.message } as const;
    return { ...done, outcome: { record: plan.record, keys: plan.keys, obstacle }, failure };
  }
}

/** The Secret is not what the cache said: read it anew and decide again. */
export function isStaleView(error: unknown): boolean {
  return error instanceof KubeApiError && (error.isConflict || error.isNotFound);
}

interface WantedSecret {
  record: KeyRecord;
  intent: Secret;
  issued: IssueCause | undefined;
}

function newKey(
  { randomBytes }: Pick<SecretWriter, 'randomBytes'>,
  { quota, secret }: Seat,
  { issue, access }: Extract<SeatPlan, { action: 'Issue' }>,
): WantedSecret {
  const apiKey = generateApiKey(randomBytes(API_KEY_RANDOM_BYTES));
  const record = { ...issue, sha256: hashApiKey(apiKey) };
  return { record, intent: seatSecret(quota, { ...access, apiKey }, record, secret), issued: issue.cause };
}
