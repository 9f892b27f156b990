/** What a span says of a request. Never a prompt, an answer, a key or a student: the request id leads to the log. */
export interface SpanFacts {
  readonly requestId: string;
  /** A path of the list, or `other`. */
  readonly endpoint: string;
  /** What the client was sent; 499 when it left before. */
  readonly status: number;
  /** `namespace/name` */
  readonly classroom?: string | undefined;
  /** Of the refusal. */
  readonly errorCode?: string | undefined;
  readonly outcome?: string | undefined;
  readonly engineId?: string | undefined;
  readonly promptTokens?: number | undefined;
  readonly completionTokens?: number | undefined;
  readonly queueWaitMs?: number | undefined;
  readonly firstByteMs?: number | undefined;
}

/** The one span of a request. */
export interface RequestSpan {
  /** For the engine: https://www.w3.org/TR/trace-context/#traceparent-header */
  readonly traceparent: string;
  /** Called once. */
  end(facts: SpanFacts): void;
}

/** Makes spans and sends them somewhere. */
export interface Tracing {
  /** @param traceparent the client's header; counts only where clients are trusted */
  begin(method: string, traceparent: string | string[] | undefined): RequestSpan;
  /** Sends what was not sent yet. */
  close(): Promise<void>;
}
