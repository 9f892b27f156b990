import { ABORTED } from './answer-relay.ts';
import { isAt } from './byte-mark.ts';
import { USAGE_KEY } from './usage.ts';

const [LF, CR, LETTER_A, LETTER_B, LETTER_U] = [0x0a, 0x0d, 0x61, 0x62, 0x75];
const USAGE_LETTER_AT = USAGE_KEY.indexOf(LETTER_U);
const ABORTED_LETTER_AT = ABORTED.indexOf(LETTER_B);

/**
 * Finds in one pass where a frame ends and whether it has one of the few marks that matter. A search for each of them
 * with `Buffer.indexOf` takes several times as long: frames are short, and every call costs more than its search.
 */
export class FrameScan {
  /** Index after the frame's empty line, or the end of the data. */
  end = 0;
  /** Of the frame's last key `usage`, or a text that reads so; -1 when there is none. */
  usageKey = -1;
  /** Where the frame says that the engine was stopped; -1 when it does not. */
  abortedAt = -1;

  scan(data: Buffer, start: number): void {
    this.usageKey = -1;
    this.abortedAt = -1;
    const length = data.length;
    for (let at = start; at < length; at++) {
      const byte = data[at];
      if (byte === LF) {
        const lineEnd = data[at + 1] === CR ? at + 2 : at + 1;
        if (data[lineEnd] !== LF) continue;
        this.end = lineEnd + 1;
        return;
      }
      if (byte === LETTER_U) {
        if (isAt(data, at - USAGE_LETTER_AT, USAGE_KEY)) this.usageKey = at - USAGE_LETTER_AT;
      } else if (byte === LETTER_B && data[at - 1] === LETTER_A) {
        if (isAt(data, at - ABORTED_LETTER_AT, ABORTED)) this.abortedAt = at - ABORTED_LETTER_AT;
      }
    }
    this.end = length;
  }
}
