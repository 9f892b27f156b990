import { createServer, type ServerResponse } from 'node:http';
import { type BoundAddress, type ListenAddress, listenOn } from '../http/listen.ts';

/** One thing that must hold; `detail` says how it stands, in a few words. */
export interface HealthCheck {
  name: string;
  check(): { ok: boolean; detail: string };
}

export interface HealthServerOptions {
  address: ListenAddress;
  /** `/healthz`: a failure means that the process must be restarted. */
  live: readonly HealthCheck[];
  /** `/readyz`: a failure means that the process cannot do its work now. */
  ready: readonly HealthCheck[];
  /** Undefined: `/metrics` is not served. */
  metrics: { contentType: string; text(): Promise<string> } | undefined;
}

export interface HealthServer {
  readonly address: BoundAddress;
  close(): Promise<void>;
}

/**
 * Serves probes and metrics. It holds no secret and changes nothing, so it asks for no credentials.
 *
 * @throws Error when the address cannot be listened on
 */
export async function startHealthServer(options: HealthServerOptions): Promise<HealthServer> {
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    if (request.method !== 'GET' && request.method !== 'HEAD') return answer(response, 405, 'GET only\n');
    switch (path) {
      case '/healthz':
        return answerChecks(response, options.live);
      case '/readyz':
        return answerChecks(response, options.ready);
      case '/metrics':
        return void answerMetrics(response, options.metrics);
      default:
        return answer(response, 404, 'There is /healthz, /readyz and /metrics.\n');
    }
  });
  const address = await listenOn(server, options.address);
  return {
    address,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** One line a check, as the API server's own `/readyz?verbose`. */
function answerChecks(response: ServerResponse, checks: readonly HealthCheck[]): void {
  const results = checks.map(({ name, check }) => ({ name, ...check() }));
  const lines = results.map(({ name, ok, detail }) => `[${ok ? '+' : '-'}]${name} ${detail}`);
  if (lines.length === 0) lines.push('ok');
  answer(response, results.every(({ ok }) => ok) ? 200 : 503, `${lines.join('\n')}\n`);
}

async function answerMetrics(
  response: ServerResponse,
  metrics: HealthServerOptions['metrics'],
): Promise<void> {
  if (metrics === undefined) return answer(response, 404, 'Metrics are switched off by --no-metrics.\n');
  try {
    answer(response, 200, await metrics.text(), metrics.contentType);
  } catch (error) {
    answer(response, 500, `The metrics cannot be collected: ${String(error)}\n`);
  }
}

function answer(
  response: ServerResponse,
  status: number,
  body: string,
  type = 'text/plain; charset=utf-8',
): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
}
