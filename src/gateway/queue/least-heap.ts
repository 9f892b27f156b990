/** A place in a heap. Only its heap changes it. */
export interface HeapNode<T> {
  readonly item: T;
  key: number;
  /** Index in the heap. */
  position: number;
  /** Order of arrival. */
  readonly order: number;
}

/**
 * A binary heap whose least item is at hand, and any of whose items can be moved or taken out in O(log n). Of items
 * with the same key, the one that was added first is less.
 */
export class LeastHeap<T> {
  readonly #nodes: HeapNode<T>[] = [];
  #added = 0;

  get size(): number {
    return this.#nodes.length;
  }

  get least(): HeapNode<T> | undefined {
    return this.#nodes[0];
  }

  add(item: T, key: number): HeapNode<T> {
    const node = { item, key, position: this.#nodes.length, order: this.#added++ };
    this.#nodes.push(node);
    this.#rise(node);
    return node;
  }

  /** @param node of this heap */
  move(node: HeapNode<T>, key: number): void {
    node.key = key;
    this.#rise(node);
    this.#sink(node);
  }

  /** @param node of this heap; it must not be used afterwards */
  remove(node: HeapNode<T>): void {
    const last = this.#nodes.pop();
    if (last === undefined || last === node) return;
    this.#place(last, node.position);
    this.#rise(last);
    this.#sink(last);
  }

  /** Adds the same to all keys, which keeps their order. */
  shift(by: number): void {
    for (const node of this.#nodes) node.key += by;
  }

  clear(): void {
    this.#nodes.length = 0;
  }

  #rise(node: HeapNode<T>): void {
    while (node.position > 0) {
      const above = this.#nodes[(node.position - 1) >> 1];
      if (above === undefined || !precedes(node, above)) return;
      this.#swap(node, above);
    }
  }

  #sink(node: HeapNode<T>): void {
    for (;;) {
      const left = this.#nodes[2 * node.position + 1];
      const right = this.#nodes[2 * node.position + 2];
      const below = right !== undefined && left !== undefined && precedes(right, left) ? right : left;
      if (below === undefined || !precedes(below, node)) return;
      this.#swap(node, below);
    }
  }

  #swap(one: HeapNode<T>, other: HeapNode<T>): void {
    const position = one.position;
    this.#place(one, other.position);
    this.#place(other, position);
  }

  #place(node: HeapNode<T>, position: number): void {
    this.#nodes[position] = node;
    node.position = position;
  }
}

function precedes<T>(one: HeapNode<T>, other: HeapNode<T>): boolean {
  return one.key < other.key || (one.key === other.key && one.order < other.order);
}
