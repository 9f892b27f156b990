import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import OpenAI from 'openai';
import { startVllmSimulator, type VllmSimulator } from '../../../src/demo/vllm/simulator.ts';
import type { ClassroomRecord } from '../../../src/gateway/identity/seat.ts';
import { readLoadedAdapters } from '../../../src/vllm/loaded-adapters.ts';
import { ALICE_KEY, aClassroom, SQL } from './builders.ts';
import { ask, CHAT, startWorld, type World } from './gateway-world.ts';

/** The official client against the gateway in front of simulated engines, of which not all have the adapter. */
const WITH_ADAPTERS = aClassroom({ adapters: [SQL] });
const EXAM = { students: [], maxOutputTokens: 512, allowAdapters: false, allowTools: false };
const HELLO = { messages: [{ role: 'user' as const, content: 'Say hello.' }], max_tokens: 8 };

let engines: VllmSimulator[];
let world: World;

function startEngine(): Promise<VllmSimulator> {
  return startVllmSimulator({
    argv: [
      ...['serve', 'Qwen/Qwen2.5-7B-Instruct', '--served-model-name', 'qwen', 'gpt-4o'],
      ...['--host', '127.0.0.1', '--port', '0', '--max-model-len', '4096', '--enable-lora'],
    ],
    env: {
      VLLM_ALLOW_RUNTIME_LORA_UPDATING: 'True',
      VLLM_SIMULATOR: JSON.stringify({ loadSeconds: 0, speed: 20 }),
    },
    inspectAdapter: () => ({ kind: 'directory', config: '{"r": 8}', hasWeights: true }),
  });
}

/** As the operator does. */
async function load(engine: VllmSimulator | undefined): Promise<void> {
  const answer = await fetch(`${engine?.url}/v1/load_lora_adapter`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ lora_name: SQL.model, lora_path: SQL.folder }),
  });
  expect(answer.status).toBe(200);
}

async function start(classroom: ClassroomRecord = WITH_ADAPTERS): Promise<void> {
  world = await startWorld({ classroom, engines: engines.map(({ url }) => url) });
}

const client = () => new OpenAI({ apiKey: ALICE_KEY, baseURL: `${world.url}/v1`, maxRetries: 0 });
const chat = (model: string) => client().chat.completions.create({ model, ...HELLO });

beforeEach(async () => {
  engines = [await startEngine(), await startEngine()];
});

afterEach(async () => {
  await world.stop();
  await Promise.all(engines.map((engine) => engine.close()));
});

describe('the OpenAI client', () => {
  test.each(SQL.modelNames)('is answered by the adapter %s, which the answer names', async (model) => {
    await Promise.all(engines.map(load));
    await start();
    expect((await chat(model)).model).toBe('qwen:sql');
  });

  test('is answered in a stream whose every chunk names the adapter', async () => {
    await Promise.all(engines.map(load));
    await start();
    const stream = await client().chat.completions.create({ model: 'qwen:sql', ...HELLO, stream: true });
    const models = new Set<string>();
    for await (const chunk of stream) models.add(chunk.model);
    expect(models).toEqual(new Set(['qwen:sql']));
  });

  test('sees the adapters in the list of models, with their base model', async () => {
    await start();
    const { data } = await client().models.list();
    expect(data.map(({ id }) => id)).toEqual(['qwen', 'gpt-4o', 'qwen:sql']);
    expect(await client().models.retrieve('qwen:sql')).toMatchObject({ id: 'qwen:sql', parent: 'qwen' });
  });

  test('sees none of them in an exam, and is told so', async () => {
    await start(aClassroom({ adapters: [SQL], access: 'Exam', exam: EXAM }));
    expect((await client().models.list()).data.map(({ id }) => id)).toEqual(['qwen', 'gpt-4o']);
    await expect(client().models.retrieve('qwen:sql')).rejects.toMatchObject({ status: 404 });
    await expect(chat('qwen:sql')).rejects.toMatchObject({ status: 403, code: 'adapters_not_allowed' });
  });
});

test.each(['/v1/load_lora_adapter', '/v1/unload_lora_adapter'])(
  'nobody but the operator reaches %s: no student changes what the class uses',
  async (path) => {
    await Promise.all(engines.map(load));
    await start();
    const body = { lora_name: SQL.model, lora_path: '/etc', load_inplace: true };
    const answer = await ask(world, body, { path });
    expect(answer.status).toBe(404);
    for (const { url } of engines) {
      const text = await (await fetch(`${url}/v1/models`)).text();
      expect(readLoadedAdapters(text)).toEqual([{ model: SQL.model, folder: SQL.folder }]);
    }
  },
);

describe('an engine that has not loaded the adapter', () => {
  test('is passed over for one that has, before anybody knows which has what', async () => {
    await load(engines[1]);
    await start();
    for (let i = 0; i < 4; i++) expect((await chat('qwen:sql')).model).toBe('qwen:sql');
    const asked = engines.map(({ engine }) => engine.requests.length);
    expect(asked).toEqual([0, 4]);
  });

  test('and no other one either: the student is told to come back', async () => {
    await start();
    await expect(chat('qwen:sql')).rejects.toMatchObject({
      status: 503,
      code: 'adapter_not_loaded',
      message: expect.stringContaining('Ask Ms Chen, room 214'),
    });
    const answer = await ask(world, { ...CHAT, model: 'qwen:sql' });
    expect(answer.headers['retry-after']).toBe('2');
    expect((await chat('qwen')).model).toBe('qwen');
  });

  test('is not held against it: the base model is served there as before', async () => {
    await start();
    for (let i = 0; i < 5; i++) await chat('qwen:sql').catch(() => {});
    expect(world.gateway.engines.readyCount(WITH_ADAPTERS.key)).toBe(2);
  });

  test('costs the student no tokens', async () => {
    await start();
    await chat('qwen:sql').catch(() => {});
    const usage = await (
      await fetch(`${world.url}/v1/usage`, { headers: { authorization: `Bearer ${ALICE_KEY}` } })
    ).json();
    expect(usage).toMatchObject({ total: { requests: 1, completed: 0, total_tokens: 0 } });
  });
});
