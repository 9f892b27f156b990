import type { KubeClient } from '../kube/client.ts';
import { KubeApiError } from '../kube/errors.ts';
import { differencesOf } from '../kube/intent.ts';
import { type Secret, secrets } from '../kube/resources.ts';
import type { OperatorDependencies } from '../reconcile/controller.ts';
import { FIELD_MANAGER } from '../reconcile/field-managers.ts';
import { API_KEY_RANDOM_BYTES, generateApiKey, hashApiKey } from './api-key.ts';
import { type IssueCause, type KeyRecord, keysOf } from './key-record.ts';
import type { Seat } from './observe.ts';
import type { SeatPlan } from './plan.ts';
import { apiKeyIn, seatSecret } from './secret.ts';
import type { SeatOutcome } from './status.ts';

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
    const written = await writeSecret(writer, wanted.intent, seat.secret, signal);
    const outcome = { record: wanted.record, keys: keysOf(wanted.record, nowMs), obstacle: undefined };
    return { ...done, outcome, issued: wanted.issued, restored: wanted.issued === undefined && written };
  } catch (error) {
    const failure = withoutKey(error, wanted.intent);
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

/**
 * Where no Secret was seen it is created, and where one was seen its resource version is a condition: a cached view
 * may be old, and a key that is overwritten is gone for ever.
 *
 * @returns whether there was anything to write
 */
async function writeSecret(
  { client }: Pick<SecretWriter, 'client'>,
  intent: Secret,
  observed: Secret | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  const options = { fieldManager: FIELD_MANAGER, signal };
  if (observed === undefined) await client.create(secrets, intent, options);
  else if (differencesOf(intent, observed).length === 0) return false;
  else await client.apply(secrets, intent, options);
  return true;
}

/** Statuses with which the API server, a quota or an admission policy says no to the object itself. */
const REFUSALS: readonly number[] = [400, 403, 413, 422];

function isRefusal(error: unknown): error is KubeApiError {
  return error instanceof KubeApiError && REFUSALS.includes(error.status);
}

/** An admission webhook may quote what it was sent: a key must not travel on in an error. */
function withoutKey(error: unknown, intent: Secret): unknown {
  if (!(error instanceof KubeApiError)) return error;
  const apiKey = apiKeyIn(intent) ?? '';
  const encoded = Buffer.from(apiKey).toString('base64');
  const message = error.message.replaceAll(apiKey, '<key>').replaceAll(encoded, '<key>');
  const { status, reason, retryAfterMs } = error;
  return new KubeApiError({ status, reason, message, ...(retryAfterMs !== undefined && { retryAfterMs }) });
}
