/** One doubling delay, as a kubelet keeps it per container and per image. */
export interface BackOff {
  readonly delayMs: number;
  /** When it was last doubled. */
  readonly updatedAtMs: number;
}

export interface BackOffRange {
  readonly initialMs: number;
  readonly maxMs: number;
}

/**
 * A kubelet's restart back-off: the first restart is immediate, then 10 s, 20 s … 5 min, and a container that ran
 * for twice the maximum starts afresh.
 * https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/kuberuntime/kuberuntime_manager.go (`doBackOff`),
 * https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#restart-policy
 */
export function restartAt(
  backOff: BackOff | undefined,
  finishedAtMs: number,
  range: BackOffRange,
): { atMs: number; delayMs: number } {
  if (backOff === undefined || isOver(backOff, finishedAtMs, range))
    return { atMs: finishedAtMs, delayMs: 0 };
  return { atMs: finishedAtMs + backOff.delayMs, delayMs: backOff.delayMs };
}

/** The back-off after a restart has been made at `nowMs`. */
export function nextBackOff(
  backOff: BackOff | undefined,
  finishedAtMs: number,
  nowMs: number,
  range: BackOffRange,
): BackOff {
  const delayMs =
    backOff === undefined || isOver(backOff, finishedAtMs, range)
      ? range.initialMs
      : Math.min(range.maxMs, backOff.delayMs * 2);
  return { delayMs, updatedAtMs: nowMs };
}

function isOver(backOff: BackOff, finishedAtMs: number, range: BackOffRange): boolean {
  return finishedAtMs - backOff.updatedAtMs > 2 * range.maxMs;
}

/** `10s`, `1m20s`, `5m0s`: durations as Go, and so a kubelet's messages, write them. */
export function goDuration(ms: number): string {
  const seconds = Number((ms / 1000).toFixed(3));
  if (seconds < 60) return `${seconds}s`;
  return `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
