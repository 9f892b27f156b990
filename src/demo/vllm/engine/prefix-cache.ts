/** Two 32-bit mixes side by side: 53 bits, enough that no two prefixes of a run meet. */
function mix(high: number, low: number, value: number): [number, number] {
  const nextHigh = Math.imul(high ^ value, 0x85ebca6b) ^ (high >>> 13);
  const nextLow = Math.imul(low ^ (value + 0x9e3779b9), 0xc2b2ae35) ^ (low >>> 16);
  return [nextHigh | 0, nextLow | 0];
}

/**
 * One key per full block of a prompt. A key stands for the block and all before it, and for the scope, so equal
 * prompts under different salts share nothing.
 */
export function prefixBlockKeys(
  promptTokens: readonly number[],
  scope: string,
  blockSize: number,
): readonly number[] {
  let high = 1;
  let low = 2;
  for (let index = 0; index < scope.length; index += 1) [high, low] = mix(high, low, scope.charCodeAt(index));
  const keys: number[] = [];
  for (const [index, token] of promptTokens.entries()) {
    [high, low] = mix(high, low, token);
    if ((index + 1) % blockSize === 0) keys.push((high >>> 11) * 2 ** 32 + (low >>> 0));
  }
  return keys;
}

/** Remembers which prompt prefixes are in the KV cache; the least recently used go first when it is full. */
export class PrefixCache {
  readonly #capacityBlocks: number;
  /** In order of use. */
  readonly #blocks = new Set<number>();

  constructor(capacityBlocks: number) {
    this.#capacityBlocks = capacityBlocks;
  }

  /** How many blocks from the start of the prompt are there. */
  match(keys: readonly number[]): number {
    const missing = keys.findIndex((key) => !this.#blocks.has(key));
    const found = missing < 0 ? keys.length : missing;
    for (const key of keys.slice(0, found)) this.#touch(key);
    return found;
  }

  insert(keys: readonly number[]): void {
    for (const key of keys) this.#touch(key);
    for (const oldest of this.#blocks) {
      if (this.#blocks.size <= this.#capacityBlocks) break;
      this.#blocks.delete(oldest);
    }
  }

  #touch(key: number): void {
    this.#blocks.delete(key);
    this.#blocks.add(key);
  }
}
