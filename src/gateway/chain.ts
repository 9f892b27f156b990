/** A place in a chain. Only its chain changes it. */
export interface Link<T> {
  readonly item: T;
  before: Link<T> | undefined;
  after: Link<T> | undefined;
}

/**
 * Items in the order in which they came, any of which can be taken out at once.
 *
 * For what every request enters and leaves, in the place of a `Set` or `Map`: those are copied when they have been full
 * of deleted entries, and V8 links each outgrown table to the next one. Once one such table is old, it keeps all that
 * was in the younger ones, here whole requests, until the next full collection.
 */
export class Chain<T> {
  #first: Link<T> | undefined;
  #last: Link<T> | undefined;
  #length = 0;

  get first(): T | undefined {
    return this.#first?.item;
  }

  get last(): T | undefined {
    return this.#last?.item;
  }

  get length(): number {
    return this.#length;
  }

  /** What is in it now. */
  toArray(): T[] {
    const items: T[] = [];
    for (let link = this.#first; link !== undefined; link = link.after) items.push(link.item);
    return items;
  }

  append(item: T): Link<T> {
    const link: Link<T> = { item, before: this.#last, after: undefined };
    if (this.#last === undefined) this.#first = link;
    else this.#last.after = link;
    this.#last = link;
    this.#length += 1;
    return link;
  }

  /** @param link of this chain; it must not be used afterwards */
  remove(link: Link<T>): void {
    const { before, after } = link;
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    // A link that lives on as old garbage must not keep its neighbours.
    link.before = undefined;
    link.after = undefined;
    this.#length -= 1;
  }
}
