/** Up to a moment, so many engines were needed. */
interface NeedStep {
  readonly engines: number;
  /** Epoch ms. */
  readonly untilMs: number;
}

/**
 * How many engines a class needed of late: a line of steps, the last of which still holds. A value, so that planning
 * stays pure; it lives in the operator's memory alone.
 */
export interface NeedHistory {
  /** As many as are needed since the last step. */
  readonly engines: number;
  /** Ever fewer engines: what less than a later step was needed before it tells nothing. */
  readonly before: readonly NeedStep[];
}

/** An operator that begins knows nothing of before: as many as run may have been needed until now. */
export function beginHistory(running: number, nowMs: number): NeedHistory {
  return { engines: 0, before: running === 0 ? [] : [{ engines: running, untilMs: nowMs }] };
}

/**
 * The history with what is needed from now on. Equal to the one before where nothing changes.
 *
 * @param windowMs what ended longer ago is forgotten
 */
export function withNeed(
  history: NeedHistory,
  engines: number,
  { nowMs, windowMs }: { nowMs: number; windowMs: number },
): NeedHistory {
  const ended = engines < history.engines ? [{ engines: history.engines, untilMs: nowMs }] : [];
  const before = [...history.before, ...ended].filter(
    (step, position, steps) =>
      step.untilMs > nowMs - windowMs &&
      step.engines > engines &&
      !steps.slice(position + 1).some((later) => later.engines >= step.engines),
  );
  return { engines, before };
}

/** The most that were needed at any time within the window. */
export function peakNeed({ engines, before }: NeedHistory, { nowMs, windowMs }: Window): number {
  return Math.max(
    engines,
    ...before.filter(({ untilMs }) => untilMs > nowMs - windowMs).map((step) => step.engines),
  );
}

/** When the peak falls though nothing changes (epoch ms); undefined: it does not. */
export function peakFallsAtMs({ before }: NeedHistory, { nowMs, windowMs }: Window): number | undefined {
  const first = before.find(({ untilMs }) => untilMs > nowMs - windowMs);
  return first === undefined ? undefined : first.untilMs + windowMs;
}

interface Window {
  readonly nowMs: number;
  readonly windowMs: number;
}
