import { type ReadDemand, readDemand } from '../../api/demand.ts';
import type { Lease } from '../../kube/resources.ts';
import { earliestAfter } from '../earliest.ts';

/** What the gateways say that students of a class want, all gateways together. */
export interface RequestDemand {
  /** Requests that engines answer now. */
  readonly inFlight: number;
  /** Requests that wait. */
  readonly queued: number;
  /** When a student asked last (epoch ms); undefined: nobody has, as far as gateways tell. */
  readonly lastAskedMs: number | undefined;
  /** Until when these counts hold if nothing else is heard (epoch ms); undefined: they are 0, or all too old. */
  readonly trustedUntilMs: number | undefined;
}

/** Clocks of two machines may differ by this much; a Lease from further ahead is not believed. */
const CLOCK_SKEW_MS = 60_000;

/**
 * Sums up the Leases of the gateways of one class. Counts hold for as long as their Lease says, so that those of a
 * gateway that died keep no GPU; when it was asked last stays true for ever.
 */
export function demandOf(leases: readonly Lease[], nowMs: number): RequestDemand {
  const said = leases
    .filter((lease) => clockAheadMs(lease, nowMs) === undefined)
    .flatMap((lease) => readDemand(lease) ?? []);
  const trusted = said
    .filter(({ inFlight, queued }) => inFlight + queued > 0)
    .map((demand) => ({ ...demand, untilMs: demand.lastAskedMs + demand.trustedSeconds * 1000 }))
    .filter(({ untilMs }) => untilMs > nowMs);
  const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);
  return {
    inFlight: sum(trusted.map(({ inFlight }) => inFlight)),
    queued: sum(trusted.map(({ queued }) => queued)),
    lastAskedMs: said.length === 0 ? undefined : Math.min(nowMs, latest(said)),
    trustedUntilMs: earliestAfter(
      nowMs,
      trusted.map(({ untilMs }) => untilMs),
    ),
  };
}

/** By how much the clock of its gateway is ahead at least (ms), where that is why a Lease is not believed. */
export function clockAheadMs(lease: Lease, nowMs: number): number | undefined {
  const aheadMs = (readDemand(lease)?.lastAskedMs ?? nowMs) - nowMs;
  return aheadMs > CLOCK_SKEW_MS ? aheadMs : undefined;
}

function latest(said: readonly ReadDemand[]): number {
  return Math.max(...said.map(({ lastAskedMs }) => lastAskedMs));
}

/**
 * How long a Lease is kept that nobody renews: a gateway that is only quiet makes its own again when it is asked, and
 * one that is gone leaves none behind for ever.
 */
const KEPT_MS = 24 * 60 * 60_000;

/** Leases that gateways left behind, and when there may be more though nothing changes (epoch ms). */
export function leftLeases(
  leases: readonly Lease[],
  nowMs: number,
): { readonly left: readonly Lease[]; readonly lookAtMs: number | undefined } {
  const ends = leases.map((lease) => ({ lease, endsMs: saidMs(lease) + KEPT_MS }));
  return {
    left: ends.filter(({ endsMs }) => endsMs <= nowMs).map(({ lease }) => lease),
    lookAtMs: earliestAfter(
      nowMs,
      ends.map(({ endsMs }) => endsMs),
    ),
  };
}

/** One that cannot be read is kept as long from when it was made. */
function saidMs(lease: Lease): number {
  const saidAtMs = readDemand(lease)?.lastAskedMs ?? Date.parse(lease.metadata.creationTimestamp ?? '');
  return Number.isNaN(saidAtMs) ? 0 : saidAtMs;
}
