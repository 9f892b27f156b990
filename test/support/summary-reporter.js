import { writeSync } from 'node:fs';

/** Ends the run with one line that a person and a script can read: `N passed, N failed[, N skipped]`. */
export default class SummaryReporter {
  /**
   * @param {unknown} _contexts
   * @param {import('@jest/reporters').AggregatedResult} results
   */
  onRunComplete(_contexts, results) {
    const skipped = results.numPendingTests + results.numTodoTests;
    // A file that could not even be loaded holds no counted test, yet it is a failure.
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const line = `${results.numPassedTests} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
    // Jest's own reporters buffer what they write: only at the exit is everything of theirs out.
    process.once('exit', () => writeSync(process.stdout.fd, `${line}\n`));
  }
}
