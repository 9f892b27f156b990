import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Target } from './contender.ts';
import { answerRequest } from './request.ts';

/** Latencies at a fixed rate, ms. */
export interface OpenLoop {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly answered: number;
  readonly failed: number;
}

const CONNECTIONS = 64;
const HEAD_END = Buffer.from('\r\n\r\n');
const CHUNKS_END = Buffer.from('0\r\n\r\n');

/**
 * Requests at a fixed rate, whatever the answers do. Latency counts from the moment a request was due, so that a
 * target which stalls cannot hide the requests that it kept waiting.
 */
export async function measureOpenLoop(
  target: Target,
  { perSecond, seconds }: { perSecond: number; seconds: number },
): Promise<OpenLoop> {
  const connections = await Promise.all(
    Array.from({ length: CONNECTIONS }, (_, turn) => openConnection(target, turn)),
  );
  const latenciesMs: number[] = [];
  const waiting: number[] = [];
  let failed = 0;
  const idle = [...connections];
  const startMs = performance.now();
  const total = Math.round(perSecond * seconds);
  let due = 0;

  const send = (connection: Connection, dueMs: number): void =>
    connection.ask((ok) => {
      if (ok) latenciesMs.push(performance.now() - dueMs);
      else failed += 1;
      const next = waiting.shift();
      if (next === undefined) idle.push(connection);
      else send(connection, next);
    });
  while (due < total) {
    const nowMs = performance.now();
    for (; due < total && startMs + (due * 1000) / perSecond <= nowMs; due++) {
      const dueMs = startMs + (due * 1000) / perSecond;
      const connection = idle.pop();
      if (connection === undefined) waiting.push(dueMs);
      else send(connection, dueMs);
    }
    // Timers are too coarse for thousands of requests a second.
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  for (let wait = 0; wait < 300 && latenciesMs.length + failed < total; wait++) await delay(100);
  for (const connection of connections) connection.close();
  const sorted = latenciesMs.toSorted((a, b) => a - b);
  const quantile = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN;
  return {
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    answered: sorted.length,
    failed: total - sorted.length,
  };
}

interface Connection {
  ask(done: (ok: boolean) => void): void;
  close(): void;
}

/** One kept-alive connection that reads just enough of an answer to know its end. */
async function openConnection(target: Target, turn: number): Promise<Connection> {
  const request = answerRequest(target, turn);
  let received: Buffer = Buffer.alloc(0);
  let done: ((ok: boolean) => void) | undefined;
  const end = (ok: boolean): void => {
    received = Buffer.alloc(0);
    const tell = done;
    done = undefined;
    tell?.(ok);
  };
  const socket: Socket = connect({ host: target.host, port: target.port, noDelay: true });
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  socket.on('error', () => end(false));
  socket.on('close', () => end(false));
  socket.on('data', (data) => {
    received = received.length === 0 ? data : Buffer.concat([received, data]);
    if (isWhole(received)) end(received.toString('latin1', 9, 12) === '200');
  });
  return {
    ask(onDone) {
      done = onDone;
      socket.write(request);
    },
    close: () => socket.destroy(),
  };
}

function isWhole(received: Buffer): boolean {
  const headEnd = received.indexOf(HEAD_END);
  if (headEnd < 0) return false;
  const length = /\r\ncontent-length: (\d+)/i.exec(received.toString('latin1', 0, headEnd))?.[1];
  const bodyAt = headEnd + HEAD_END.length;
  if (length !== undefined) return received.length >= bodyAt + Number(length);
  return received.length > bodyAt && received.subarray(-CHUNKS_END.length).equals(CHUNKS_END);
}
