/** The memory of one GPU as one process sees it, who may not be alone on it. */
export interface GpuMemory {
  /** GiB that other processes hold at this moment. */
  usedByOthersGiB(): number;
  /**
   * Tells the others what this process holds: `gib`, reached evenly within `overMs` from what it held before.
   * Nobody is stopped from taking more than there is; that is for the caller to find out.
   */
  hold(gib: number, overMs?: number): void;
  /** The process ends, and what it held is free again. */
  release(): void;
}

/** A GPU on which others hold the same all the time, and on which nobody looks at what we hold. */
export function steadyNeighbours(usedByOthersGiB: number): GpuMemory {
  return { usedByOthersGiB: () => usedByOthersGiB, hold: () => {}, release: () => {} };
}
