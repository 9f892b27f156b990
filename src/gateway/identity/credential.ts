import type { Seat } from './seat.ts';

/** Whom a token speaks of. */
export interface TokenSubject {
  /** `namespace/name` */
  readonly classroomKey: string;
  readonly studentId: string;
  /** The claim that `studentId` was in. */
  readonly claim: string;
}

/** What a student proved who they are with: enough to decide again later, without the secret itself. */
export type Credential =
  | {
      readonly via: 'key';
      /** SHA-256 of the key, hexadecimal. */
      readonly sha256: string;
    }
  | {
      readonly via: 'jwt';
      /** SHA-256 of the token, hexadecimal. */
      readonly sha256: string;
      readonly subject: TokenSubject;
    };

/** A student whose key or token was accepted. */
export interface Identity {
  readonly seat: Seat;
  readonly credential: Credential;
}
