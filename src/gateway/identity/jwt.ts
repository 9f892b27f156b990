import { errors, type JWTPayload, jwtVerify } from 'jose';
import type { Clock } from '../../kube/clock.ts';
import { type Refusal, refuse } from '../errors.ts';
import type { TokenSubject } from './credential.ts';
import { KeysUnavailable, type TokenKeys } from './token-keys.ts';
import { CLASS_KEY, type TokenSettings } from './token-settings.ts';
import { createVerifiedTokens } from './verified-tokens.ts';

export type TokenVerdict =
  | { readonly ok: true; readonly subject: TokenSubject }
  | { readonly ok: false; readonly refusal: Refusal };

/** Finds out whom a JSON Web Token speaks of. */
export interface TokenVerifier {
  /** @param sha256 of the token, hexadecimal. At once for a token that was verified before. */
  verify(token: string, sha256: string): TokenVerdict | Promise<TokenVerdict>;
}

export interface TokenVerifierOptions {
  readonly settings: TokenSettings;
  readonly keys: TokenKeys;
  readonly clock: Pick<Clock, 'now'>;
}

/** More than all students of a school have at a time; some 300 bytes each. */
const MAX_VERIFIED = 10_000;
/** A verified token is verified again after this, so that a key which the issuer withdrew stops counting. */
const REVERIFY_MS = 10 * 60_000;
const KEYS_RETRY_SECONDS = 10;
const MAX_CLAIM_LENGTH = 256;

/** Three parts of base64url that begin as every JSON object does. */
export function looksLikeToken(text: string): boolean {
  return /^eyJ[\w-]*\.[\w-]*\.[\w-]*$/.test(text);
}

/**
 * Verifies signature, issuer, audience and times of tokens with `jose`. The algorithms are those of the settings,
 * whatever a token says of itself, and none is not among them.
 */
export function createTokenVerifier({ settings, keys, clock }: TokenVerifierOptions): TokenVerifier {
  const verified = createVerifiedTokens(MAX_VERIFIED);
  const verifyAnew = async (token: string, sha256: string): Promise<TokenVerdict> => {
    const nowMs = clock.now();
    try {
      const payload = await payloadOf(token, settings, keys, nowMs);
      const subject = subjectOf(payload, settings);
      if (subject === undefined) return refused(refuse('malformed_token', { why: missingClaim(settings) }));
      // `exp` is required, so it is there.
      const endsMs = (payload.exp ?? 0) * 1000 + settings.clockToleranceMs;
      verified.put(sha256, subject, Math.min(endsMs, nowMs + REVERIFY_MS));
      return { ok: true, subject };
    } catch (error) {
      return refused(refusalOf(error));
    }
  };
  return {
    verify(token, sha256) {
      const subject = verified.find(sha256, clock.now());
      return subject === undefined ? verifyAnew(token, sha256) : { ok: true, subject };
    },
  };
}

async function payloadOf(
  token: string,
  settings: TokenSettings,
  keys: TokenKeys,
  nowMs: number,
): Promise<JWTPayload> {
  const options = {
    issuer: settings.issuer,
    audience: settings.audience,
    algorithms: [...settings.algorithms],
    clockTolerance: settings.clockToleranceMs / 1000,
    currentDate: new Date(nowMs),
    requiredClaims: ['exp'],
  };
  try {
    return (await jwtVerify(token, keys, options)).payload;
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    // A token without a key id may be of any key of its kind.
    for await (const key of error) {
      try {
        return (await jwtVerify(token, key, options)).payload;
      } catch (inner) {
        if (!(inner instanceof errors.JWSSignatureVerificationFailed)) throw inner;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}

function subjectOf(payload: JWTPayload, settings: TokenSettings): TokenSubject | undefined {
  const studentId = textClaim(payload, settings.studentClaim);
  const classroomKey = settings.classroom ?? classOf(payload, settings.classroomClaim);
  if (studentId === undefined || classroomKey === undefined) return undefined;
  return { studentId, classroomKey, claim: settings.studentClaim };
}

function classOf(payload: JWTPayload, claim: string | undefined): string | undefined {
  const value = claim === undefined ? undefined : textClaim(payload, claim);
  return value !== undefined && CLASS_KEY.test(value) ? value : undefined;
}

function textClaim(payload: JWTPayload, claim: string): string | undefined {
  const value = Object.hasOwn(payload, claim) ? payload[claim] : undefined;
  if (typeof value !== 'string' || value === '' || value.length > MAX_CLAIM_LENGTH) return undefined;
  return value;
}

function missingClaim({ studentClaim, classroomClaim }: TokenSettings): string {
  const student = `the claim "${studentClaim}", as a text`;
  if (classroomClaim === undefined) return `it must say who you are in ${student}`;
  return `it must say who you are in ${student}, and which class you are in, as "namespace/name", in the claim "${classroomClaim}"`;
}

function refused(refusal: Refusal): TokenVerdict {
  return { ok: false, refusal };
}

/**
 * Says which check failed, and never what would have passed it.
 *
 * @throws what is no fault of the token
 */
function refusalOf(error: unknown): Refusal {
  if (error instanceof KeysUnavailable) {
    return refuse('token_keys_unavailable', {}, { retryAfterSeconds: KEYS_RETRY_SECONDS });
  }
  if (error instanceof errors.JWTExpired) return refuse('expired_token', {});
  if (error instanceof errors.JWTClaimValidationFailed) return claimRefusal(error);
  if (
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JOSEAlgNotAllowed ||
    error instanceof errors.JOSENotSupported
  ) {
    return refuse('invalid_token', {});
  }
  if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid) {
    return refuse('malformed_token', { why: 'it cannot be read' });
  }
  throw error;
}

function claimRefusal({ claim, reason }: errors.JWTClaimValidationFailed): Refusal {
  if (reason === 'missing') return refuse('malformed_token', { why: `it has no claim "${claim}"` });
  switch (claim) {
    case 'iss':
      return refuse('wrong_token_issuer', {});
    case 'aud':
      return refuse('wrong_token_audience', {});
    case 'nbf':
      return refuse('token_not_yet_valid', {});
    default:
      return refuse('malformed_token', { why: `its claim "${claim}" is wrong` });
  }
}
