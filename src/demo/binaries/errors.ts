import { MINIMUM_GO_VERSION, type ToolName } from './versions.ts';

/** What can go wrong when the programs of the control plane are provided; the message says what to do. */
export class BinariesError extends Error {
  readonly reason: 'Unavailable';

  constructor(reason: BinariesError['reason'], message: string) {
    super(message);
    this.name = 'BinariesError';
    this.reason = reason;
  }
}

export const binariesErrors = {
  /** `attempts`: one line for each thing that was tried and how it ended. */
  unavailable: (missing: readonly ToolName[], attempts: readonly string[]) =>
    new BinariesError(
      'Unavailable',
      [
        `${missing.join(', ')} could not be provided. Tried:`,
        ...attempts.map((attempt) => `  - ${attempt}`),
        'Two ways out:',
        `  - install Go ${MINIMUM_GO_VERSION} or newer (https://go.dev/dl/) and run \`npm run setup\` again, or`,
        '  - run it with a network that reaches dl.k8s.io, github.com and get.helm.sh, or set KUBEBUILDER_ASSETS to a folder that has the programs.',
      ].join('\n'),
    ),
};
