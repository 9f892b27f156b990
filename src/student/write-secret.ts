import type { KubeClient } from '../kube/client.ts';
import { KubeApiError } from '../kube/errors.ts';
import { differencesOf } from '../kube/intent.ts';
import { type Secret, secrets } from '../kube/resources.ts';
import { FIELD_MANAGER } from '../reconcile/field-managers.ts';

/**
 * Where no Secret was seen it is created, and where one was seen its resource version is a condition: a cached view
 * may be old, and a key that is overwritten is gone for ever.
 *
 * @returns whether there was anything to write
 */
export async function writeSecret(
  client: Pick<KubeClient, 'create' | 'apply'>,
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

/** Whether the API server has decided, so that only a person can change what it says. */
export function isRefusal(error: unknown): error is KubeApiError {
  return error instanceof KubeApiError && REFUSALS.includes(error.status);
}

/** An admission webhook may quote what it was sent: a key must not travel on in an error. */
export function withoutKey(error: unknown, apiKey: string): unknown {
  if (!(error instanceof KubeApiError)) return error;
  const encoded = Buffer.from(apiKey).toString('base64');
  const message = error.message.replaceAll(apiKey, '<key>').replaceAll(encoded, '<key>');
  const { status, reason, retryAfterMs } = error;
  return new KubeApiError({ status, reason, message, ...(retryAfterMs !== undefined && { retryAfterMs }) });
}
