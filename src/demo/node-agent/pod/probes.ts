import type { Container } from './spec.ts';

export type ProbeKind = 'startup' | 'readiness' | 'liveness';
export type Probe = NonNullable<Container['readinessProbe']>;

/** The standing of one probe of one running container. */
export interface ProbeState {
  readonly nextAtMs: number;
  readonly inFlight: boolean;
  readonly successes: number;
  readonly failures: number;
  readonly outcome: 'unknown' | 'success' | 'failure';
  readonly lastMessage?: string;
}

/** Kubernetes' defaults: https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/ */
const DEFAULT_PERIOD_SECONDS = 10;
const DEFAULT_FAILURE_THRESHOLD = 3;
const DEFAULT_TIMEOUT_SECONDS = 1;

export function probeOf(container: Container, kind: ProbeKind): Probe | undefined {
  switch (kind) {
    case 'startup':
      return container.startupProbe;
    case 'readiness':
      return container.readinessProbe;
    case 'liveness':
      return container.livenessProbe;
  }
}

/** @param pace factor on the probe's times: 0.1 makes a demo ten times as quick */
export function firstProbe(probe: Probe, startedAtMs: number, nowMs: number, pace: number): ProbeState {
  const delayMs = (probe.initialDelaySeconds ?? 0) * 1000 * pace;
  return {
    nextAtMs: Math.max(nowMs, startedAtMs + delayMs),
    inFlight: false,
    successes: 0,
    failures: 0,
    outcome: 'unknown',
  };
}

export function probeSent(state: ProbeState, probe: Probe, nowMs: number, pace: number): ProbeState {
  const periodMs = (probe.periodSeconds ?? DEFAULT_PERIOD_SECONDS) * 1000 * pace;
  return { ...state, inFlight: true, nextAtMs: nowMs + periodMs };
}

export function probeAnswered(
  state: ProbeState,
  probe: Probe,
  answer: { success: boolean; message: string },
): ProbeState {
  const successes = answer.success ? state.successes + 1 : 0;
  const failures = answer.success ? 0 : state.failures + 1;
  const outcome =
    successes >= (probe.successThreshold ?? 1)
      ? 'success'
      : failures >= (probe.failureThreshold ?? DEFAULT_FAILURE_THRESHOLD)
        ? 'failure'
        : state.outcome;
  return { ...state, inFlight: false, successes, failures, outcome, lastMessage: answer.message };
}

/** How long an answer may take. Never shortened by the pace: the process answers at its own speed. */
export function probeTimeoutMs(probe: Probe): number {
  return (probe.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS) * 1000;
}
