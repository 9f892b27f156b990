const [LF, CR] = [0x0a, 0x0d];

/** The first hold of a frame that came in pieces. */
const FIRST_HOLD_BYTES = 4 * 1024;

/**
 * Puts the pieces of a stream of server-sent events together to whole frames. A chunk that ends with a frame, as most
 * do, is given back as it is; only the beginning of an unfinished frame is copied and held.
 */
export class FrameBuffer {
  #held = Buffer.alloc(0);
  #heldBytes = 0;

  /** @returns the whole frames that are there now; the buffer is the caller's */
  push(chunk: Buffer): Buffer | undefined {
    if (this.#heldBytes === 0) {
      const end = lastFrameEnd(chunk, 0);
      if (end === chunk.length) return chunk;
      this.#hold(chunk.subarray(end));
      return end === 0 ? undefined : chunk.subarray(0, end);
    }
    const known = this.#heldBytes;
    this.#hold(chunk);
    const end = lastFrameEnd(this.#held.subarray(0, this.#heldBytes), known);
    return end === 0 ? undefined : this.#take(end);
  }

  /** Gives up waiting for the end of the frame: all that is held. */
  flush(): Buffer {
    return this.#take(this.#heldBytes);
  }

  /** Bytes of an unfinished frame. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  #take(end: number): Buffer {
    const taken = this.#held.subarray(0, end);
    const rest = this.#held.subarray(end, this.#heldBytes);
    this.#held = Buffer.alloc(0);
    this.#heldBytes = 0;
    if (rest.length > 0) this.#hold(rest);
    return taken;
  }

  /** Grows by doubling: an engine that sends single bytes must not cost the square of a frame's length. */
  #hold(bytes: Buffer): void {
    const needed = this.#heldBytes + bytes.length;
    if (needed > this.#held.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(FIRST_HOLD_BYTES, 2 * this.#held.length, needed));
      this.#held.copy(grown, 0, 0, this.#heldBytes);
      this.#held = grown;
    }
    bytes.copy(this.#held, this.#heldBytes);
    this.#heldBytes = needed;
  }
}

/**
 * Index after the last complete frame; 0 when there is none.
 *
 * @param from no frame ends before this index
 */
function lastFrameEnd(data: Buffer, from: number): number {
  const length = data.length;
  // By far the most chunks are exactly one or more frames.
  if (data[length - 1] === LF && data[length - 2] === LF) return length;
  for (let at = data.lastIndexOf(LF); at >= from && at > 0; at = data.lastIndexOf(LF, at - 1)) {
    if (data[at - 1] === LF || (data[at - 1] === CR && data[at - 2] === LF)) return at + 1;
  }
  return 0;
}
