import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { freePort } from '../../../src/demo/control-plane/ports.ts';
import { API_KEY_RANDOM_BYTES, generateApiKey } from '../../../src/student/api-key.ts';
import { startValkey } from '../../../test/support/valkey.ts';
import { LOAD_CORE, PROXY_CORE, RunningProgram } from '../compare/contender.ts';

const path = (name: string): string => fileURLToPath(new URL(`../../../src/${name}`, import.meta.url));

/** Requests that the engine computes together. */
export const BATCH = 8;
const MAX_MODEL_LEN = 4096;
/** As much as the API allows: what is measured is the queue. */
const LIMITS = { requestsPerMinute: 100_000, tokensPerMinute: 1_000_000_000, concurrentRequests: 1_000 };

/**
 * - `arrival`: the gateway passes everything on at once, and the engine's own queue serves in the order of arrival
 * - `fair`: one gateway with its queue
 * - `replicas`: two gateways that share a Valkey server
 */
export type Order = 'arrival' | 'fair' | 'replicas';

export interface School {
  /** Requests are spread over them. */
  readonly gateways: readonly string[];
  readonly keys: readonly string[];
  /** Prompt and completion tokens that the engine has computed so far. */
  engineTokens(): Promise<number>;
  stop(): Promise<void>;
}

/** Starts an engine with a real batch limit, and what stands before it. */
export async function startSchool(
  order: Order,
  { students, speed, folder }: { readonly students: number; readonly speed: number; readonly folder: string },
): Promise<School> {
  const keys = Array.from({ length: students }, (_, index) =>
    generateApiKey(new Uint8Array(API_KEY_RANDOM_BYTES).fill(index + 1)),
  );
  const stops: (() => PromiseLike<void>)[] = [];
  const engine = await startEngine(speed);
  stops.unshift(() => engine.program.stop());
  const staticFile = join(folder, `${order}-${students}.yaml`);
  await writeFile(staticFile, classOf(engine.url, keys, order), { mode: 0o600 });
  const flags = [`--static=${staticFile}`];
  if (order === 'replicas') {
    const valkey = await startValkey();
    stops.push(() => valkey[Symbol.asyncDispose]());
    flags.push(`--valkey=${valkey.url}`);
  } else flags.push(`--ledger=${join(folder, `${order}-${students}.db`)}`);
  // Else the gateway would notice that requests wait in the engine, and keep them back.
  if (order === 'arrival') flags.push('--engine-metrics-interval=1h');
  const gateways: string[] = [];
  for (let count = order === 'replicas' ? 2 : 1; count > 0; count--) {
    const { url, program } = await startGateway(flags);
    gateways.push(url);
    stops.unshift(() => program.stop());
  }
  return {
    gateways,
    keys,
    engineTokens: () => readTokens(engine.url),
    async stop() {
      for (const stop of stops) await stop();
    },
  };
}

function classOf(engine: string, keys: readonly string[], order: Order): string {
  const spec = {
    model: { id: 'Qwen/Qwen2.5-7B-Instruct', servedName: 'qwen', maxModelLen: MAX_MODEL_LEN },
    limits: { perStudent: LIMITS },
    engine: { maxNumSeqs: order === 'arrival' ? 1_000 : BATCH },
  };
  const students = keys.map((key, index) => ({ id: `student-${index}`, key }));
  return JSON.stringify({ classes: [{ name: 'python-101', spec, engines: [engine], students }] });
}

async function startEngine(speed: number): Promise<{ url: string; program: RunningProgram }> {
  const port = await freePort();
  const flags = ['--host', '127.0.0.1', '--port', String(port), '--served-model-name', 'qwen'];
  const program = new RunningProgram({
    command: process.execPath,
    args: [
      path('demo/vllm/main.ts'),
      'serve',
      'Qwen/Qwen2.5-7B-Instruct',
      ...flags,
      `--max-model-len=${MAX_MODEL_LEN}`,
      `--max-num-seqs=${BATCH}`,
    ],
    env: { VLLM_SIMULATOR: JSON.stringify({ loadSeconds: 0, speed }) },
    core: LOAD_CORE,
  });
  const url = `http://127.0.0.1:${port}`;
  await program.answers(`${url}/health`);
  return { url, program };
}

async function startGateway(flags: readonly string[]): Promise<{ url: string; program: RunningProgram }> {
  const program = new RunningProgram({
    command: process.execPath,
    args: [
      '--disable-warning=ExperimentalWarning',
      path('gateway/main.ts'),
      '--listen=127.0.0.1:0',
      '--health-address=127.0.0.1:0',
      ...flags,
    ],
    core: PROXY_CORE,
  });
  const address = /"address":"(127\.0\.0\.1:\d+)"[^\n]*takes requests/;
  const health = /"health":"(127\.0\.0\.1:\d+)"[^\n]*takes requests/;
  await program.answers(`http://${await program.said(health)}/readyz`);
  return { url: `http://${await program.said(address)}`, program };
}

const figure = z.coerce.number();

async function readTokens(engine: string): Promise<number> {
  const text = await (await fetch(`${engine}/metrics`)).text();
  return text
    .split('\n')
    .filter((line) => /^vllm:(prompt|generation)_tokens_total\{/.test(line))
    .reduce((sum, line) => sum + figure.parse(line.slice(line.lastIndexOf(' ') + 1)), 0);
}
