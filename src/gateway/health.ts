import type { HealthCheck } from '../observability/health.ts';
import type { StateHealth } from './state.ts';

export interface ReadinessInput {
  readonly hasSynced: boolean;
  /** Ms since the API server last said anything; 0 without one. */
  readonly ageMs: number;
  readonly maxAgeMs: number;
  readonly stopping: boolean;
  readonly state: StateHealth;
}

/**
 * Whether new requests can be answered correctly. A gateway that has not heard of the API server for long may honour
 * keys that were revoked.
 */
export function readinessOf(input: ReadinessInput): ReturnType<HealthCheck['check']> {
  const { hasSynced, ageMs, maxAgeMs, stopping, state } = input;
  if (stopping) return { ok: false, detail: 'the gateway is stopping' };
  if (!state.ok) return { ok: false, detail: state.trouble ?? 'limits cannot be counted' };
  if (!hasSynced) {
    return { ok: false, detail: 'the classes and students were not read from the API server yet' };
  }
  if (ageMs <= maxAgeMs) return { ok: true, detail: state.trouble ?? 'requests are taken' };
  const [age, limit] = [ageMs, maxAgeMs].map((ms) => Math.round(ms / 1000));
  return { ok: false, detail: `the API server has said nothing for ${age} s, the limit is ${limit} s` };
}
