import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readAdapterAnswer } from '../../src/classroom/adapters/answers.ts';
import { adapterArgs, adapterEnvironment } from '../../src/classroom/adapters/engine-options.ts';
import type { Step } from '../../src/classroom/adapters/next-step.ts';
import { askLoaded, tellEngine } from '../../src/classroom/adapters/tell-engine.ts';
import { createEngineCaller, type EngineCaller } from '../../src/classroom/engine-calls.ts';
import { freePorts } from '../../src/demo/control-plane/ports.ts';
import { systemClock } from '../../src/kube/clock.ts';
import { eventually } from '../support/eventually.ts';
import { installedVllmOf } from './installed.ts';
import { writeTinyAdapter } from './tiny-adapter.ts';

/** A real vLLM, started as the engines of a class with adapters are, and told what the operator tells it. */

const START_TIMEOUT_MS = 600_000;
const ADAPTERS = { adapters: [{ name: 'sql', path: 'sql', rank: 8 }] };
const never = new AbortController().signal;

let folder: string;
let engine: ChildProcess;
let origin: string;
let caller: EngineCaller;
let output = '';

beforeAll(async () => {
  const { program, model } = installedVllmOf(process.env);
  folder = await mkdtemp(join(tmpdir(), 'vllm-'));
  const [port = 0] = await freePorts(1);
  origin = `http://127.0.0.1:${port}`;
  caller = createEngineCaller(systemClock);
  const environment = adapterEnvironment(ADAPTERS).map(({ name, value }) => [name, value]);
  engine = spawn(
    program,
    [
      ...['serve', model, '--served-model-name', 'tiny', '--host', '127.0.0.1', '--port', String(port)],
      ...['--max-model-len', '512', '--max-num-seqs', '4', ...adapterArgs(ADAPTERS)],
    ],
    { env: { ...process.env, TMPDIR: folder, ...Object.fromEntries(environment) }, detached: true },
  );
  for (const stream of [engine.stdout, engine.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      output = (output + chunk).slice(-4_000);
    });
  }
  await eventually(
    'vLLM to answer',
    async () => {
      if (engine.exitCode !== null) throw new Error(`vLLM ended:\n${output}`);
      const health = await ask('GET', '/health');
      return health.kind === 'answered' && health.status === 200;
    },
    START_TIMEOUT_MS,
  );
}, START_TIMEOUT_MS);

afterAll(async () => {
  if (engine?.exitCode === null && engine.pid !== undefined) {
    const ended = once(engine, 'exit');
    process.kill(-engine.pid, 'SIGKILL');
    await ended;
  }
  await caller?.close();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

const ask = (method: 'GET' | 'POST', path: string, body?: object) =>
  caller.call(origin, { method, path, timeoutMs: 60_000, ...(body === undefined ? {} : { body }) }, never);

function step(kind: 'load' | 'unload', name: string): Step {
  const adapter = { name, path: name, rank: 8, model: `tiny:${name}`, folder: join(folder, name) };
  return { kind, engine: 'one', adapter };
}

const load = (name: string) => tellEngine(caller.call, origin, step('load', name), never);
const unload = (name: string) => tellEngine(caller.call, origin, step('unload', name), never);
const loaded = async () => (await askLoaded(caller.call, origin, never)).loaded?.map(({ model }) => model);

async function statusOfChat(model: string): Promise<number> {
  const messages = [{ role: 'user', content: 'Hello' }];
  const answer = await ask('POST', '/v1/chat/completions', { model, messages, max_tokens: 2 });
  return answer.kind === 'answered' ? answer.status : 0;
}

test('an adapter is loaded under the name that students write, answers, and is unloaded', async () => {
  await writeTinyAdapter(join(folder, 'sql'), 8);
  expect(await load('sql')).toEqual({ kind: 'done' });
  expect(await loaded()).toEqual(['tiny:sql']);
  expect(await statusOfChat('tiny:sql')).toBe(200);
  expect((await load('sql')).kind).toBe('otherwise');
  expect(await unload('sql')).toEqual({ kind: 'done' });
  expect([await loaded(), await statusOfChat('tiny:sql')]).toEqual([[], 404]);
  expect((await unload('sql')).kind).toBe('otherwise');
});

test.each([
  ['that is not there', 'FilesMissing', async () => {}],
  [
    'of a rank that engines were not started for',
    'RankTooHigh',
    (path: string) => writeTinyAdapter(path, 64),
  ],
  [
    'without weights',
    'WeightsBroken',
    async (path: string) => {
      await writeTinyAdapter(path, 8);
      await rm(join(path, 'adapter_model.safetensors'));
    },
  ],
  [
    'whose weights were cut off',
    'WeightsBroken',
    async (path: string) => {
      await writeTinyAdapter(path, 8);
      await writeFile(join(path, 'adapter_model.safetensors'), 'half');
    },
  ],
  [
    'whose configuration is broken',
    'ConfigBroken',
    async (path: string) => {
      await writeTinyAdapter(path, 8);
      await writeFile(join(path, 'adapter_config.json'), '{broken');
    },
  ],
  [
    'whose configuration lacks a field',
    'ConfigBroken',
    async (path: string) => {
      await mkdir(path);
      await writeFile(join(path, 'adapter_config.json'), '{}');
    },
  ],
  ['that is a file', 'NotAFolder', (path: string) => writeFile(path, '')],
] as const)('an adapter %s is refused as %s, and the engine lives on', async (what, fault, write) => {
  const name = what.replaceAll(' ', '-');
  await write(join(folder, name));
  const answer = await load(name);
  expect(answer).toMatchObject({ kind: 'refused', fault });
  expect(await statusOfChat('tiny')).toBe(200);
});

test('a loaded adapter outlives its files, also after more others than fit on the GPU were used', async () => {
  await writeTinyAdapter(join(folder, 'kept'), 8);
  expect(await load('kept')).toEqual({ kind: 'done' });
  await rm(join(folder, 'kept'), { recursive: true });
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) {
    await writeTinyAdapter(join(folder, name), 8);
    expect(await load(name)).toEqual({ kind: 'done' });
    expect(await statusOfChat(`tiny:${name}`)).toBe(200);
  }
  expect(await statusOfChat('tiny:kept')).toBe(200);
  expect(await statusOfChat('tiny')).toBe(200);
});

test('a name of the base model is taken', async () => {
  await writeTinyAdapter(join(folder, 'base'), 8);
  const body = { lora_name: 'tiny', lora_path: join(folder, 'base') };
  const answer = readAdapterAnswer(await ask('POST', '/v1/load_lora_adapter', body));
  expect(answer).toMatchObject({ kind: 'refused', fault: 'NameTaken' });
});
