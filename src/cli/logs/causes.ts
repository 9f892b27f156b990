import { explainFailure } from '../../classroom/failures/describe.ts';
import { diagnosisOfText } from '../../classroom/failures/diagnose.ts';
import { plainLog } from '../../classroom/failures/log-text.ts';

/** Why an engine fails, as a line of its log says it. */
export interface KnownCause {
  /** As in the status of the class, such as OutOfGPUMemory. */
  readonly reason: string;
  readonly what: string;
  readonly next: string;
}

/** Some causes are told over so many lines. */
const LINES_TOGETHER = 3;
/** What is no more than informed of is no cause, whatever words are in it. */
const NO_COMPLAINT = /^(?:\(\w+ pid=\d+\)\s?)*(?:INFO|DEBUG)\b/;

/** Looks for causes in a log as it comes. */
export interface CauseFinder {
  /**
   * @param line the next one, as the engine wrote it
   * @returns the cause that this line completes; undefined where there is none, or the one that was found last
   */
  read(line: string): KnownCause | undefined;
}

/** Knows what the operator knows: the signs of `docs/engine-failures.md`. */
export function createCauseFinder(): CauseFinder {
  let earlier: readonly string[] = [];
  let found: string | undefined;
  return {
    read(line) {
      if (NO_COMPLAINT.test(line)) {
        earlier = [];
        return undefined;
      }
      const together = [...earlier, line];
      earlier = together.slice(1 - LINES_TOGETHER);
      const diagnosis = diagnosisOfText(plainLog(together.join('\n')));
      if (diagnosis === undefined || diagnosis.reason === found) return undefined;
      found = diagnosis.reason;
      return { reason: diagnosis.reason, ...explainFailure(diagnosis) };
    },
  };
}
