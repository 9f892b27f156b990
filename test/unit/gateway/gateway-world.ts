import { randomUUID } from 'node:crypto';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { createGateway, type Gateway } from '../../../src/gateway/gateway.ts';
import type { TokenVerifier } from '../../../src/gateway/identity/jwt.ts';
import type { ClassroomRecord, SeatRecord } from '../../../src/gateway/identity/seat.ts';
import { openLedgerInMemory } from '../../../src/gateway/ledger/database.ts';
import { createLedger, type Ledger } from '../../../src/gateway/ledger/ledger.ts';
import type { Admission } from '../../../src/gateway/limits/admission.ts';
import { createLocalAdmission } from '../../../src/gateway/limits/local-admission.ts';
import type { QueueBounds } from '../../../src/gateway/queue/class-queue.ts';
import type { Tracing } from '../../../src/gateway/tracing/tracing.ts';
import { systemClock } from '../../../src/kube/clock.ts';
import { silentLogger } from '../../../src/kube/log.ts';
import type { FakeClock } from '../../support/fake-clock.ts';
import { ALICE_KEY, aClassroom, aSeat, bobsSeat, CLASS_KEY } from './builders.ts';
import { type LogLine, recordingLogger } from './recording-logger.ts';

export interface WorldOptions {
  readonly classroom?: ClassroomRecord;
  readonly seats?: readonly SeatRecord[];
  /** URLs of the engines of the class. */
  readonly engines?: readonly string[];
  /** Default: the system's. */
  readonly clock?: FakeClock;
  readonly isSynced?: () => boolean;
  readonly maxBodyBytes?: number;
  readonly queueBounds?: Partial<QueueBounds>;
  /** Default: only keys. */
  readonly tokens?: TokenVerifier;
  readonly failedAttemptsPerMinute?: number;
  readonly tracing?: Tracing;
  /** Stands before the real admission. */
  readonly admissionOver?: (admission: Admission) => Admission;
}

/** A class without engines is refused at once. */
export const QUEUE_BOUNDS: QueueBounds = {
  requestsPerStudent: 64,
  requestsPerClass: 1024,
  bytesPerStudent: 32 * 1024 * 1024,
  bytesPerClass: 256 * 1024 * 1024,
  bytesOfAll: 384 * 1024 * 1024,
  busyWaitMs: 120_000,
  engineWaitMs: 0,
  wakeWaitMs: 0,
};

/** A gateway on loopback with Alice and Bob in a class. */
export interface World {
  readonly gateway: Gateway;
  readonly admission: Admission;
  /** In memory. */
  readonly ledger: Ledger;
  readonly url: string;
  readonly log: readonly LogLine[];
  stop(graceMs?: number): Promise<void>;
}

export const PATIENCE = { firstByteMs: 600_000, idleMs: 120_000, totalMs: 1_800_000, heartbeatMs: 10_000 };

export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const log: LogLine[] = [];
  const clock = options.clock ?? systemClock;
  const ledger = createLedger({ file: openLedgerInMemory(), clock, log: silentLogger });
  const admission = await createLocalAdmission({
    clock,
    journal: ledger,
    log: silentLogger,
    newLeaseId: randomUUID,
    leaseMs: 2 * PATIENCE.totalMs,
  });
  const gateway = createGateway({
    clock,
    log: recordingLogger(log),
    admission: options.admissionOver?.(admission) ?? admission,
    usage: ledger,
    reports: ledger,
    saltSecret: Buffer.from('the salt secret of the tests'),
    isSynced: options.isSynced ?? (() => true),
    tokens: options.tokens,
    failedAttemptsPerMinute: options.failedAttemptsPerMinute,
    tracing: options.tracing,
    patience: PATIENCE,
    queueBounds: { ...QUEUE_BOUNDS, ...options.queueBounds },
    connectTimeoutMs: 5_000,
    maxBodyBytes: options.maxBodyBytes ?? 1024 * 1024,
  });
  gateway.directory.putClassroom(options.classroom ?? aClassroom());
  for (const seat of options.seats ?? [aSeat(), bobsSeat()]) gateway.directory.putSeat(seat);
  for (const origin of options.engines ?? []) {
    gateway.engines.put({ id: origin, classroomKey: CLASS_KEY, origin });
  }
  const { url } = await gateway.listen({ host: '127.0.0.1', port: 0 });
  return {
    gateway,
    admission,
    ledger,
    url,
    log,
    async stop(graceMs = 0) {
      let stopped = false;
      const stopping = gateway.stop(graceMs).then(() => {
        stopped = true;
      });
      // A clock that stands still would hold the time-outs of the shutdown.
      while (options.clock !== undefined && !stopped) await options.clock.advance(1_000);
      await stopping;
    },
  };
}

export interface AskOptions {
  readonly key?: string | undefined;
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer that arrives: `text` grows, `ended` says how it went on. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  /** True after a proper end, false after a cut connection, undefined while it goes on. */
  readonly ended: boolean | undefined;
  /** Resolves at the end, however it came. */
  readonly over: Promise<void>;
  /** Stops and resumes reading from the socket. */
  pause(): void;
  resume(): void;
  /** Closes the connection as a client that leaves. */
  leave(): void;
}

/** Sends one request on a connection of its own; resolves with the headers. */
export function ask(world: World, body: unknown, options: AskOptions = {}): Promise<Answer> {
  const { key = ALICE_KEY, path = '/v1/chat/completions', method = 'POST', headers = {} } = options;
  const payload = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const request = httpRequest(`${world.url}${path}`, {
      method,
      agent: false,
      headers: {
        ...('key' in options && options.key === undefined ? {} : { authorization: `Bearer ${key}` }),
        'content-type': 'application/json',
        ...headers,
      },
    });
    request.on('error', reject);
    request.on('response', (response) => resolve(answerOf(response)));
    request.end(payload);
  });
}

function answerOf(response: IncomingMessage): Answer {
  let text = '';
  let ended: boolean | undefined;
  const over = Promise.withResolvers<void>();
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => {
    text += chunk;
  });
  response.on('close', () => {
    ended = response.complete;
    over.resolve();
  });
  // A cut connection shows as `ended: false`.
  response.on('error', () => {});
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    get text() {
      return text;
    },
    get ended() {
      return ended;
    },
    over: over.promise,
    pause: () => response.pause(),
    resume: () => response.resume(),
    leave: () => response.destroy(),
  };
}

/** The whole answer, its body parsed. */
export async function askJson(world: World, body: unknown, options: AskOptions = {}) {
  const answer = await ask(world, body, options);
  await answer.over;
  return { status: answer.status, headers: answer.headers, body: JSON.parse(answer.text) };
}

export const CHAT = { model: 'qwen', messages: [{ role: 'user', content: 'Say hello.' }] };
export const STREAM = { ...CHAT, stream: true };
