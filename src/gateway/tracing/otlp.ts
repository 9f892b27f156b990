import { type Context, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace-base';
import {
  ATTR_ERROR_TYPE,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_HTTP_ROUTE,
  ATTR_SERVICE_NAME,
  ATTR_SERVICE_VERSION,
} from '@opentelemetry/semantic-conventions';
import type { Logger } from '../../kube/log.ts';
import { VERSION } from '../../observability/version.ts';
import { formatTraceparent, parseTraceparent } from './traceparent.ts';
import type { SpanFacts, Tracing } from './tracing.ts';

export interface OtlpOptions {
  /** Where the collector takes traces, such as `http://localhost:4318/v1/traces`. */
  readonly endpoint: string;
  /** Whether a client's `traceparent` makes its trace the parent of ours. */
  readonly trustClients: boolean;
  readonly log: Logger;
}

/** A collector that is away must not hold a gateway that stops. */
const EXPORT_TIMEOUT_MS = 5_000;

/** Spans that go out with OTLP over HTTP, in batches. Loaded only where it is switched on: it is a large library. */
export function createOtlpTracing({ endpoint, trustClients, log }: OtlpOptions): Tracing {
  const exporter = reporting(new OTLPTraceExporter({ url: endpoint, timeoutMillis: EXPORT_TIMEOUT_MS }), log);
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({
      [ATTR_SERVICE_NAME]: 'gpu-classroom-gateway',
      [ATTR_SERVICE_VERSION]: VERSION,
    }),
    spanProcessors: [new BatchSpanProcessor(exporter)],
  });
  const tracer = provider.getTracer('gpu-classroom-gateway', VERSION);

  return {
    begin(method, traceparent) {
      const parent = trustClients ? contextOf(traceparent) : ROOT_CONTEXT;
      const span = tracer.startSpan(method, { kind: SpanKind.SERVER }, parent);
      return {
        traceparent: formatTraceparent(span.spanContext()),
        end: (facts) => endSpan(span, method, facts),
      };
    },
    // What could not be sent was reported when it failed.
    close: () => provider.shutdown().catch(() => {}),
  };
}

function contextOf(header: string | string[] | undefined): Context {
  const parent = parseTraceparent(header);
  return parent === undefined
    ? ROOT_CONTEXT
    : trace.setSpanContext(ROOT_CONTEXT, { ...parent, isRemote: true });
}

/** Names as https://opentelemetry.io/docs/specs/semconv/http/http-spans/ and …/gen-ai/ give them, else our own. */
function endSpan(span: Span, method: string, facts: SpanFacts): void {
  span.updateName(`${method} ${facts.endpoint}`);
  const attributes = {
    [ATTR_HTTP_REQUEST_METHOD]: method,
    [ATTR_HTTP_ROUTE]: facts.endpoint,
    [ATTR_HTTP_RESPONSE_STATUS_CODE]: facts.status,
    [ATTR_ERROR_TYPE]: facts.errorCode,
    'gen_ai.usage.input_tokens': facts.promptTokens,
    'gen_ai.usage.output_tokens': facts.completionTokens,
    'gpu_classroom.request_id': facts.requestId,
    'gpu_classroom.classroom': facts.classroom,
    'gpu_classroom.outcome': facts.outcome,
    'gpu_classroom.engine': facts.engineId,
    'gpu_classroom.queue_wait_ms': facts.queueWaitMs,
    'gpu_classroom.first_byte_ms': facts.firstByteMs,
  };
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) span.setAttribute(name, value);
  }
  // A client's mistake is no error of the server's span: see the HTTP conventions.
  if (facts.status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}

/** The SDK keeps failures to itself; an operator wants to know that traces are lost. Requests never wait for it. */
function reporting(exporter: SpanExporter, log: Logger): SpanExporter {
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        if (result.error !== undefined) {
          log.warn({ spans: spans.length, error: result.error.message }, 'Traces could not be sent');
        }
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
  };
}
