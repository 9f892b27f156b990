import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import type { JsonObject } from '../../src/gateway/request/body.ts';
import { prepareRequest } from '../../src/gateway/request/prepare.ts';
import { DROPPED_FIELDS } from '../../src/gateway/request/reference.ts';
import { ENDPOINTS } from '../../src/gateway/request/schemas/endpoint.ts';
import { alice } from '../unit/gateway/builders.ts';
import { installedVllmOf } from './installed.ts';

const PATHS = ['/v1/chat/completions', '/v1/completions', '/v1/responses', '/v1/messages'] as const;
type Path = (typeof PATHS)[number];

const HELLO = [{ role: 'user', content: 'Hello' }];
const PARAMETERS = { type: 'object', properties: { city: { type: 'string' } } };

/** Requests with every field that the gateway passes on. */
const REQUESTS: Record<Path, JsonObject[]> = {
  '/v1/chat/completions': [
    { messages: HELLO, stream: true, n: 3, temperature: 0.2, top_p: 0.9, top_k: -1, min_p: 0.1, seed: 7 },
    { messages: HELLO, stop: ['a', 'b', 'c', 'd'], stop_token_ids: [7], include_stop_str_in_output: true },
    { messages: HELLO, presence_penalty: 2, frequency_penalty: -2, repetition_penalty: 1.1 },
    {
      messages: HELLO,
      logprobs: true,
      top_logprobs: 20,
      skip_special_tokens: false,
      spaces_between_special_tokens: false,
    },
    { messages: HELLO, reasoning_effort: 'max', include_reasoning: true, thinking_token_budget: 0 },
    {
      messages: HELLO,
      chat_template_kwargs: { enable_thinking: false },
      add_generation_prompt: true,
      continue_final_message: false,
    },
    {
      messages: HELLO,
      response_format: { type: 'json_schema', json_schema: { name: 'a', schema: PARAMETERS, strict: true } },
    },
    {
      messages: [
        { role: 'developer', content: [{ type: 'text', text: 'Be brief.' }] },
        {
          role: 'user',
          name: 'alice',
          content: [
            {
              type: 'image_url',
              image_url: {
                url: 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAAAAAAAA',
                detail: 'low',
              },
            },
          ],
        },
        {
          role: 'assistant',
          content: null,
          tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }],
        },
        { role: 'tool', tool_call_id: 'c', content: '1' },
        { role: 'assistant', content: 'a', reasoning: 'b', reasoning_content: 'c', refusal: null },
      ],
      tools: [
        { type: 'function', function: { name: 'f', description: 'F', parameters: PARAMETERS, strict: true } },
      ],
      tool_choice: { type: 'function', function: { name: 'f' } },
      parallel_tool_calls: false,
    },
  ],
  '/v1/completions': [
    { prompt: [1, 2], echo: true, add_special_tokens: false, stream: true },
    { prompt: ['a'], logprobs: 20, n: 4 },
    { prompt: [[1]], response_format: { type: 'json_object' } },
  ],
  '/v1/responses': [
    {
      input: 'a',
      instructions: 'b',
      stream: true,
      temperature: 2,
      top_p: 1,
      top_k: 0,
      min_p: 0,
      seed: 1,
      stop: 'a',
    },
    {
      input: 'a',
      presence_penalty: 1,
      frequency_penalty: 1,
      repetition_penalty: 2,
      top_logprobs: 3,
      metadata: { a: 'b' },
    },
    {
      input: 'a',
      include: ['reasoning.encrypted_content'],
      truncation: 'auto',
      store: true,
      reasoning: { effort: 'low', summary: 'auto' },
    },
    {
      input: [
        { role: 'user', content: [{ type: 'input_text', text: 'a' }] },
        {
          type: 'message',
          id: 'msg_1',
          role: 'assistant',
          status: 'completed',
          content: [{ type: 'output_text', text: 'Hi' }],
        },
        { type: 'reasoning', id: 'rs_1', summary: [], content: [{ type: 'reasoning_text', text: 'Hm' }] },
        { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' },
        { type: 'function_call_output', call_id: 'c', output: '1' },
      ],
      tools: [{ type: 'function', name: 'f', parameters: PARAMETERS, strict: false }],
      tool_choice: 'required',
      parallel_tool_calls: true,
      text: { format: { type: 'json_schema', name: 'a', schema: PARAMETERS }, verbosity: 'low' },
    },
  ],
  '/v1/messages': [
    {
      messages: HELLO,
      max_tokens: 5,
      system: 'a',
      stop_sequences: ['a'],
      temperature: 1,
      top_p: 1,
      top_k: 3,
      stream: true,
    },
    {
      messages: HELLO,
      max_tokens: 5,
      thinking: { type: 'adaptive' },
      output_config: { effort: 'low', format: { type: 'json_schema', schema: PARAMETERS } },
    },
    {
      max_tokens: 5,
      messages: [
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'a', signature: 'b' },
            { type: 'tool_use', id: 't', name: 'f', input: { a: 1 } },
          ],
        },
        {
          role: 'user',
          content: [
            {
              type: 'tool_result',
              tool_use_id: 't',
              content: [{ type: 'text', text: '1' }],
              is_error: false,
            },
          ],
        },
      ],
      tools: [{ name: 'f', description: 'F', input_schema: PARAMETERS }],
      tool_choice: { type: 'tool', name: 'f' },
    },
  ],
};

