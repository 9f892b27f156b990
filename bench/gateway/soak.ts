import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { startVllmSimulator, type VllmSimulator } from '../../src/demo/vllm/simulator.ts';
import { API_KEY_RANDOM_BYTES, generateApiKey } from '../../src/student/api-key.ts';
import { BEHAVIOURS, behave } from './soak-clients.ts';

/**
 * Mixed traffic for a long time: answers, streams, clients that leave or read slowly, engines that die and come back.
 * Prints what the gateway's process holds, and ends with a verdict. Exit code 1: something grows, or stays behind.
 */

const { values: flags } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    clients: { type: 'string', default: '24' },
    /** Seconds between two lines. */
    interval: { type: 'string', default: '10' },
    /** Seconds between two deaths of engines. */
    deaths: { type: 'string', default: '20' },
  },
});

const KEY = generateApiKey(new Uint8Array(API_KEY_RANDOM_BYTES).fill(9));
/** Longer than the gateway keeps idle connections to engines. */
const QUIET_MS = 15_000;
const MIB = 1024 * 1024;
/** Growth of the heap after a garbage collection, over the second half. */
const MAX_HEAP_GROWTH_MIB_PER_MINUTE = 0.5;

const sampleSchema = z.object({
  rss: z.number(),
  heapUsed: z.number(),
  external: z.number(),
  resources: z.record(z.string(), z.number()),
});
type Sample = z.infer<typeof sampleSchema>;

function startEngine(port: number): Promise<VllmSimulator> {
  return startVllmSimulator({
    argv: `serve Qwen/Qwen2.5-7B-Instruct --served-model-name qwen --host 127.0.0.1 --port ${port}`.split(
      ' ',
    ),
    env: { VLLM_SIMULATOR: JSON.stringify({ loadSeconds: 0, speed: 4 }) },
  });
}

async function sampleOf(gateway: ChildProcess): Promise<Sample> {
  const answer = new Promise<unknown>((resolve) => gateway.once('message', resolve));
  gateway.send('sample');
  return sampleSchema.parse(await answer);
}

function startGateway(staticFile: string): { gateway: ChildProcess; port: Promise<number> } {
  const pathOf = (file: string): string => new URL(file, import.meta.url).pathname;
  const gateway = spawn(
    process.execPath,
    [
      ...['--no-warnings', '--expose-gc', '--import', pathOf('./soak-probe.ts')],
      pathOf('../../src/gateway/main.ts'),
      ...['--listen=127.0.0.1:0', '--health-address=off', '--ledger=memory', '--static', staticFile],
    ],
    { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] },
  );
  const port = new Promise<number>((resolve, reject) => {
    gateway.once('exit', (code) => reject(new Error(`the gateway ended with ${code}`)));
    gateway.stdout?.on('data', (data: Buffer) => {
      const address = /"address":"127\.0\.0\.1:(\d+)"[^\n]*takes requests/.exec(data.toString('utf8'))?.[1];
      if (address !== undefined) resolve(Number(address));
    });
  });
  return { gateway, port };
}

/** Least squares, in MiB a minute. */
function growthOf(samples: readonly { minutes: number; heapMiB: number }[]): number {
  const mean = (of: (sample: (typeof samples)[number]) => number): number =>
    samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length;
  const [meanX, meanY] = [mean(({ minutes }) => minutes), mean(({ heapMiB }) => heapMiB)];
  const covariance = mean(({ minutes, heapMiB }) => (minutes - meanX) * (heapMiB - meanY));
  return covariance / mean(({ minutes }) => (minutes - meanX) ** 2);
}

const shown = (resources: Sample['resources']): string =>
  Object.entries(resources)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');

