import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../kube/clock.ts';
import { describeError, type Logger } from '../kube/log.ts';
import { publicKeyId } from '../student/api-key.ts';
import { type Forwarded, forward, type Patience } from './answer/forward.ts';
import { type Refusal, refuse } from './errors.ts';
import { clientRequestId } from './http/client-request-id.ts';
import { REQUEST_ID_HEADER, sendJson, sendRefusal } from './http/respond.ts';
import { type Authentication, authenticate } from './identity/authenticate.ts';
import type { Identity } from './identity/credential.ts';
import type { Directory } from './identity/directory.ts';
import type { RunningRequest, RunningRequests } from './identity/running.ts';
import { type ClassroomRecord, ofClass, type Seat } from './identity/seat.ts';
import type { ReportSignIn, SignIn } from './identity/sign-in.ts';
import type { ReportReader } from './ledger/report-reader.ts';
import { usageAnswer } from './ledger/usage-answer.ts';
import { usageDaysOf } from './ledger/usage-days.ts';
import type { UsageReader } from './ledger/usage-reader.ts';
import type { Admission, Lease } from './limits/admission.ts';
import { JournalUnavailableError } from './limits/journal.ts';
import type { LimitState } from './limits/limit-state.ts';
import { QUOTA_WARNING_HEADER, quotaWarning } from './limits/quota-warning.ts';
import { rateLimitHeaders } from './limits/rate-limit-headers.ts';
import type { Settlement } from './limits/settlement.ts';
import { CLIENT_LEFT_STATUS, type GatewayMetrics } from './metrics.ts';
import { modelList, modelNamed } from './models.ts';
import type { DispatchQueue } from './queue/dispatch-queue.ts';
import { extractLines } from './report/extract-lines.ts';
import { askedDays } from './report/report-days.ts';
import { sendLines } from './report/send-lines.ts';
import { readJsonBody } from './request/body.ts';
import { droppedHeader } from './request/dropped.ts';
import {
  type EnginePath,
  MODELS_PATH,
  REPORT_PATH,
  type Route,
  routeOf,
  USAGE_PATH,
} from './request/endpoints.ts';
import { type PreparedRequest, prepareRequest, withOutputCap } from './request/prepare.ts';
import type { RequestSpan, SpanFacts, Tracing } from './tracing/tracing.ts';

export interface StudentApiOptions {
  readonly directory: Directory;
  readonly admission: Admission;
  readonly usage: UsageReader;
  /** Told after a request of a seat was booked. */
  readonly onSettled?: ((seatKey: string) => void) | undefined;
  /** Told when an engine has had a request. @param fromMs epoch ms, as `toMs` */
  readonly onEngineUsed?: ((engineId: string, fromMs: number, toMs: number) => void) | undefined;
  readonly reports: ReportReader;
  readonly reportSignIn: ReportSignIn;
  readonly queue: DispatchQueue;
  readonly running: RunningRequests;
  readonly metrics: GatewayMetrics;
  readonly clock: Clock;
  readonly log: Logger;
  readonly newRequestId: () => string;
  readonly signIn: SignIn;
  /** Absent: nobody follows requests. */
  readonly tracing?: Tracing | undefined;
  readonly patience: Patience;
  readonly maxBodyBytes: number;
}

/** Tells the client that its output cap was lowered, and to what. */
export const OUTPUT_CAP_HEADER = 'x-gateway-max-output-tokens';
/** Tells the client that it gets fewer answers than the `n` it asked for, and how many. */
export const ANSWERS_HEADER = 'x-gateway-max-answers';
/** Names what the gateway had to do without. */
export const DEGRADED_HEADER = 'x-gateway-degraded';
/** Names the fields that were dropped from the request. */
export const DROPPED_FIELDS_HEADER = 'x-gateway-dropped-fields';

const UNREADABLE_RETRY_SECONDS = 5;

/** What the log says of one request. Never a prompt, an answer or a key. */
interface Trace {
  readonly requestId: string;
  /** Absent: nobody follows requests. */
  readonly span: RequestSpan | undefined;
  endpoint: string;
  keyId?: string;
  identity?: Identity;
  /** Whose report was asked for. */
  reported?: ClassroomRecord;
  /** The student's limits as the answer shows them. */
  limits?: readonly LimitState[];
  status?: number;
  refusal?: Refusal;
  forwarded?: Forwarded;
  /** The limits were counted without the store that the replicas share. */
  degraded?: boolean | undefined;
}

