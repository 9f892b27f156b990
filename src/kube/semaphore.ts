import { createFifo } from './fifo.ts';

/** Lets only so many pieces of work run at once; the others wait in the order in which they came. */
export interface Semaphore {
  /** Runs `work` when there is room. Rejects as `work` does. */
  run<T>(work: () => Promise<T>): Promise<T>;
  /** Pieces of work that have not begun. */
  readonly waiting: number;
}

/** @param places at least 1 */
export function createSemaphore(places: number): Semaphore {
  const queue = createFifo<() => void>();
  let free = places;
  const enter = (): void | Promise<void> => {
    if (free === 0) return new Promise((resolve) => queue.push(resolve));
    free -= 1;
  };
  const leave = (): void => {
    const next = queue.shift();
    if (next === undefined) free += 1;
    else next();
  };
  return {
    async run(work) {
      await enter();
      try {
        return await work();
      } finally {
        leave();
      }
    },
    get waiting() {
      return queue.length;
    },
  };
}
