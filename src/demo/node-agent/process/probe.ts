import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import type { Clock } from '../../../kube/clock.ts';
import type { Pod } from '../../../kube/resources.ts';
import { type Probe, probeTimeoutMs } from '../pod/probes.ts';
import { type Container, containersOf } from '../pod/spec.ts';

export interface ProbeAnswer {
  readonly success: boolean;
  readonly message: string;
}

/** Where a pod's process listens. */
export interface Endpoint {
  readonly ip: string;
  /** Set where pods share an address: then every container port is this one. */
  readonly port?: number;
}

/** Asks an httpGet or tcpSocket probe as a kubelet does: a connection of its own, 200–399 is success. */
export function askProbe(
  probe: Probe,
  container: Container,
  endpoint: Endpoint,
  clock: Clock,
): Promise<ProbeAnswer> {
  const controller = new AbortController();
  const timeoutMs = probeTimeoutMs(probe);
  const timer = clock.setTimeout(() => controller.abort(), timeoutMs);
  const answer = probe.httpGet
    ? httpGet(probe.httpGet, container, endpoint, controller.signal)
    : openTcp(portOf(probe.tcpSocket?.port, container, endpoint), endpoint.ip, controller.signal);
  return answer
    .catch((error: unknown) => ({
      success: false,
      message: controller.signal.aborted
        ? `no answer within ${timeoutMs / 1000} s`
        : error instanceof Error
          ? error.message
          : String(error),
    }))
    .finally(() => timer.cancel());
}

function httpGet(
  action: NonNullable<Probe['httpGet']>,
  container: Container,
  endpoint: Endpoint,
  signal: AbortSignal,
): Promise<ProbeAnswer> {
  const secure = action.scheme === 'HTTPS';
  const host = action.host ?? endpoint.ip;
  const port = portOf(action.port, container, endpoint);
  const path = action.path ?? '/';
  const url = `${secure ? 'https' : 'http'}://${host}:${port}${path}`;
  const headers = Object.fromEntries((action.httpHeaders ?? []).map(({ name, value }) => [name, value]));
  return new Promise((resolve, reject) => {
    // A kubelet does not verify the certificate of an HTTPS probe either.
    const options = { signal, headers: { 'user-agent': 'kube-probe/1.36', connection: 'close', ...headers } };
    const request = secure
      ? httpsRequest(url, { ...options, agent: false, rejectUnauthorized: false })
      : httpRequest(url, { ...options, agent: false });
    request.once('error', (error) => reject(new Error(`Get "${url}": ${error.message}`)));
    request.once('response', (response) => {
      response.resume();
      response.once('error', reject);
      const status = response.statusCode ?? 0;
      const success = status >= 200 && status < 400;
      resolve({
        success,
        message: success ? `status ${status}` : `HTTP probe failed with statuscode: ${status}`,
      });
    });
    request.end();
  });
}

function openTcp(port: number, host: string, signal: AbortSignal): Promise<ProbeAnswer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, signal });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.destroy();
      resolve({ success: true, message: 'connected' });
    });
  });
}

/** `host:port` of the first port that a pod's containers declare, or undefined when they declare none. */
export function firstPortOf(pod: Pod, endpoint: Endpoint): string | undefined {
  const [first] = containersOf(pod).flatMap(({ container, init }) => (init ? [] : (container.ports ?? [])));
  return first && `${endpoint.ip}:${endpoint.port ?? first.containerPort}`;
}

function portOf(port: unknown, container: Container, endpoint: Endpoint): number {
  if (endpoint.port !== undefined) return endpoint.port;
  if (typeof port === 'number') return port;
  return container.ports?.find(({ name }) => name === port)?.containerPort ?? Number(port);
}
