import { setTimeout as delay } from 'node:timers/promises';
import type { FrameEngine } from '../frame-engine.ts';
import { cpuMsOf, residentMiBOf } from '../process-tree.ts';
import { type ReadStream, readStream } from '../read-stream.ts';
import type { Contender } from './contender.ts';
import { measureOpenLoop } from './open-loop.ts';
import { streamRequest } from './request.ts';
import { measureClosedLoop } from './wrk.ts';

/** What was measured of one contender in one round. */
export interface Figures {
  readonly requestsPerSecond: number;
  /** Half of that: the rate of the latencies. */
  readonly ratePerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** The upstream itself at the same rate, right afterwards. */
  readonly directP50Ms: number;
  readonly directP99Ms: number;
  readonly firstFrameP50Ms: number;
  readonly firstFrameP99Ms: number;
  /** NaN where there is no process. */
  readonly cpuUsPerFrame: number;
  readonly residentMiB: number;
  readonly framesLost: number;
  readonly streamsBroken: number;
  readonly failed: number;
}

export interface MeasureOptions {
  readonly folder: string;
  readonly seconds: number;
  readonly engine: FrameEngine;
  /** Of a stream, without `[DONE]`. */
  readonly framesPerStream: number;
}

const CONNECTIONS = 32;
const WARM_UP_SECONDS = 3;
const STREAMS = 100;
const STREAM_STEP_MS = 20;
const MANY_STREAMS = 1000;
/** A thousand streams at a reader's pace. */
const MANY_STREAMS_STEP_MS = 400;
/** Above this the load generator would be what is measured. */
const MOST_PER_SECOND = 8_000;

/** Everything about one contender. @param direct the upstream itself */
export async function measure(
  contender: Contender,
  direct: Contender,
  options: MeasureOptions,
): Promise<Figures> {
  const answers = contender.target('answer');
  const { folder, seconds } = options;
  await measureClosedLoop(answers, folder, { connections: CONNECTIONS, seconds: WARM_UP_SECONDS });
  const closed = await measureClosedLoop(answers, folder, { connections: CONNECTIONS, seconds });
  const ratePerSecond = Math.min(MOST_PER_SECOND, closed.requestsPerSecond / 2);
  const open = await measureOpenLoop(answers, { perSecond: ratePerSecond, seconds });
  const without = await measureOpenLoop(direct.target('answer'), { perSecond: ratePerSecond, seconds });
  const streams = await measureStreams(contender, options);
  const many = await measureManyStreams(contender, options);
  return {
    requestsPerSecond: closed.requestsPerSecond,
    ratePerSecond,
    p50Ms: open.p50Ms,
    p99Ms: open.p99Ms,
    directP50Ms: without.p50Ms,
    directP99Ms: without.p99Ms,
    ...streams,
    ...many,
    streamsBroken: streams.streamsBroken + many.streamsBroken,
    failed: closed.failed + open.failed,
  };
}

async function measureStreams(
  contender: Contender,
  { engine, framesPerStream }: MeasureOptions,
): Promise<Pick<Figures, 'firstFrameP50Ms' | 'firstFrameP99Ms' | 'cpuUsPerFrame' | 'streamsBroken'>> {
  engine.setStepMs(STREAM_STEP_MS);
  await readStreams(contender, STREAMS);
  const before = contender.pid === undefined ? Number.NaN : cpuMsOf(contender.pid);
  const read = await readStreams(contender, STREAMS);
  const cpuMs = contender.pid === undefined ? Number.NaN : cpuMsOf(contender.pid) - before;
  const sorted = read
    .map(({ firstFrameMs }) => firstFrameMs)
    .filter((firstFrameMs) => !Number.isNaN(firstFrameMs))
    .toSorted((a, b) => a - b);
  return {
    firstFrameP50Ms: sorted[Math.floor(sorted.length / 2)] ?? Number.NaN,
    firstFrameP99Ms: sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN,
    cpuUsPerFrame: (cpuMs * 1000) / (STREAMS * framesPerStream),
    streamsBroken: countBroken(contender, read),
  };
}

async function measureManyStreams(
  contender: Contender,
  { engine, framesPerStream }: MeasureOptions,
): Promise<Pick<Figures, 'residentMiB' | 'framesLost' | 'streamsBroken'>> {
  engine.setStepMs(MANY_STREAMS_STEP_MS);
  const reading = readStreams(contender, MANY_STREAMS);
  let residentMiB = contender.pid === undefined ? Number.NaN : 0;
  let over = false;
  const watching = (async () => {
    while (!over && contender.pid !== undefined) {
      residentMiB = Math.max(residentMiB, residentMiBOf(contender.pid));
      await delay(250);
    }
  })();
  const read = await reading.finally(() => {
    over = true;
  });
  await watching;
  const framesLost = read.reduce((sum, { frames }) => sum + Math.max(0, framesPerStream + 1 - frames), 0);
  return { residentMiB, framesLost, streamsBroken: countBroken(contender, read) };
}

function countBroken({ name }: Contender, read: readonly ReadStream[]): number {
  const broken = read.flatMap((stream) => stream.broken ?? []);
  if (broken[0] !== undefined) {
    process.stderr.write(`${name}: ${broken.length} of ${read.length} streams broke, one ${broken[0]}\n`);
  }
  return broken.length;
}

/** Streams that begin one after the other, as those of a class do. */
function readStreams(contender: Contender, count: number): Promise<ReadStream[]> {
  const target = contender.target('stream');
  return Promise.all(
    Array.from({ length: count }, async (_, turn) => {
      await delay(turn * 5);
      return readStream(target, streamRequest(target, turn));
    }),
  );
}
