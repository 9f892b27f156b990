import type { HealthCheck } from '../observability/health.ts';

export interface ReadinessInput {
  readonly hasSynced: boolean;
  /** Ms since the API server last said anything; 0 without one. */
  readonly ageMs: number;
  readonly maxAgeMs: number;
  readonly stopping: boolean;
  /** Why used tokens cannot be written down now, if they cannot. */
  readonly ledgerTrouble: string | undefined;
}

/**
 * Whether new requests can be answered correctly. A gateway that has not heard of the API server for long may honour
 * keys that were revoked.
 */
export function readinessOf(input: ReadinessInput): ReturnType<HealthCheck['check']> {
  const { hasSynced, ageMs, maxAgeMs, stopping, ledgerTrouble } = input;
  if (stopping) return { ok: false, detail: 'the gateway is stopping' };
  if (ledgerTrouble !== undefined) {
    return { ok: false, detail: `the account of used tokens cannot be written: ${ledgerTrouble}` };
  }
  if (!hasSynced) {
    return { ok: false, detail: 'the classes and students were not read from the API server yet' };
  }
  if (ageMs <= maxAgeMs) return { ok: true, detail: 'requests are taken' };
  const [age, limit] = [ageMs, maxAgeMs].map((ms) => Math.round(ms / 1000));
  return { ok: false, detail: `the API server has said nothing for ${age} s, the limit is ${limit} s` };
}
