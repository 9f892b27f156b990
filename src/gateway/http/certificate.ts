import { createSecureContext } from 'node:tls';
import type { Clock, Timer } from '../../kube/clock.ts';
import { describeError, type Logger } from '../../kube/log.ts';

/** A certificate with its chain, and its private key; both PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** A certificate and a key that cannot serve, in words for the one who configured them. */
export class CertificateError extends Error {}

export interface FollowedCertificate {
  /** What served first. */
  readonly first: Certificate;
  /** Reads the files as they are now. */
  readonly read: () => Promise<Certificate>;
  /** Called with each certificate that is new and can serve. */
  readonly use: (certificate: Certificate) => void;
  readonly clock: Pick<Clock, 'setTimeout'>;
  readonly log: Logger;
}

/**
 * Files are looked at, not watched: a Secret in a pod changes by the renaming of a folder above the file, which a watch
 * of the file never sees.
 */
const LOOK_EVERY_MS = 10_000;

/**
 * Gives back what fits together.
 *
 * @throws CertificateError
 */
export function checkCertificate(certificate: Certificate): Certificate {
  try {
    createSecureContext(certificate);
    return certificate;
  } catch (error) {
    // Without what was read: it holds the private key.
    const why = error instanceof Error ? error.message : 'unreadable';
    throw new CertificateError(`certificate and private key cannot be used together: ${why}`);
  }
}

/**
 * Takes over a certificate that was renewed. One that cannot serve, such as when only one of the two files was written
 * yet, is looked at again; the last good one goes on.
 *
 * @returns ends it
 */
export function followCertificate({ first, read, use, clock, log }: FollowedCertificate): () => void {
  let current = first;
  let timer: Timer | undefined;
  let ended = false;
  let complaint = '';

  const look = async (): Promise<void> => {
    try {
      const found = await read();
      if (ended || (found.cert === current.cert && found.key === current.key)) return;
      use(checkCertificate(found));
      current = found;
      complaint = '';
      log.info({}, 'The certificate was renewed');
    } catch (error) {
      const fields = describeError(error);
      // Once for each new reason, not every ten seconds.
      if (JSON.stringify(fields) !== complaint) log.error(fields, 'A new certificate cannot be used');
      complaint = JSON.stringify(fields);
    }
  };
  const schedule = (): void => {
    timer = clock.setTimeout(() => {
      void look().then(() => {
        if (!ended) schedule();
      });
    }, LOOK_EVERY_MS);
  };
  schedule();
  return () => {
    ended = true;
    timer?.cancel();
  };
}
