import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { API_KEY_RANDOM_BYTES, generateApiKey } from '../../src/student/api-key.ts';
import { spreadOf } from '../report/statistics.ts';
import { startFrameEngine } from './frame-engine.ts';
import { cpuMsOf } from './process-tree.ts';
import { readStream } from './read-stream.ts';

/**
 * What one streamed frame costs the gateway: CPU of its process alone, everything on, from the engine's socket to the
 * client's. The engine and the clients live in this process.
 */

const { values: flags } = parseArgs({
  options: {
    streams: { type: 'string', default: '100' },
    frames: { type: 'string', default: '64' },
    /** ms; 0: as fast as they go */
    step: { type: 'string', default: '20' },
    rounds: { type: 'string', default: '5' },
    /** Rounds before those that count: code that the engine of Node has not compiled yet costs several times as much. */
    warmup: { type: 'string', default: '8' },
    /** Folder for a CPU profile of the gateway. */
    profile: { type: 'string' },
    json: { type: 'string' },
  },
});
const streams = Number(flags.streams);
const frames = Number(flags.frames);
const stepMs = Number(flags.step);
const rounds = Number(flags.rounds);
const warmup = Number(flags.warmup);

const KEY = generateApiKey(new Uint8Array(API_KEY_RANDOM_BYTES).fill(7));
const STUDENT_LIMITS = `{requestsPerMinute: 100000, tokensPerMinute: 100000000, concurrentRequests: ${streams}, maxOutputTokens: 1024}`;

/** The request of one client. */
function requestText(fields: object): string {
  const body = JSON.stringify(fields);
  return `POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer ${KEY}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}

interface Proxy {
  readonly name: string;
  readonly child: ChildProcess;
  readonly port: Promise<number>;
}

function startGateway(staticFile: string): Proxy {
  const profiling = flags.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${flags.profile}`];
  const main = new URL('../../src/gateway/main.ts', import.meta.url).pathname;
  const listening = ['--listen=127.0.0.1:0', '--health-address=off'];
  return startProxy('gateway', [...profiling, main, ...listening, '--ledger=memory', '--static', staticFile]);
}

function startBarePipe(engineUrl: string): Proxy {
  return startProxy('bare pipe', [
    new URL('./bare-pipe.ts', import.meta.url).pathname,
    new URL(engineUrl).port,
  ]);
}

function startProxy(name: string, argv: readonly string[]): Proxy {
  const child = spawn(process.execPath, ['--no-warnings', ...argv], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const port = new Promise<number>((resolve, reject) => {
    let said = '';
    child.once('exit', (code) => reject(new Error(`the ${name} ended with ${code}: ${said}`)));
    child.stdout.on('data', (data: Buffer) => {
      if (said.length > 100_000) return;
      said += data.toString('utf8');
      const address = /"address":"127\.0\.0\.1:(\d+)"[^\n]*takes requests/.exec(said)?.[1];
      if (address !== undefined) resolve(Number(address));
    });
  });
  return { name, child, port };
}

async function main(): Promise<void> {
  const engine = await startFrameEngine({ frames, stepMs });
  const folder = await mkdtemp(join(tmpdir(), 'gateway-frames-'));
  const staticFile = join(folder, 'static.yaml');
  writeFileSync(
    staticFile,
    `classes: [{name: bench, spec: {model: {id: tiny, servedName: tiny, maxModelLen: 4096}, limits: {perStudent: ${STUDENT_LIMITS}}}, engines: ["${engine.url}"], students: [{id: alice, key: ${KEY}}]}]\n`,
    { mode: 0o600 },
  );
  const proxies = [startGateway(staticFile), startBarePipe(engine.url)];
  const request = requestText({
    model: 'tiny',
    stream: true,
    max_tokens: frames,
    messages: [{ role: 'user', content: 'Write a function that adds two numbers.' }],
  });
  try {
    const measured = new Map<string, number[]>();
    let lost = 0;
    for (let round = -warmup; round < rounds; round++) {
      for (const proxy of proxies) {
        const result = await measureRound(proxy, request);
        if (round < 0) continue;
        measured.set(proxy.name, [...(measured.get(proxy.name) ?? []), result.cpuUs]);
        lost += result.lost;
      }
    }
    report(measured, lost);
  } finally {
    for (const { child } of proxies) {
      child.kill('SIGTERM');
      await new Promise((resolve) => child.once('exit', resolve));
    }
    engine.close();
    await rm(folder, { recursive: true });
  }
}

async function measureRound(
  { child, port }: Proxy,
  request: string,
): Promise<{ cpuUs: number; lost: number }> {
  const at = await port;
  const before = cpuMsOf(child.pid ?? 0);
  const target = { host: '127.0.0.1', port: at };
  const read = await Promise.all(Array.from({ length: streams }, () => readStream(target, request)));
  const broken = read.find((stream) => stream.broken !== undefined)?.broken;
  if (broken !== undefined) throw new Error(`a stream broke ${broken}`);
  const cpuMs = cpuMsOf(child.pid ?? 0) - before;
  // With `[DONE]`; a client of the bare pipe gets the frame with the usage, too.
  const lost = read.reduce((sum, stream) => sum + Math.max(0, frames + 1 - stream.frames), 0);
  return { cpuUs: (cpuMs * 1000) / (streams * frames), lost };
}

function report(measured: ReadonlyMap<string, readonly number[]>, lost: number): void {
  const pace = stepMs === 0 ? 'unpaced' : `one frame each ${stepMs} ms`;
  console.log(`${streams} streams of ${frames} frames, ${pace}, ${rounds} rounds; frames lost: ${lost}`);
  console.log('CPU per frame, request and settlement included:');
  const spreads = [...measured].map(([name, values]) => ({ name, ...spreadOf(values) }));
  for (const { name, median, min, max } of spreads) {
    console.log(`  ${name}: ${median.toFixed(1)} µs (${min.toFixed(1)} to ${max.toFixed(1)})`);
  }
  if (flags.json === undefined) return;
  const document = { streams, frames, stepMs, rounds, lost, cpuUs: spreads };
  writeFileSync(flags.json, `${JSON.stringify(document, undefined, 2)}\n`);
}

await main();
