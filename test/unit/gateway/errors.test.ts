import { describe, expect, test } from '@jest/globals';
import {
  ERROR_CODES,
  type ErrorCode,
  type ErrorDetails,
  errorBody,
  refuse,
} from '../../../src/gateway/errors.ts';

const named = { classroom: 'python-101', contact: 'Ms Chen' };

const when = 'at 10:32:05 (Asia/Shanghai), in 12 s';

/** One example of every refusal there is; the type makes the table complete. */
const examples: { [C in ErrorCode]: ErrorDetails<C> } = {
  missing_api_key: {},
  malformed_api_key: { why: 'it is too short' },
  invalid_api_key: {},
  expired_api_key: named,
  too_many_failed_attempts: {},
  malformed_token: { why: 'it cannot be read' },
  invalid_token: {},
  wrong_token_issuer: {},
  wrong_token_audience: {},
  expired_token: {},
  token_not_yet_valid: {},
  unknown_student: { ...named, claim: 'sub', student: 'zoe' },
  seat_expired: { ...named, expiredAt: '2026-11-23T10:00:00Z' },
  seat_suspended: named,
  class_not_found: named,
  class_closed: named,
  outside_session: { ...named, next: 'Mon 2026-11-30 09:00 to 12:00 (Asia/Shanghai)' },
  not_in_exam: named,
  exam_began: named,
  unknown_path: { method: 'GET', path: '/x' },
  method_not_allowed: { method: 'GET', path: '/v1/completions', allowed: 'POST' },
  model_required: { names: ['qwen'] },
  model_not_found: { ...named, model: 'gpt-5', names: ['qwen', 'gpt-4o'] },
  adapters_not_allowed: { ...named, model: 'qwen:sql', names: ['qwen', 'gpt-4o'] },
  tools_not_allowed: named,
  adapter_not_loaded: { ...named, model: 'qwen:sql' },
  endpoint_not_served: { path: '/v1/embeddings', model: 'qwen' },
  request_too_large: { limitBytes: 4_194_304 },
  unsupported_encoding: { encoding: 'gzip' },
  invalid_json: { why: 'it is empty' },
  invalid_parameter: { param: 'n', why: 'must be 1. Send several requests instead' },
  malformed_request: { why: 'its length is wrong' },
  headers_too_large: {},
  request_timeout: {},
  context_length_exceeded: { engineMessage: 'The prompt is too long. Shorten it.' },
  refused_by_engine: { engineMessage: 'The temperature is too high. Lower it.', status: 400 },
  concurrent_requests_exceeded: { ...named, running: 2, limit: 2 },
  requests_per_minute_exceeded: { ...named, used: 30, limit: 30, when },
  tokens_per_minute_exceeded: { ...named, used: 99_000, limit: 100_000, needed: 1100, when },
  tokens_per_day_exceeded: { ...named, used: 9_999, limit: 10_000, needed: 11, when, heldByRunning: false },
  tokens_total_exceeded: {
    ...named,
    used: 9_999,
    limit: 10_000,
    needed: 11,
    when: undefined,
    heldByRunning: false,
  },
  class_requests_per_minute_exceeded: { ...named, used: 600, limit: 600, when },
  class_tokens_per_minute_exceeded: { ...named, used: 400_000, limit: 400_000, needed: 90, when },
  gateway_starting: {},
  gateway_stopping: {},
  token_keys_unavailable: {},
  usage_not_counted: named,
  report_key_only: named,
  report_key_needed: named,
  invalid_report_days: { why: '`from` is no date' },
  report_unreadable: named,
  usage_unreadable: named,
  state_store_unavailable: named,
  queue_full: { ...named, whose: 'class', what: '1024 requests' },
  queue_timeout: { ...named, seconds: 120 },
  no_engine_ready: named,
  engine_starting: { ...named, loadSeconds: 95, waitedSeconds: 300, retrySeconds: 30 },
  engine_busy: named,
  engine_unreachable: named,
  engine_failed: named,
  engine_refused_gateway: named,
  engine_silent: { ...named, seconds: 120 },
  answer_too_slow: { seconds: 1800 },
  internal_error: { requestId: 'req_1' },
};

function exampleOf<C extends ErrorCode>(code: C) {
  return refuse(code, examples[code]);
}

const codes = Object.keys(examples) as ErrorCode[];

describe('every refusal', () => {
  test.each(codes)('%s has the shape of OpenAI errors', (code) => {
    const { error } = JSON.parse(errorBody(exampleOf(code)));
    expect(Object.keys(error).sort()).toEqual(['code', 'message', 'param', 'type']);
    expect(error.code).toBe(code);
  });

  test.each(codes)('%s says more than what happened: a second sentence says what to do', (code) => {
    const { message } = exampleOf(code);
    expect(message).toMatch(/^[A-Z"/].*\.$/s);
    expect(message.split(/[.:] /).length).toBeGreaterThan(1);
    expect(message).not.toMatch(/undefined|\[object/);
  });

  test('the type fits the status', () => {
    for (const { status, type } of ERROR_CODES) {
      if (status === 401) expect(type).toBe('authentication_error');
      else if (status === 403) expect(type).toBe('permission_error');
      else if (status === 429) expect(type).toBe('rate_limit_error');
      else if (status >= 500) expect(type).toBe('server_error');
      else expect(['invalid_request_error', 'not_found_error']).toContain(type);
    }
  });

  test('names whom to ask, or the trainer where the class names nobody', () => {
    expect(refuse('seat_suspended', named).message).toContain('Ask Ms Chen');
    expect(refuse('seat_suspended', { classroom: 'x' }).message).toContain('Ask your trainer');
  });

  test('Retry-After is in whole seconds, at least one', () => {
    const headerOf = (retryAfterSeconds: number) =>
      refuse('gateway_stopping', {}, { retryAfterSeconds }).headers['retry-after'];
    expect([headerOf(0), headerOf(1.2), headerOf(10)]).toEqual(['1', '2', '10']);
  });
});
