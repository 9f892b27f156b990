import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ListenAddress } from '../http/listen.ts';
import type { Clock } from '../kube/clock.ts';
import type { Logger } from '../kube/log.ts';
import type { Patience } from './answer/forward.ts';
import { Chain } from './chain.ts';
import type { OnAsked } from './demand/asked-class.ts';
import { connectEngine } from './engines/connection.ts';
import { createEngineRegistry, type EngineRegistry } from './engines/registry.ts';
import { refuse } from './errors.ts';
import { type AddressRange, createClientAddress } from './http/client-address.ts';
import { sendRefusal } from './http/respond.ts';
import { type Listening, listen, type ServerOptions } from './http/server.ts';
import { cacheSalt } from './identity/cache-salt.ts';
import { createDirectory, type Directory } from './identity/directory.ts';
import { createFailedAttempts } from './identity/failed-attempts.ts';
import type { TokenVerifier } from './identity/jwt.ts';
import { createRunningRequests } from './identity/running.ts';
import { createReportSignIn, createSignIn } from './identity/sign-in.ts';
import type { ReportReader } from './ledger/report-reader.ts';
import type { UsageReader } from './ledger/usage-reader.ts';
import type { Admission } from './limits/admission.ts';
import { createGatewayMetrics, type GatewayMetrics } from './metrics.ts';
import type { QueueBounds } from './queue/class-queue.ts';
import { createFairQueue } from './queue/fair-queue.ts';
import { noPeers, type Peers } from './queue/peers.ts';
import type { StateStoreFigures } from './state.ts';
import { createStudentApi } from './student-api.ts';
import type { Tracing } from './tracing/tracing.ts';

export interface GatewayOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Decides which requests run, and hears how they ended. */
  readonly admission: Admission;
  /** Knows what was booked. */
  readonly usage: UsageReader;
  /** Knows all of it, for the reports of classes. */
  readonly reports: ReportReader;
  /** Told after a request of a seat was booked. */
  readonly onSettled?: ((seatKey: string) => void) | undefined;
  /** Told when an engine has had a request. @param fromMs epoch ms, as `toMs` */
  readonly onEngineUsed?: ((engineId: string, fromMs: number, toMs: number) => void) | undefined;
  /** Hears of classes that are asked; default: nobody has engines started for them. */
  readonly onAsked?: OnAsked | undefined;
  /** Secret that cache salts are made with. */
  readonly saltSecret: Uint8Array;
  /** False until the directory is complete: an unknown key may then be one that was not read yet. */
  readonly isSynced: () => boolean;
  /** Default: only keys are accepted. */
  readonly tokens?: TokenVerifier | undefined;
  /** Wrong keys of one address that are answered as what they are; default: all. */
  readonly failedAttemptsPerMinute?: number | undefined;
  /** Whose `X-Forwarded-For` counts; default: nobody's. */
  readonly trustedProxies?: readonly AddressRange[] | undefined;
  /** Default: nobody follows requests. */
  readonly tracing?: Tracing | undefined;
  readonly patience: Patience;
  /** How much may wait for engines, and for how long. */
  readonly queueBounds: QueueBounds;
  /** Default: this gateway is the only one. */
  readonly peers?: Peers | undefined;
  /** Default: no store is shared. */
  readonly stateStore?: (() => StateStoreFigures) | undefined;
  readonly connectTimeoutMs: number;
  readonly maxBodyBytes: number;
}

/** Everything between the students' sockets and the engines'. Who may do what is written into its directory. */
export interface Gateway {
  readonly directory: Directory;
  readonly engines: EngineRegistry;
  readonly metrics: GatewayMetrics;
  /** Requests between authentication and the end of their answer. */
  readonly requestsInFlight: number;
  listen(address: ListenAddress, options?: Pick<ServerOptions, 'certificate' | 'bounds'>): Promise<Listening>;
  /**
   * Takes no new requests and sends away what waits for an engine: another replica has it sooner. Lets running answers
   * end for up to `graceMs`, then ends them.
   */
  stop(graceMs: number): Promise<void>;
}

