/** How an engine failed a request. */
export type EngineFault = 'unreachable' | 'failed' | 'silent';

/**
 * Whether an engine may be asked. It is out after a connection that failed, or after several other failures in a row,
 * and comes back when it answers a probe, not by trying it with a student's request.
 */
export interface Circuit {
  /** Failures since the last request that was answered. */
  readonly failures: number;
  /** For whom it failed last, when that may have been the fault of what they asked. */
  readonly failedFor: string | undefined;
  /** Times it went out since the last request that was answered: each makes the next probe wait longer. */
  readonly outages: number;
  /** When to probe it, in ms of the monotonic clock; undefined while it may be asked. */
  readonly probeAtMs: number | undefined;
}

export const CLOSED: Circuit = {
  failures: 0,
  failedFor: undefined,
  outages: 0,
  probeAtMs: undefined,
};

/** A single failure may be the request's own fault. */
const FAILURES_ALLOWED = 3;
const FIRST_PROBE_MS = 1_000;
const LONGEST_PROBE_MS = 5_000;

/** A request was answered to its end. One that was sent before the engine went out says nothing about now. */
export function answered(circuit: Circuit): Circuit {
  return circuit.probeAtMs === undefined ? CLOSED : circuit;
}

/** A request that failed. */
export interface Failure {
  readonly fault: EngineFault;
  /** Whose it was. */
  readonly student: string;
}

/**
 * A student whose request makes an engine answer 5xx can send it again and again: what fails for the same student as the
 * last failure is not counted, so that nobody takes an engine from the others.
 *
 * @param random in [0, 1)
 */
export function failed(
  circuit: Circuit,
  { fault, student }: Failure,
  nowMs: number,
  random: number,
): Circuit {
  if (circuit.probeAtMs !== undefined) return circuit;
  if (fault === 'failed' && circuit.failedFor === student) return circuit;
  const failures = circuit.failures + 1;
  // After a probe, the first request that fails ends the trial: an engine that shuts down is healthy to the last.
  const allowed = fault === 'unreachable' || circuit.outages > 0 ? 1 : FAILURES_ALLOWED;
  const counted = { ...circuit, failures, failedFor: fault === 'failed' ? student : undefined };
  return failures < allowed ? counted : out(counted, nowMs, random);
}

/** The engine answered the probe: it may be asked again, on trial. */
export function probed(circuit: Circuit): Circuit {
  return { ...circuit, failures: 0, probeAtMs: undefined };
}

/** The engine did not answer the probe. */
export function probeFailed(circuit: Circuit, nowMs: number, random: number): Circuit {
  return out(circuit, nowMs, random);
}

/** Twice as long each time, less up to half of it, so that gateways do not probe in step. */
function out(circuit: Circuit, nowMs: number, random: number): Circuit {
  const longestMs = Math.min(LONGEST_PROBE_MS, FIRST_PROBE_MS * 2 ** circuit.outages);
  return { ...circuit, outages: circuit.outages + 1, probeAtMs: nowMs + longestMs * (1 - random / 2) };
}
