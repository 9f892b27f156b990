import { MINIMUM_GO_VERSION, type ToolName } from './versions.ts';

export type BinariesErrorReason =
  | 'Unavailable'
  | 'DownloadFailed'
  | 'ChecksumMismatch'
  | 'NoRelease'
  | 'GoNotInstalled'
  | 'GoBuildFailed'
  | 'Unusable';

/** What can go wrong when the programs of the control plane are provided; the message says what to do. */
export class BinariesError extends Error {
  readonly reason: BinariesErrorReason;

  constructor(reason: BinariesErrorReason, message: string) {
    super(message);
    this.name = 'BinariesError';
    this.reason = reason;
  }
}

/** All but `unavailable` end one way of getting a program; they are told as attempts of `unavailable` if no other way is left. */
export const binariesErrors = {
  /** `attempts`: what was tried and how it ended. */
  unavailable: (missing: readonly ToolName[], attempts: readonly string[]) =>
    new BinariesError(
      'Unavailable',
      [
        `${missing.join(', ')} could not be provided. Tried:`,
        ...attempts.map((attempt) => `  - ${attempt.replaceAll('\n', '\n    ')}`),
        'Two ways out, then run `npm run setup` again:',
        `  - install Go ${MINIMUM_GO_VERSION} or newer (https://go.dev/dl/), or`,
        '  - give it a network that reaches dl.k8s.io, github.com and get.helm.sh, or set KUBEBUILDER_ASSETS to a folder that has the programs.',
      ].join('\n'),
    ),
  downloadFailed: (url: string, why: string) =>
    new BinariesError('DownloadFailed', `${url} could not be downloaded: ${why}`),
  checksumMismatch: (url: string, expected: string, actual: string) =>
    new BinariesError(
      'ChecksumMismatch',
      `${url} is not what its publisher says: SHA-256 ${actual} instead of ${expected}. It was thrown away`,
    ),
  noChecksum: (url: string, fileName: string) =>
    new BinariesError('ChecksumMismatch', `${url} holds no SHA-256 of ${fileName}, so it cannot be verified`),
  noRelease: (tools: readonly ToolName[], platform: string) =>
    new BinariesError('NoRelease', `no official release of ${tools.join(', ')} is published for ${platform}`),
  goNotInstalled: () =>
    new BinariesError('GoNotInstalled', 'Go is not installed: there is no `go` on the PATH'),
  goBuildFailed: (exitCode: number, lastLines: string) =>
    new BinariesError('GoBuildFailed', `the build with Go ended with exit code ${exitCode}:\n${lastLines}`),
  unusable: (tool: ToolName, why: string) =>
    new BinariesError('Unusable', `the ${tool} that was got does not do on this machine: ${why}`),
};
