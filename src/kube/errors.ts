/** What a Kubernetes `Status` answer says, plus what happens below HTTP. */
export interface KubeApiErrorInit {
  /** HTTP status, or 0 when there was no answer at all. */
  status: number;
  /**
   * Kubernetes reason (`NotFound`, `Conflict`, `Expired` …), or, with status 0, one of ours: `Unreachable`,
   * `DeadlineExceeded`, `Aborted`, `CredentialsUnavailable`, `InvalidBody`, `LineTooLong`.
   */
  reason: string;
  message: string;
  /** Of the Status; of a raw call that was answered without one, the text of the answer. */
  details?: unknown;
  /** From `Retry-After`, in ms. */
  retryAfterMs?: number;
  cause?: unknown;
}

/** Every failure of a call to the API server. Its message never holds headers, tokens or bodies of Secrets. */
export class KubeApiError extends Error {
  readonly status: number;
  readonly reason: string;
  readonly details: unknown;
  readonly retryAfterMs: number | undefined;

  constructor(init: KubeApiErrorInit) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause });
    this.name = 'KubeApiError';
    this.status = init.status;
    this.reason = init.reason;
    this.details = init.details;
    this.retryAfterMs = init.retryAfterMs;
  }

  get isNotFound(): boolean {
    return this.status === 404;
  }

  get isConflict(): boolean {
    return this.status === 409;
  }

  /** 410: the resource version or continue token is too old; only a fresh list helps. */
  get isExpired(): boolean {
    return this.status === 410;
  }
}
