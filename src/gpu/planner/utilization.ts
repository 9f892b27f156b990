import type { Slot } from '../hardware/slot.ts';
import { GIB, MIB } from '../memory/units.ts';

const USUAL = 0.9;
const SMALL = 0.85;
/** Below it the engine's excess over its budget is a larger part of the whole: more room is kept. */
export const SMALL_BELOW_MIB = 12 * 1024;
/** Of a GPU that several engines share, left to nobody. */
const SHARED_RESERVE_BYTES = 0.5 * GIB;
/** What each of those engines has outside of its budget: the CUDA context. */
const CONTEXT_BYTES = 0.55 * GIB;

/**
 * The share of the GPU that an engine may budget, where the trainer does not say. Time-slices get equal shares of what
 * is left after every engine's CUDA context: for four on an A10 0.219 and not 0.25.
 */
export function plannedUtilization(slot: Slot): number {
  const { sharing, totalMiB } = slot;
  switch (sharing.kind) {
    case 'whole':
    case 'mig': {
      const largest = roundDown(largestBudgetBytes(slot) / (totalMiB * MIB));
      return Math.max(0, Math.min(totalMiB < SMALL_BELOW_MIB ? SMALL : USUAL, largest));
    }
    case 'timeSliced': {
      const total = totalMiB * MIB;
      const budgets = total - SHARED_RESERVE_BYTES - CONTEXT_BYTES * sharing.slices;
      return Math.max(0, roundDown(budgets / (sharing.slices * total)));
    }
  }
}

/** Three decimals, never more than planned. */
function roundDown(utilization: number): number {
  return Math.floor(utilization * 1000 + 1e-6) / 1000;
}

/** Bytes that one engine may take, with everything it takes beside its budget. */
export function availableBytes({ sharing, totalMiB }: Slot): number {
  const total = totalMiB * MIB;
  switch (sharing.kind) {
    case 'whole':
    case 'mig':
      return total - RESERVE_BYTES;
    case 'timeSliced':
      return (total - SHARED_RESERVE_BYTES) / sharing.slices;
  }
}

/** Never planned for, so that a small error does not end in out-of-memory. */
const RESERVE_BYTES = 0.3 * GIB;

/**
 * The largest budget with which an engine starts: vLLM wants as much free memory at the start, when the CUDA context is
 * there already, and beside its neighbours' shares.
 */
export function largestBudgetBytes(slot: Slot): number {
  switch (slot.sharing.kind) {
    case 'whole':
    case 'mig':
      return slot.totalMiB * MIB - CONTEXT_BYTES;
    case 'timeSliced':
      return availableBytes(slot) + SHARED_RESERVE_BYTES - CONTEXT_BYTES;
  }
}