/** Answers one request of a student. The promise resolves when it is over and never rejects. */
export type StudentApi = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** Key → route → body → admission → engine → settlement, in this order. */
export function createStudentApi(options: StudentApiOptions): StudentApi {
  return async (request, response) => {
    const startedMs = options.clock.monotonic();
    const span = options.tracing?.begin(request.method ?? '', request.headers.traceparent);
    const trace: Trace = { requestId: options.newRequestId(), span, endpoint: 'other' };
    // Without a listener the error of a broken connection would end the process.
    response.on('error', () => {});
    try {
      await serve(options, request, response, trace);
    } catch (error) {
      const { requestId } = trace;
      options.log.error({ requestId, ...describeError(error) }, 'A request failed in the gateway');
      if (response.headersSent) response.destroy();
      else answerRefusal(response, trace, refuse('internal_error', { requestId }));
    }
    report(options, request, trace, options.clock.monotonic() - startedMs);
  };
}

async function serve(
  options: StudentApiOptions,
  request: IncomingMessage,
  response: ServerResponse,
  trace: Trace,
): Promise<void> {
  const route = routeOf(request.method ?? '', request.url ?? '');
  if (route.kind === 'refused') return answerRefusal(response, trace, route.refusal);
  trace.endpoint = endpointOf(route);
  if (route.kind === 'report') return answerReport(options, request, response, trace, route.query);
  const signedIn = options.signIn(request);
  const identity = identify(signedIn instanceof Promise ? await signedIn : signedIn, response, trace);
  if (identity === undefined) return;
  if (route.kind !== 'engine') trace.limits = await options.admission.limitsOf(identity.seat);
  switch (route.kind) {
    case 'models':
      return answerJson(response, trace, modelList(identity.seat.classroom));
    case 'model':
      return answerModel(response, trace, identity.seat, route.model);
    case 'usage':
      return answerUsage(options, response, trace, identity.seat, trace.limits ?? []);
    case 'engine':
      return generate(options, request, response, trace, identity, route.path);
  }
}

function endpointOf(route: Exclude<Route, { kind: 'refused' }>): string {
  switch (route.kind) {
    case 'engine':
      return route.path;
    case 'usage':
      return USAGE_PATH;
    case 'report':
      return REPORT_PATH;
    case 'models':
    case 'model':
      return MODELS_PATH;
  }
}

/** To who has the key of the class's report. */
async function answerReport(
  options: StudentApiOptions,
  request: IncomingMessage,
  response: ServerResponse,
  trace: Trace,
  query: string,
): Promise<void> {
  const decision = options.reportSignIn(request);
  if (decision.sha256 !== undefined) trace.keyId = publicKeyId(decision.sha256);
  if (!decision.ok) return answerRefusal(response, trace, decision.refusal);
  const { classroom } = decision;
  trace.reported = classroom;
  const nowMs = options.clock.now();
  const asked = askedDays(query, classroom.timeZone, nowMs);
  if (!asked.ok) {
    const { why, param } = asked;
    return answerRefusal(response, trace, refuse('invalid_report_days', { why }, { param }));
  }
  const lines = extractLines({ reports: options.reports, classroom, days: asked.days, nowMs });
  try {
    // The first line comes only where the account can be read.
    const first = await lines.next();
    const isAll = await sendLines(response, answerHeaders(trace), first.value, lines);
    trace.status = isAll ? 200 : CLIENT_LEFT_STATUS;
  } catch (error) {
    if (!(error instanceof JournalUnavailableError) || response.headersSent) throw error;
    const retry = { retryAfterSeconds: UNREADABLE_RETRY_SECONDS };
    answerRefusal(response, trace, refuse('report_unreadable', ofClass(classroom), retry));
  }
}

/** @returns undefined for a request that was refused */
function identify(decision: Authentication, response: ServerResponse, trace: Trace): Identity | undefined {
  const sha256 = decision.ok ? decision.identity.credential.sha256 : decision.sha256;
  if (sha256 !== undefined) trace.keyId = publicKeyId(sha256);
  if (decision.ok) {
    trace.identity = decision.identity;
    return decision.identity;
  }
  answerRefusal(response, trace, decision.refusal);
  return undefined;
}

