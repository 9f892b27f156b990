import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startVllmSimulator, type VllmSimulator } from '../../src/demo/vllm/simulator.ts';
import { hasPython, pythonWithOpenAI } from '../support/python-client.ts';
import { ALICE_KEY } from '../unit/gateway/builders.ts';
import { startWorld, type World } from '../unit/gateway/gateway-world.ts';
import {
  beginStream,
  DONE_FRAME,
  type ScriptedEngine,
  startScriptedEngine,
  tokenFrame,
} from '../unit/gateway/scripted-engine.ts';

const run = promisify(execFile);
const SCRIPT = join(import.meta.dirname, 'clients/gateway.py');
const ARGUMENTS =
  'serve Qwen/Qwen2.5-7B-Instruct --served-model-name qwen gpt-4o --port 0 --host 127.0.0.1 --max-model-len 4096';

const python = hasPython() ? test : test.skip;

/** Engines that answer in words, in vectors, with a call of a tool, and not to the end; a gateway before each. */
let simulators: VllmSimulator[];
let scripted: ScriptedEngine[];
let worlds: World[];

const simulator = (differs: object): Promise<VllmSimulator> =>
  startVllmSimulator({
    argv: ARGUMENTS.split(' '),
    env: { VLLM_SIMULATOR: JSON.stringify({ loadSeconds: 0, speed: 50, ...differs }) },
  });

const toolFrame = (delta: object, finish_reason: string | null = null): string =>
  `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'qwen', choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
const piece = (text: string): string =>
  toolFrame({ tool_calls: [{ index: 0, function: { arguments: text } }] });

beforeAll(async () => {
  simulators = await Promise.all([simulator({}), simulator({ task: 'embed' })]);
  scripted = [
    await startScriptedEngine(({ response }) => {
      beginStream(response);
      const call = { index: 0, id: 'call_1', type: 'function', function: { name: 'weather', arguments: '' } };
      // The gateway's heartbeat, byte for byte: clients must read over it.
      response.write(': waiting\n\n');
      response.write(toolFrame({ role: 'assistant', content: '' }) + toolFrame({ tool_calls: [call] }));
      response.end(piece('{"city":') + piece('"Bern"}') + toolFrame({}, 'tool_calls') + DONE_FRAME);
    }),
    await startScriptedEngine(({ response }) => {
      beginStream(response);
      response.write(tokenFrame('Hel'), () => response.destroy());
    }),
  ];
  worlds = await Promise.all([...simulators, ...scripted].map(({ url }) => startWorld({ engines: [url] })));
});

afterAll(async () => {
  for (const world of worlds) await world.stop();
  for (const engine of [...simulators, ...scripted]) await engine.close();
});

python('the official Python client understands every answer and every refusal', async () => {
  const [ENGINE, EMBEDDER, TOOLS, BREAKING] = worlds.map(({ url }) => url);
  const { stdout } = await run(pythonWithOpenAI(), [SCRIPT], {
    env: { ...process.env, OPENAI_API_KEY: ALICE_KEY, ENGINE, EMBEDDER, TOOLS, BREAKING },
  });
  const results = JSON.parse(stdout);
  expect(results).toEqual({
    chat: { model: 'qwen', tokens: expect.any(Number) },
    'chat stream': { text: expect.stringMatching(/./), usages: 0 },
    schema: { parsed: true },
    tools: { name: 'weather', arguments: { city: 'Bern' } },
    completions: { tokens: expect.any(Number) },
    responses: {
      text: expect.stringMatching(/./),
      last: expect.stringMatching(/^response\.(completed|incomplete)$/),
    },
    embeddings: { vectors: 2, numbers: true },
    models: ['qwen', 'gpt-4o'],
    'wrong key': { class: 'AuthenticationError', status: 401, code: 'malformed_api_key', param: null },
    'wrong model': { class: 'NotFoundError', status: 404, code: 'model_not_found', param: 'model' },
    'wrong field': { class: 'BadRequestError', status: 400, code: 'invalid_parameter', param: 'temperature' },
    'wrong part': {
      class: 'BadRequestError',
      status: 400,
      code: 'invalid_parameter',
      param: 'messages[0].content[0].type',
    },
    'too long': { class: 'BadRequestError', status: 400, code: 'context_length_exceeded', param: 'messages' },
    'broken stream': { class: 'APIError', status: null, code: 'engine_failed', param: null },
  });
});
