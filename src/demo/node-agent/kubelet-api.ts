import type { ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { listenOn } from '../../http/listen.ts';
import type { Clock } from '../../kube/clock.ts';

/** Which output of a container. */
export interface LogRef {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  /** Of the start before. */
  readonly previous: boolean;
}

/** The output of one start of a container. */
export interface ContainerLog {
  /** All of it so far. */
  read(): Promise<string>;
  /** False: nothing more comes. */
  isRunning(): boolean;
}

export interface KubeletApiOptions {
  /** Of the nodes. */
  readonly address: string;
  /** PEM. The API server does not check whose it is, unless it is told to. */
  readonly certificate: { readonly cert: string; readonly key: string };
  readonly clock: Clock;
  /** Undefined: there is no such container, or it was not started. */
  readonly logOf: (ref: LogRef) => Promise<ContainerLog | undefined>;
}

/** What the API server asks of kubelets for `kubectl logs`; of one for all nodes. Nothing else is played. */
export interface KubeletApi {
  readonly port: number;
  close(): Promise<void>;
}

const LOG_PATH = /^\/containerLogs\/(?<namespace>[^/]+)\/(?<pod>[^/]+)\/(?<container>[^/]+)$/;
const POLL_MS = 200;
/** Lines have no times of their own, so what depends on them cannot be told. */
const NOT_PLAYED = ['sinceSeconds', 'sinceTime', 'timestamps', 'limitBytes'];

/** @throws Error when the address cannot be listened on */
export async function startKubeletApi(options: KubeletApiOptions): Promise<KubeletApi> {
  const server = createServer({ ...options.certificate }, (request, response) => {
    const url = new URL(request.url ?? '/', 'https://kubelet');
    answer(options, url, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else refuse(response, 500, String(error));
    });
  });
  const { port } = await listenOn(server, { host: options.address, port: 0 });
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(options: KubeletApiOptions, url: URL, response: ServerResponse): Promise<void> {
  const { namespace, pod, container } = LOG_PATH.exec(url.pathname)?.groups ?? {};
  if (namespace === undefined || pod === undefined || container === undefined) {
    return refuse(response, 404, 'the node agent plays /containerLogs alone');
  }
  const { searchParams } = url;
  const strange = NOT_PLAYED.find((name) => searchParams.has(name));
  if (strange !== undefined) return refuse(response, 400, `the node agent does not play ${strange}`);
  const previous = searchParams.get('previous') === 'true';
  const log = await options.logOf({ namespace, pod, container, previous });
  if (log === undefined) {
    const which = previous ? 'previous terminated container' : 'container';
    return refuse(response, 400, `${which} "${container}" in pod "${pod}" not found`);
  }
  const follow = searchParams.get('follow') === 'true';
  await send(log, { tailLines: searchParams.get('tailLines'), follow }, response, options.clock);
}

async function send(
  log: ContainerLog,
  { tailLines, follow }: { tailLines: string | null; follow: boolean },
  response: ServerResponse,
  clock: Clock,
): Promise<void> {
  let text = await log.read();
  response.writeHead(200, { 'content-type': 'text/plain' });
  response.write(tailLines === null ? text : lastLines(text, Number(tailLines)));
  while (follow && !response.destroyed) {
    const wasRunning = log.isRunning();
    const now = await log.read();
    if (now.length > text.length) response.write(now.slice(text.length));
    text = now;
    if (!wasRunning) break;
    await clock.sleep(POLL_MS);
  }
  response.end();
}

function lastLines(text: string, count: number): string {
  const lines = text.split(/(?<=\n)/);
  return count === 0 ? '' : lines.slice(-count).join('');
}

/** The API server passes the text on as a message. */
function refuse(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { 'content-type': 'text/plain' }).end(message);
}