function answerModel(response: ServerResponse, trace: Trace, { classroom }: Seat, name: string): void {
  const model = modelNamed(classroom, name);
  if (model !== undefined) {
    answerJson(response, trace, model);
    return;
  }
  const names = modelList(classroom).data.map(({ id }) => id);
  const details = { ...ofClass(classroom), model: name, names };
  answerRefusal(response, trace, refuse('model_not_found', details, { param: 'model' }));
}

async function answerUsage(
  { usage, clock }: StudentApiOptions,
  response: ServerResponse,
  trace: Trace,
  seat: Seat,
  limits: readonly LimitState[],
): Promise<void> {
  const nowMs = clock.now();
  const student = { classroomKey: seat.classroom.key, studentId: seat.studentId };
  const days = usageDaysOf(seat.classroom.timeZone, nowMs);
  try {
    const used = await usage.usageOf(student, days);
    answerJson(response, trace, usageAnswer({ seat, limits, usage: used, days, nowMs }));
  } catch (error) {
    if (!(error instanceof JournalUnavailableError)) throw error;
    const options = { retryAfterSeconds: UNREADABLE_RETRY_SECONDS };
    answerRefusal(response, trace, refuse('usage_unreadable', ofClass(seat.classroom), options));
  }
}

async function generate(
  options: StudentApiOptions,
  request: IncomingMessage,
  response: ServerResponse,
  trace: Trace,
  identity: Identity,
  path: EnginePath,
): Promise<void> {
  const checked = await readAndCheck(options, request, response, trace, identity, path);
  if (checked === undefined) return;
  const { seat, prepared, running } = checked;
  try {
    await admitAndForward(options, response, trace, seat, prepared, running);
  } finally {
    running.remove();
  }
}

interface Checked {
  readonly seat: Seat;
  readonly prepared: PreparedRequest;
  readonly running: RunningRequest;
}

/**
 * Apart from what follows, which may take minutes: the body as it came must not be kept so long.
 *
 * @returns undefined for a request that was refused, or whose client left
 */
async function readAndCheck(
  options: StudentApiOptions,
  request: IncomingMessage,
  response: ServerResponse,
  trace: Trace,
  identity: Identity,
  path: EnginePath,
): Promise<Checked | undefined> {
  const read = await readJsonBody(request, options.maxBodyBytes);
  if (!read.ok) {
    if (read.refusal !== undefined)
      await refuseUncounted(options, response, trace, identity.seat, read.refusal);
    return undefined;
  }
  // Reading took time: the seat may have changed, or be gone.
  const decision = authenticate(identity.credential, options.directory, options.clock.now());
  if (!decision.ok) {
    answerRefusal(response, trace, decision.refusal);
    return undefined;
  }
  const { seat } = decision.identity;
  const preparation = prepareRequest(path, read.body, seat);
  if (preparation.ok) {
    return { seat, prepared: preparation.request, running: options.running.add(decision.identity) };
  }
  await refuseUncounted(options, response, trace, seat, preparation.refusal);
  return undefined;
}

/** Refuses what no limit has counted; the limits are shown all the same. */
async function refuseUncounted(
  { admission }: StudentApiOptions,
  response: ServerResponse,
  trace: Trace,
  seat: Seat,
  refusal: Refusal,
): Promise<void> {
  trace.limits = await admission.limitsOf(seat);
  answerRefusal(response, trace, refusal);
}

async function admitAndForward(
  options: StudentApiOptions,
  response: ServerResponse,
  trace: Trace,
  seat: Seat,
  prepared: PreparedRequest,
  running: RunningRequest,
): Promise<void> {
  const { admission, queue, clock, patience, metrics } = options;
  const admitted = await admission.admit(seat, prepared.cost);
  trace.limits = admitted.limits;
  trace.degraded = admitted.degraded;
  if (!admitted.ok) return answerRefusal(response, trace, admitted.refusal);
  const { lease } = admitted;
  const admittedMs = clock.now();
  const request = withOutputCap(prepared, lease.outputTokens);
  const forwarding = forward({
    request,
    seat,
    requestId: trace.requestId,
    traceparent: trace.span?.traceparent,
    response,
    headers: answerHeaders(trace, request),
    queue,
    clock,
    patience,
    settle: (settlement) => settle(options, lease, settlement),
  });
  running.forwardedBy(forwarding);
  const forwarded = await forwarding.done;
  trace.forwarded = forwarded;
  trace.status = forwarded.status ?? CLIENT_LEFT_STATUS;
  if (forwarded.refusal !== undefined) trace.refusal = forwarded.refusal;
  const { engineId, queueWaitMs = 0 } = forwarded;
  if (engineId !== undefined) options.onEngineUsed?.(engineId, admittedMs + queueWaitMs, clock.now());
  metrics.charged(forwarded.chargeBasis);
  const { firstByteMs } = forwarded;
  metrics.ended(forwarded.kind, forwarded.usage, firstByteMs === undefined ? undefined : firstByteMs / 1000);
}

