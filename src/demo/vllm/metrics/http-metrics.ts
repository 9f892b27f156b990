import type { Cell, HistogramCell, Registry, Series } from './exposition.ts';

const FINE = [
  0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 7.5, 10, 30, 60,
];

/** One answered request. */
export interface HttpObservation {
  /** The route's pattern, `none` for unknown paths. */
  readonly handler: string;
  readonly method: string;
  readonly status: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly seconds: number;
}

/** The `http_` metrics of prometheus_fastapi_instrumentator, which vLLM mounts. */
export class HttpMetrics {
  readonly #requests: Series<Cell>;
  readonly #requestBytes: Series<HistogramCell>;
  readonly #responseBytes: Series<HistogramCell>;
  readonly #fine: HistogramCell;
  readonly #byHandler: Series<HistogramCell>;

  constructor(registry: Registry) {
    this.#requests = registry.counter(
      'http_requests_total',
      'Total number of requests by method, status and handler.',
    );
    const size = (direction: string): string =>
      `Content length of ${direction} by handler. Only value of header is respected. Otherwise ignored. No percentile calculated. `;
    this.#requestBytes = registry.summary('http_request_size_bytes', size('incoming requests'));
    this.#responseBytes = registry.summary('http_response_size_bytes', size('outgoing responses'));
    this.#fine = registry
      .histogram(
        'http_request_duration_highr_seconds',
        'Latency with many buckets but no API specific labels. Made for more accurate percentile calculations. ',
        FINE,
      )
      .with({});
    this.#byHandler = registry.histogram(
      'http_request_duration_seconds',
      'Latency with only few buckets by handler. Made to be only used if aggregation by handler is important. ',
      [0.1, 0.5, 1],
    );
  }

  observe({ handler, method, status, requestBytes, responseBytes, seconds }: HttpObservation): void {
    const group = `${Math.floor(status / 100)}xx`;
    this.#requests.with({ handler, method, status: group }).value += 1;
    this.#requestBytes.with({ handler }).observe(requestBytes);
    this.#responseBytes.with({ handler }).observe(responseBytes);
    this.#fine.observe(seconds);
    this.#byHandler.with({ handler, method }).observe(seconds);
  }
}
