import { describe, expect, test } from '@jest/globals';
import { parseEngineError, refusalOfEngineError } from '../../../../src/gateway/engines/errors.ts';
import { alice } from '../builders.ts';

const openAi = (message: string, code: number, param: string | null = null): string =>
  JSON.stringify({ error: { message, type: 'BadRequestError', param, code } });

/** Bodies as vLLM 0.32 sends them. */
const cases: [
  string,
  number,
  string,
  { status: number; code: string; message?: RegExp; param?: string | null },
][] = [
  [
    "the student's fault",
    400,
    openAi('n must be 1 when using greedy sampling, got 2.', 400),
    { status: 400, code: 'refused_by_engine', message: /greedy/ },
  ],
  [
    'names the parameter',
    400,
    openAi('temperature must be at most 2', 400, 'temperature'),
    { status: 400, code: 'refused_by_engine', param: 'temperature' },
  ],
  [
    'a prompt that is too long has the code OpenAI gives it',
    400,
    openAi('This model’s maximum context length is 2048 tokens.', 400, 'input_tokens'),
    { status: 400, code: 'context_length_exceeded', message: /2048/, param: 'messages' },
  ],
  [
    'text that is no UTF-8: FastAPI’s shape',
    400,
    '{"detail":"There was an error parsing the body"}',
    { status: 400, code: 'refused_by_engine', message: /parsing the body/ },
  ],
  [
    'an unknown endpoint: FastAPI’s shape',
    404,
    '{"detail":"Not Found"}',
    { status: 404, code: 'endpoint_not_served', message: /\/v1\/embeddings/ },
  ],
  [
    'an unknown model',
    404,
    openAi('The model `x` does not exist.', 404, 'model'),
    { status: 404, code: 'refused_by_engine', param: 'model' },
  ],
  [
    "the gateway's own key is wrong: not the student's",
    401,
    '{"error":"Unauthorized"}',
    { status: 502, code: 'engine_refused_gateway' },
  ],
  ['forbidden', 403, '', { status: 502, code: 'engine_refused_gateway' }],
  ['busy', 503, openAi('The engine is currently busy', 503), { status: 503, code: 'engine_busy' }],
  ['a crash', 500, openAi('EngineCore encountered an issue', 500), { status: 502, code: 'engine_failed' }],
  ['a redirect', 307, '', { status: 502, code: 'engine_failed' }],
  ['an error without a body', 422, '', { status: 422, code: 'refused_by_engine', message: /422/ }],
  ['an HTML page', 400, '<html>', { status: 400, code: 'refused_by_engine' }],
];

describe("an engine's error as the student sees it", () => {
  test.each(cases)('%s', (_, status, body, want) => {
    const refusal = refusalOfEngineError(parseEngineError(status, body), alice(), '/v1/embeddings');
    expect(refusal).toMatchObject({ status: want.status, code: want.code, param: want.param ?? null });
    expect(refusal.message).toMatch(want.message ?? /./);
  });

  test('an error inside a stream says its own status', () => {
    expect(parseEngineError(200, openAi('busy', 503))).toMatchObject({ status: 503 });
  });

  test('a busy engine says when to come back', () => {
    const refusal = refusalOfEngineError(parseEngineError(503, ''), alice(), '/v1/completions');
    expect(refusal.headers).toHaveProperty('retry-after');
  });

  test('a schema error that repeats the request is cut, and shows no salt', () => {
    const seat = alice();
    const message = `1 validation error: {'cache_salt': '${seat.cacheSalt}'} ${'x'.repeat(5000)}`;
    const refusal = refusalOfEngineError(
      parseEngineError(400, openAi(message, 400)),
      seat,
      '/v1/completions',
    );
    expect(refusal.message).not.toContain(seat.cacheSalt);
    expect(refusal.message.length).toBeLessThan(1100);
  });
});