/** A settlement that fails is a fault of ours that a student must not pay with a hanging answer. */
async function settle(
  { admission, onSettled, log }: StudentApiOptions,
  lease: Lease,
  settlement: Settlement,
): Promise<void> {
  try {
    await admission.settle(lease, settlement);
    onSettled?.(lease.seatKey);
  } catch (error) {
    log.error({ leaseId: lease.id, ...describeError(error) }, 'A request could not be settled');
  }
}

function answerHeaders(trace: Trace, request?: PreparedRequest): Record<string, string> {
  const headers: Record<string, string> = {
    [REQUEST_ID_HEADER]: trace.requestId,
    ...rateLimitHeaders(trace.limits ?? []),
  };
  // Of a part of a budget, what is used of the whole says nothing.
  const warning = trace.degraded ? undefined : quotaWarning(trace.limits ?? []);
  if (warning !== undefined) headers[QUOTA_WARNING_HEADER] = warning;
  if (trace.degraded) headers[DEGRADED_HEADER] = 'state-store';
  if (request?.outputLowered) headers[OUTPUT_CAP_HEADER] = String(request.cost.outputTokens);
  if (request?.answersLowered) headers[ANSWERS_HEADER] = String(request.cost.answers);
  if (request !== undefined && request.droppedFields.length > 0) {
    headers[DROPPED_FIELDS_HEADER] = droppedHeader(request.droppedFields);
  }
  return headers;
}

function answerRefusal(response: ServerResponse, trace: Trace, refusal: Refusal): void {
  trace.refusal = refusal;
  trace.status = refusal.status;
  sendRefusal(response, refusal, answerHeaders(trace), trace.endpoint);
}

function answerJson(response: ServerResponse, trace: Trace, body: unknown): void {
  trace.status = 200;
  sendJson(response, 200, JSON.stringify(body), answerHeaders(trace));
}

function report(options: StudentApiOptions, request: IncomingMessage, trace: Trace, ms: number): void {
  const { metrics, log } = options;
  metrics.answered(trace.endpoint, trace.status, ms / 1000);
  if (trace.refusal !== undefined) metrics.refused(trace.refusal.code);
  trace.span?.end(spanFactsOf(trace));
  log.info(logFieldsOf(trace, clientRequestId(request.headers[REQUEST_ID_HEADER]), ms), 'request');
}

/** What is undefined is not in the line. */
function logFieldsOf(trace: Trace, clientId: string | undefined, ms: number): object {
  const { identity, reported, forwarded } = trace;
  return {
    requestId: trace.requestId,
    clientRequestId: clientId,
    endpoint: trace.endpoint,
    status: trace.status ?? CLIENT_LEFT_STATUS,
    ms: Math.round(ms),
    keyId: trace.keyId,
    student: identity?.seat.studentId,
    classroom: (identity?.seat.classroom ?? reported)?.key,
    code: trace.refusal?.code,
    outcome: forwarded?.kind,
    engine: forwarded?.engineId,
    firstByteMs: forwarded?.firstByteMs === undefined ? undefined : Math.round(forwarded.firstByteMs),
    promptTokens: forwarded?.usage?.promptTokens,
    completionTokens: forwarded?.usage?.completionTokens,
  };
}

function spanFactsOf({ requestId, endpoint, status, identity, refusal, forwarded }: Trace): SpanFacts {
  return {
    requestId,
    endpoint,
    status: status ?? CLIENT_LEFT_STATUS,
    classroom: identity?.seat.classroom.key,
    errorCode: refusal?.code,
    outcome: forwarded?.kind,
    engineId: forwarded?.engineId,
    promptTokens: forwarded?.usage?.promptTokens,
    completionTokens: forwarded?.usage?.completionTokens,
    queueWaitMs: forwarded?.queueWaitMs,
    firstByteMs: forwarded?.firstByteMs,
  };
}