const answerSchema = z.record(
  z.string(),
  z.object({ fields: z.array(z.string()), refusals: z.array(z.string()) }),
);

/** What the models of the installed vLLM say to the bodies that the gateway makes of these requests. */
function askVllm(): z.infer<typeof answerSchema> {
  const folder = dirname(installedVllmOf(process.env).program);
  const python = [join(folder, 'venv/bin/python'), join(folder, 'python')].find((path) => existsSync(path));
  if (python === undefined) throw new Error(`There is no python in ${folder} or its venv/bin.`);
  // Salts of the tests are easy to read; vLLM takes those of the gateway's own alphabet.
  const seat = { ...alice(), cacheSalt: 'x'.repeat(43) };
  const bodies = Object.fromEntries(
    PATHS.map((path) => [
      path,
      REQUESTS[path].map((request) => {
        const result = prepareRequest(path, { model: 'qwen', ...request }, seat);
        if (!result.ok) throw new Error(result.refusal.message);
        expect(result.request.droppedFields).toEqual([]);
        return JSON.parse(result.request.body);
      }),
    ]),
  );
  const script = join(import.meta.dirname, 'request_models.py');
  const { stdout, stderr } = spawnSync(python, [script], { input: JSON.stringify(bodies), encoding: 'utf8' });
  const last = stdout.trimEnd().split('\n').at(-1) ?? '';
  if (!last.startsWith('{')) throw new Error(`vLLM said: ${stderr}`);
  return answerSchema.parse(JSON.parse(last));
}

describe('the request models of the installed vLLM', () => {
  const answer = askVllm();

  test.each(PATHS)('take what the gateway makes of a request to %s', (path) => {
    expect(answer[path]?.refusals).toEqual([]);
  });

  test.each(PATHS)('have every field that the gateway passes on to %s', (path) => {
    const { shape } = ENDPOINTS[path].schema;
    // One value takes the place of all names; these two are answered by the gateway.
    const own = new Set(['conversation', 'max_tokens', 'max_completion_tokens']);
    const unknown = Object.keys(shape).filter(
      (field) => !own.has(field) && !answer[path]?.fields.includes(field),
    );
    expect(unknown).toEqual([]);
  });

  test.each(PATHS)('have no field of %s of which the reference says nothing', (path) => {
    const { shape } = ENDPOINTS[path].schema;
    const named = new Set([...Object.keys(shape), ...Object.values(DROPPED_FIELDS).flat(), 'cache_salt']);
    const names = Object.values(ENDPOINTS).flatMap(({ schema }) => Object.keys(schema.shape));
    const missing = answer[path]?.fields.filter((field) => !named.has(field) && !names.includes(field));
    expect(missing).toEqual([]);
  });
});
