/** The first address of a block is the node's own, the last is left alone. */
const FIRST_POD = 2;
const LAST_POD = 254;

/** The block of pod addresses `127.244.<number>.0/24`: on Linux all of 127.0.0.0/8 belongs to the loopback device. */
export interface AddressBlock {
  /** 0–255. */
  readonly number: number;
}

export function addressIn(block: AddressBlock, host: number): string {
  return `127.244.${block.number}.${host}`;
}

/** Gives out the pod addresses of some blocks. Does no I/O: whose the blocks are is for the caller to see to. */
export class AddressPool {
  readonly #blocks: AddressBlock[] = [];
  readonly #taken = new Set<string>();
  #next = 0;

  addBlock(block: AddressBlock): void {
    this.#blocks.push(block);
  }

  /**
   * A free address, or undefined when all are taken. One that was just released comes last: whoever still
   * remembers the old pod must not reach the new one by it.
   */
  take(): string | undefined {
    const perBlock = LAST_POD - FIRST_POD + 1;
    const size = this.#blocks.length * perBlock;
    for (let tried = 0; tried < size; tried++) {
      const index = this.#next % size;
      this.#next = index + 1;
      const block = this.#blocks[Math.floor(index / perBlock)];
      if (block === undefined) return undefined;
      const address = addressIn(block, FIRST_POD + (index % perBlock));
      if (this.#taken.has(address)) continue;
      this.#taken.add(address);
      return address;
    }
    return undefined;
  }

  release(address: string): void {
    this.#taken.delete(address);
  }
}