/** How long clients get to read the event that says why their stream ends. */
const GOODBYE_MS = 2_000;
const STOPPING_RETRY_SECONDS = 1;

/** A gateway with an empty directory, not listening yet. */
export function createGateway(options: GatewayOptions): Gateway {
  const { clock, log, saltSecret } = options;
  const directory = createDirectory({
    saltOf: (classroom, student) => cacheSalt(saltSecret, classroom, student),
  });
  const engines = createEngineRegistry({
    connect: (origin) => connectEngine(origin, options.connectTimeoutMs),
    monotonic: clock.monotonic,
    random: Math.random,
  });
  const running = createRunningRequests(directory, clock.now);
  const metrics = createGatewayMetrics({
    requestsInFlight: () => running.size,
    engines: () => engines.size,
    queues: () => queue.figures(),
    seats: () => directory.size.seats,
    classrooms: () => directory.size.classrooms,
    stateStore: options.stateStore,
  });
  const queue = createFairQueue({
    engines,
    peers: options.peers ?? noPeers,
    clock,
    bounds: options.queueBounds,
    onWaited: metrics.waited,
    onAsked: options.onAsked,
    momentOf: (key) => directory.classMoment(key, clock.now()),
  });
  directory.subscribeClassrooms((key) => queue.classroomChanged(key));
  const signInOptions = {
    directory,
    clock,
    isSynced: options.isSynced,
    tokens: options.tokens,
    failedAttempts: createFailedAttempts({ perMinute: options.failedAttemptsPerMinute ?? 0, clock }),
    clientAddress: createClientAddress(options.trustedProxies ?? []),
  };
  const serve = createStudentApi({
    ...options,
    directory,
    queue,
    running,
    metrics,
    signIn: createSignIn(signInOptions),
    reportSignIn: createReportSignIn(signInOptions),
    newRequestId: () => `req_${randomUUID().replaceAll('-', '')}`,
  });

  const listeners: Listening[] = [];
  const responses = new Chain<ServerResponse>();
  let stopping = false;

  return {
    directory,
    engines,
    metrics,
    get requestsInFlight() {
      return running.size;
    },
    async listen(address, { certificate, bounds } = {}) {
      const handler = (request: IncomingMessage, response: ServerResponse): void => {
        const link = responses.append(response);
        response.once('close', () => responses.remove(link));
        if (stopping) refuseStopping(response);
        else void serve(request, response);
      };
      const onDropped = metrics.connectionDropped;
      const listening = await listen(address, { handler, certificate, bounds, onDropped });
      listeners.push(listening);
      return listening;
    },
    async stop(graceMs) {
      stopping = true;
      const closed = Promise.all(listeners.map(({ server }) => closeServer(server)));
      for (const response of responses.toArray()) closeAfter(response);
      const refusal = refuse('gateway_stopping', {}, { retryAfterSeconds: STOPPING_RETRY_SECONDS });
      running.endWaiting(refusal);
      await within(closed, graceMs, clock);
      running.endAll(refusal);
      await within(closed, GOODBYE_MS, clock);
      for (const { server } of listeners) server.closeAllConnections();
      await closed;
      queue.close();
      await engines.close();
      log.info({}, 'The gateway has stopped');
    },
  };
}

/** A connection kept alive would hold the server open after its last answer. */
function closeAfter(response: ServerResponse): void {
  // When an answer has finished, it has no socket any more.
  const { socket } = response;
  if (response.headersSent) response.once('finish', () => socket?.end());
  else response.setHeader('connection', 'close');
}

function refuseStopping(response: ServerResponse): void {
  const refusal = refuse('gateway_stopping', {}, { retryAfterSeconds: STOPPING_RETRY_SECONDS });
  sendRefusal(response, refusal, { connection: 'close' });
}

function closeServer(server: Listening['server']): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
}

/** Resolves when `done` did, or after `ms`. */
async function within(done: Promise<unknown>, ms: number, clock: Clock): Promise<void> {
  const elapsed = Promise.withResolvers<void>();
  const timer = clock.setTimeout(elapsed.resolve, ms);
  await Promise.race([done, elapsed.promise]);
  timer.cancel();
}
