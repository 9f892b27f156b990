import type { IncomingMessage, ServerResponse } from 'node:http';
import type { GatewayMetrics } from './metrics.ts';

/** Whether new requests can be answered correctly, and if not why. */
export type Readiness = { readonly ready: true } | { readonly ready: false; readonly why: string };

export interface ReadinessInput {
  readonly hasSynced: boolean;
  /** Ms since the API server last said anything; 0 without one. */
  readonly ageMs: number;
  readonly maxAgeMs: number;
  readonly stopping: boolean;
}

/** A gateway that has not heard of the API server for long may honour keys that were revoked. */
export function readinessOf({ hasSynced, ageMs, maxAgeMs, stopping }: ReadinessInput): Readiness {
  if (stopping) return { ready: false, why: 'the gateway is stopping' };
  if (!hasSynced)
    return { ready: false, why: 'the classes and students were not read from the API server yet' };
  if (ageMs <= maxAgeMs) return { ready: true };
  const [age, limit] = [ageMs, maxAgeMs].map((ms) => Math.round(ms / 1000));
  return { ready: false, why: `the API server has said nothing for ${age} s, the limit is ${limit} s` };
}

/** Answers `/healthz`, `/readyz` and `/metrics`, for the kubelet and Prometheus; never on the students' port. */
export function createHealthHandler(
  readiness: () => Readiness,
  metrics: GatewayMetrics,
): (request: IncomingMessage, response: ServerResponse) => void {
  const send = (response: ServerResponse, status: number, type: string, body: string): void => {
    response.writeHead(status, { 'content-type': type }).end(body);
  };
  return (request, response) => {
    switch (request.url) {
      case '/healthz':
        return send(response, 200, 'text/plain', 'ok\n');
      case '/readyz': {
        const state = readiness();
        return send(
          response,
          state.ready ? 200 : 503,
          'text/plain',
          state.ready ? 'ready\n' : `${state.why}\n`,
        );
      }
      case '/metrics':
        metrics.text().then(
          (text) => send(response, 200, metrics.contentType, text),
          () => send(response, 500, 'text/plain', 'the metrics could not be collected\n'),
        );
        return;
      default:
        return send(response, 404, 'text/plain', 'there are /healthz, /readyz and /metrics\n');
    }
  };
}