async function main(): Promise<number> {
  const engines = [await startEngine(0), await startEngine(0)];
  const folder = await mkdtemp(join(tmpdir(), 'gateway-soak-'));
  const staticFile = join(folder, 'static.yaml');
  const limits =
    '{requestsPerMinute: 100000, tokensPerMinute: 100000000, concurrentRequests: 64, maxOutputTokens: 256}';
  writeFileSync(
    staticFile,
    `classes: [{name: soak, spec: {model: {id: Qwen/Qwen2.5-7B-Instruct, servedName: qwen, maxModelLen: 4096}, limits: {perStudent: ${limits}}}, engines: [${engines.map(({ url }) => `"${url}"`).join(', ')}], students: [{id: alice, key: ${KEY}}]}]\n`,
    { mode: 0o600 },
  );
  const { gateway, port } = startGateway(staticFile);
  try {
    return await soak(gateway, await port, engines);
  } finally {
    gateway.kill('SIGTERM');
    await new Promise((resolve) => gateway.once('exit', resolve));
    for (const engine of engines) await engine.close();
    await rm(folder, { recursive: true });
  }
}

async function soak(gateway: ChildProcess, port: number, engines: VllmSimulator[]): Promise<number> {
  const before = await sampleOf(gateway);
  console.log(`before: RSS ${(before.rss / MIB).toFixed(0)} MiB; ${shown(before.resources)}`);
  const startedMs = performance.now();
  const minutesNow = (): number => (performance.now() - startedMs) / 60_000;
  const endMinutes = Number(flags.minutes);
  const statuses = new Map<string, number>();
  const running = (): boolean => minutesNow() < endMinutes;
  const clients = Array.from({ length: Number(flags.clients) }, async (_, client) => {
    for (let round = client; running(); round++) {
      const behaviour = BEHAVIOURS[round % BEHAVIOURS.length] ?? 'whole';
      const status = await behave({ port, key: KEY, behaviour });
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      // While no engine is there every answer is a refusal: not faster than a client that is told to wait.
      if (status === '503' || status === '502') await delay(200);
    }
  });
  const deaths = killEngines(engines, running);
  const samples: { minutes: number; heapMiB: number }[] = [];
  while (running()) {
    await delay(Number(flags.interval) * 1000);
    const { rss, heapUsed, resources } = await sampleOf(gateway);
    samples.push({ minutes: minutesNow(), heapMiB: heapUsed / MIB });
    console.log(
      `${minutesNow().toFixed(1)} min: RSS ${(rss / MIB).toFixed(0)} MiB, heap ${(heapUsed / MIB).toFixed(1)} MiB; ${shown(resources)}; ${shown(Object.fromEntries(statuses))}`,
    );
  }
  await Promise.all([...clients, deaths]);
  await delay(QUIET_MS);
  return verdict(before, await sampleOf(gateway), samples);
}

async function killEngines(engines: VllmSimulator[], running: () => boolean): Promise<void> {
  for (let victim = 0; running(); victim = (victim + 1) % engines.length) {
    await delay(Number(flags.deaths) * 1000);
    const engine = engines[victim];
    if (engine === undefined || !running()) return;
    engine.killEngine();
    await engine.exited;
    await delay(1000);
    engines[victim] = await startEngine(engine.port);
  }
}

function verdict(
  before: Sample,
  after: Sample,
  samples: readonly { minutes: number; heapMiB: number }[],
): number {
  console.log(`after: RSS ${(after.rss / MIB).toFixed(0)} MiB; ${shown(after.resources)}`);
  const growth = growthOf(samples.slice(Math.floor(samples.length / 2)));
  const left = ['TCPSocketWrap', 'Timeout'].filter(
    (name) => (after.resources[name] ?? 0) > (before.resources[name] ?? 0),
  );
  const grows = growth > MAX_HEAP_GROWTH_MIB_PER_MINUTE;
  console.log(
    `heap in the second half: ${growth.toFixed(2)} MiB a minute, ${grows ? 'GROWS' : 'flat'}; left behind: ${left.join(', ') || 'nothing'}`,
  );
  return grows || left.length > 0 ? 1 : 0;
}

process.exitCode = await main();
