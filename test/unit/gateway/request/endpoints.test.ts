import { describe, expect, test } from '@jest/globals';
import { ENGINE_PATHS, routeOf } from '../../../../src/gateway/request/endpoints.ts';

describe('what can be called', () => {
  test.each(ENGINE_PATHS)('POST %s goes to an engine', (path) => {
    expect(routeOf('POST', path)).toEqual({ kind: 'engine', path });
  });

  test('a query is ignored', () => {
    expect(routeOf('POST', '/v1/completions?api-version=2025&x=/v1/models')).toEqual({
      kind: 'engine',
      path: '/v1/completions',
    });
  });

  test.each([
    ['/v1/usage', { kind: 'usage' }],
    ['/v1/models', { kind: 'models' }],
    ['/v1/models/qwen', { kind: 'model', model: 'qwen' }],
    ['/v1/models/Qwen%2FQwen2.5', { kind: 'model', model: 'Qwen/Qwen2.5' }],
    ['/v1/models/Qwen/Qwen2.5', { kind: 'model', model: 'Qwen/Qwen2.5' }],
  ])('GET %s is answered here', (path, want) => {
    expect(routeOf('GET', path)).toEqual(want);
  });

  test.each([
    ['GET', '/v1/chat/completions', 'POST'],
    ['OPTIONS', '/v1/responses', 'POST'],
    ['HEAD', '/v1/models', 'GET'],
    ['DELETE', '/v1/models/qwen', 'GET'],
    ['POST', '/v1/usage', 'GET'],
  ])('%s %s is a 405 that names what is allowed', (method, path, allowed) => {
    expect(routeOf(method, path)).toMatchObject({
      kind: 'refused',
      refusal: { status: 405, headers: { allow: allowed } },
    });
  });
});

describe('no spelling of a path leads to another endpoint of the engine', () => {
  test.each([
    '/',
    '/v1',
    '/v1/',
    '/health',
    '/metrics',
    '/invocations',
    '/tokenize',
    '/v1/load_lora_adapter',
    '/v1/unload_lora_adapter',
    '/v1/responses/resp_1',
    '/v1/responses/resp_1/cancel',
    '/v1/chat/completions/',
    '/v1/chat/completions/batch',
    '/v1/chat/completions/render',
    '//v1/chat/completions',
    '/v1//chat/completions',
    '/v1/./chat/completions',
    '/v1/chat/../chat/completions',
    '/v1/chat/completions/../../../metrics',
    '/v1/chat/completions/%2e%2e/%2e%2e/tokenize',
    '/v1/chat%2fcompletions',
    '/%76%31/chat/completions',
    '/V1/Chat/Completions',
    '/v1/chat/completions;x=1',
    '/v1/chat/completions#x',
    '/v1/chat/completions\\..\\tokenize',
    'http://engine:8000/v1/chat/completions',
    'http://gateway/metrics',
    '*',
    '',
    '/v1/models/',
    '/v1/usage/bob',
    '/v1/models/%zz',
  ])('POST %j is a 404', (path) => {
    expect(routeOf('POST', path)).toMatchObject({ kind: 'refused', refusal: { status: 404 } });
  });

  test('a long path is cut in the message', () => {
    const route = routeOf('GET', `/${'x'.repeat(5000)}`);
    expect(route.kind === 'refused' ? route.refusal.message.length : 0).toBeLessThan(500);
  });
});
