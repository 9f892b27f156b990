/** How a command ended, as its exit code. */
export const EXIT_CODES = {
  /** It was done; of `plan`: it fits. */
  done: 0,
  /**
   * It could not be done, and standard error says why: the cluster refused or does not answer, what was named is not
   * there. As of kubectl. Node uses it too, for a fault of the program itself.
   */
  failed: 1,
  /** The command line, or a file it names, cannot be used; nothing was done. */
  usage: 2,
  /** Of `plan`: it does not fit. The plan is printed all the same. */
  doesNotFit: 3,
  /** `--timeout` passed before what `--wait` waits for came true. What was asked for is done, and goes on. */
  waitedInVain: 4,
  /** Ended by Ctrl-C, as shells count it: 128 and the number of SIGINT. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES];

/** For the documentation. */
export const EXIT_CODE_MEANINGS: readonly (readonly [code: ExitCode, meaning: string])[] = [
  [EXIT_CODES.done, 'it was done; of `plan`: it fits'],
  [
    EXIT_CODES.failed,
    'it could not be done, and standard error says why and what to do; of `doctor`: something is wrong; also a fault of the program itself',
  ],
  [EXIT_CODES.usage, 'flags, or files that they name, cannot be used: nothing was done'],
  [EXIT_CODES.doesNotFit, 'of `plan`: it does not fit; the plan is printed all the same'],
  [
    EXIT_CODES.waitedInVain,
    '`--timeout` passed before what `--wait` waits for came true; what was asked for is done and goes on',
  ],
  [EXIT_CODES.interrupted, 'ended by Ctrl-C'],
];
