/** A place in a chain. Only its chain changes it. */
export interface Link<T> {
  readonly item: T;
  before: Link<T> | undefined;
  after: Link<T> | undefined;
}

/** Items in the order in which they came, any of which can be taken out at once. */
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
    if (link.before === undefined) this.#first = link.after;
    else link.before.after = link.after;
    if (link.after === undefined) this.#last = link.before;
    else link.after.before = link.before;
    this.#length -= 1;
  }
}
