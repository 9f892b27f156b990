/** How a command ended, as its exit code. 1 is left to Node: a fault of the program itself. */
export const EXIT_CODES = {
  /** It was done; of `plan`: it fits. */
  done: 0,
  /** The command line, or a file it names, cannot be used; nothing was done. */
  usage: 2,
  /** Of `plan`: it does not fit. The plan is printed all the same. */
  doesNotFit: 3,
} as const;

export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES];
