/**
 * First in, first out, each step in the same time however much waits. `Array.shift` may move all that is left: with
 * 50,000 keys that takes seconds.
 */
export interface Fifo<T> {
  push(item: T): void;
  /** Takes the oldest; undefined when there is none. */
  shift(): T | undefined;
  readonly length: number;
}

/** An empty queue. */
export function createFifo<T>(): Fifo<T> {
  let items: (T | undefined)[] = [];
  let taken = 0;
  return {
    push: (item) => void items.push(item),
    shift() {
      if (taken === items.length) return undefined;
      const item = items[taken];
      items[taken] = undefined;
      taken += 1;
      // Moves what is left only after as many were taken: so each item is moved once or twice in all.
      if (taken * 2 >= items.length) {
        items = items.slice(taken);
        taken = 0;
      }
      return item;
    },
    get length() {
      return items.length - taken;
    },
  };
}
