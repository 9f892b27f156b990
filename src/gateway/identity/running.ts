import { isDeepStrictEqual } from 'node:util';
import { Chain, type Link } from '../chain.ts';
import { type ErrorCode, type Refusal, refuse } from '../errors.ts';
import { type Authentication, authenticate } from './authenticate.ts';
import type { Credential, Identity } from './credential.ts';
import type { Directory } from './directory.ts';
import { type ClassroomRecord, ofClass } from './seat.ts';

/** What ends a request on its way to an engine, or back. */
export interface Endable {
  end(refusal: Refusal): void;
  /** No engine has it yet. */
  readonly waiting: boolean;
}

/** One request between authentication and its end. */
export interface RunningRequest {
  /** Why it must end, once something said so. */
  readonly ended: Refusal | undefined;
  /** Says who is to end it when it must; that happens at once when it was decided already. */
  forwardedBy(forwarding: Endable): void;
  /** The request is over. */
  remove(): void;
}

/** The requests that run now, by seat: ended as soon as their key or their seat no longer counts. */
export interface RunningRequests {
  add(identity: Identity): RunningRequest;
  /** Ends all that no engine has yet. */
  endWaiting(refusal: Refusal): void;
  /** Ends all that run, for a shutdown. */
  endAll(refusal: Refusal): void;
  readonly size: number;
}

/**
 * What ends a request that runs already. A key that a rotation has outdated, a token that expires, and a class that
 * closes only stop new requests: nobody loses the answer they are reading because a lesson is over.
 */
const ENDING: ReadonlySet<ErrorCode> = new Set([
  'invalid_api_key',
  'unknown_student',
  'seat_suspended',
  'seat_expired',
  'class_not_found',
]);

/**
 * What ends a request that no engine has yet: a class that is closed by hand, or an exam that begins without the
 * student. The end of a session ends none: what came in time is served.
 */
const ENDING_WAITING: ReadonlySet<ErrorCode> = new Set(['class_closed', 'not_in_exam']);

/** OpenAI's clients then send it again by themselves. */
const EXAM_BEGAN_RETRY_SECONDS = 1;

/** @param now epoch ms */
export function createRunningRequests(directory: Directory, now: () => number): RunningRequests {
  const running = new Chain<Running>();

  directory.subscribe((seatKeys) => {
    const changed = new Set(seatKeys);
    for (const request of running.toArray()) {
      if (!changed.has(request.seatKey)) continue;
      const { credential, classroom } = request;
      const decision = authenticate(credential, directory, now());
      const refusal = whyEnded(request, decision, directory.classroom(classroom.key));
      if (refusal !== undefined) request.end(refusal);
    }
  });

  return {
    add: (identity) => new Running(running, identity),
    endWaiting(refusal) {
      for (const request of running.toArray()) if (request.waiting) request.end(refusal);
    },
    endAll(refusal) {
      for (const request of running.toArray()) request.end(refusal);
    },
    get size() {
      return running.length;
    },
  };
}

/** Undefined: it goes on. @param now the class of the request */
function whyEnded(
  { waiting, classroom }: Running,
  decision: Authentication,
  now: ClassroomRecord | undefined,
): Refusal | undefined {
  if (!decision.ok) {
    const { code } = decision.refusal;
    if (ENDING.has(code) || (waiting && ENDING_WAITING.has(code))) return decision.refusal;
  }
  if (!waiting || now === undefined || isUnderRulesOf(now, classroom)) return undefined;
  return refuse('exam_began', ofClass(now), { retryAfterSeconds: EXAM_BEGAN_RETRY_SECONDS });
}

/** Whether a request that was checked before goes by the rules of the exam that is on now, if one is. */
function isUnderRulesOf(now: ClassroomRecord, before: ClassroomRecord): boolean {
  return now.access !== 'Exam' || isDeepStrictEqual(examRules(now), examRules(before));
}

/** What an exam says of requests: who sits it is decided for each anew. */
function examRules({ access, exam }: ClassroomRecord): object | undefined {
  return access === 'Exam' ? { ...exam, students: [] } : undefined;
}

class Running implements RunningRequest {
  readonly seatKey: string;
  /** As it was when the request was checked. */
  readonly classroom: ClassroomRecord;
  readonly credential: Credential;
  readonly #running: Chain<Running>;
  #link: Link<Running> | undefined;
  #ended: Refusal | undefined;
  #forwarding: Endable | undefined;

  constructor(running: Chain<Running>, { seat, credential }: Identity) {
    this.seatKey = seat.key;
    this.classroom = seat.classroom;
    this.credential = credential;
    this.#running = running;
    this.#link = running.append(this);
  }

  get ended(): Refusal | undefined {
    return this.#ended;
  }

  /** No engine has it yet. */
  get waiting(): boolean {
    return this.#forwarding?.waiting !== false;
  }

  forwardedBy(forwarding: Endable): void {
    this.#forwarding = forwarding;
    if (this.#ended !== undefined) forwarding.end(this.#ended);
  }

  end(refusal: Refusal): void {
    if (this.#ended !== undefined) return;
    this.#ended = refusal;
    this.#forwarding?.end(refusal);
  }

  remove(): void {
    if (this.#link === undefined) return;
    this.#running.remove(this.#link);
    this.#link = undefined;
  }
}
