import type { Clock } from '../../kube/clock.ts';
import { hashApiKey, parseApiKey } from '../../student/api-key.ts';
import { type ErrorCode, refuse } from '../errors.ts';
import type { ClientAddress, ClientRequest } from '../http/client-address.ts';
import { type Authentication, authenticate, authenticateKey, bearer } from './authenticate.ts';
import type { Directory } from './directory.ts';
import type { FailedAttempts } from './failed-attempts.ts';
import { looksLikeToken, type TokenVerdict, type TokenVerifier } from './jwt.ts';
import { type ClassroomRecord, ofClass } from './seat.ts';

export interface SignInOptions {
  readonly directory: Directory;
  readonly clock: Pick<Clock, 'now'>;
  /** False until the directory is complete: an unknown key may then be one that was not read yet. */
  readonly isSynced: () => boolean;
  /** Absent: only keys are accepted. */
  readonly tokens: TokenVerifier | undefined;
  readonly failedAttempts: FailedAttempts;
  readonly clientAddress: ClientAddress;
}

/** Who sends a request. At once for keys and for tokens that were verified before. */
export type SignIn = (request: ClientRequest) => Authentication | Promise<Authentication>;

/** Who asks for a report. */
export type ReportAuthentication =
  | { readonly ok: true; readonly classroom: ClassroomRecord; readonly sha256: string }
  | Failure;
type Failure = Extract<Authentication, { ok: false }>;

export type ReportSignIn = (request: ClientRequest) => ReportAuthentication;

const STARTING_RETRY_SECONDS = 3;

/** What a directory that is still being read may be wrong about. */
const MAY_BE_UNREAD: ReadonlySet<ErrorCode> = new Set([
  'invalid_api_key',
  'class_not_found',
  'unknown_student',
]);

/** What somebody who has no key, and tries some, would hear. */
const GUESSES: ReadonlySet<ErrorCode> = new Set([
  'malformed_api_key',
  'invalid_api_key',
  'malformed_token',
  'invalid_token',
  'wrong_token_issuer',
  'wrong_token_audience',
]);

/** Key or token → seat; what fails is counted by the client's address. */
export function createSignIn(options: SignInOptions): SignIn {
  const { directory, clock, tokens } = options;
  return (request) => {
    const secret = secretOf(request);
    if (secret === undefined) return { ok: false, refusal: refuse('missing_api_key', {}) };
    if (tokens === undefined || !looksLikeToken(secret)) {
      return checked(options, request, authenticateKey(secret, directory, clock.now()));
    }
    const sha256 = hashApiKey(secret);
    const decide = (verdict: TokenVerdict): Authentication =>
      checked(
        options,
        request,
        verdict.ok
          ? authenticate({ via: 'jwt', sha256, subject: verdict.subject }, directory, clock.now())
          : { ok: false, refusal: verdict.refusal, sha256 },
      );
    const verdict = tokens.verify(secret, sha256);
    return verdict instanceof Promise ? verdict.then(decide) : decide(verdict);
  };
}

function secretOf(request: ClientRequest): string | undefined {
  return bearer(request.headers.authorization) ?? keyOfAnthropicClient(request);
}

/** Report key → class; what fails is counted by the client's address. */
export function createReportSignIn(options: SignInOptions): ReportSignIn {
  const { directory, clock } = options;
  return (request) => {
    const secret = secretOf(request);
    if (secret === undefined) return { ok: false, refusal: refuse('missing_api_key', {}) };
    const form = parseApiKey(secret);
    const classroom = form.ok ? directory.classroomOfReportKey(hashApiKey(secret)) : undefined;
    if (classroom !== undefined) return { ok: true, classroom, sha256: hashApiKey(secret) };
    const student = authenticateKey(secret, directory, clock.now());
    if (!student.ok) return failure(options, request, student);
    const { credential, seat } = student.identity;
    return {
      ok: false,
      refusal: refuse('report_key_needed', ofClass(seat.classroom)),
      sha256: credential.sha256,
    };
  };
}

/** Anthropic's clients send the key in a header of its own. `Authorization` goes first where both are there. */
function keyOfAnthropicClient({ headers }: ClientRequest): string | undefined {
  const key = headers['x-api-key'];
  return typeof key === 'string' && key !== '' ? key : undefined;
}

function checked(options: SignInOptions, request: ClientRequest, decision: Authentication): Authentication {
  return decision.ok ? decision : failure(options, request, decision);
}

/** A refusal that may be wrong becomes one that says so, and a guess too many one that says nothing else. */
function failure(
  { isSynced, failedAttempts, clientAddress }: SignInOptions,
  request: ClientRequest,
  decision: Failure,
): Failure {
  const { code } = decision.refusal;
  if (MAY_BE_UNREAD.has(code) && !isSynced()) {
    return {
      ...decision,
      refusal: refuse('gateway_starting', {}, { retryAfterSeconds: STARTING_RETRY_SECONDS }),
    };
  }
  if (!GUESSES.has(code)) return decision;
  const retryAfterSeconds = failedAttempts.count(clientAddress(request));
  if (retryAfterSeconds === undefined) return decision;
  return { ...decision, refusal: refuse('too_many_failed_attempts', {}, { retryAfterSeconds }) };
}
