import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../../../src/gateway/request/body.ts';
import { ENGINE_PATHS, type EnginePath } from '../../../../src/gateway/request/endpoints.ts';
import { prepareRequest } from '../../../../src/gateway/request/prepare.ts';
import { DROPPED_FIELDS, FIELD_RULES } from '../../../../src/gateway/request/reference.ts';
import { ENDPOINTS } from '../../../../src/gateway/request/schemas/endpoint.ts';
import { alice } from '../builders.ts';

const LEAST: Record<EnginePath, JsonObject> = {
  '/v1/chat/completions': { messages: [{ role: 'user', content: 'a' }] },
  '/v1/completions': { prompt: 'a' },
  '/v1/responses': { input: 'a' },
  '/v1/embeddings': { input: 'a' },
  '/v1/messages': { messages: [{ role: 'user', content: 'a' }], max_tokens: 1 },
};

describe('the reference of request fields', () => {
  test('has a rule for every field of every schema, and for no other', () => {
    const fields = ENGINE_PATHS.flatMap((path) => Object.keys(ENDPOINTS[path].schema.shape));
    expect(Object.keys(FIELD_RULES).sort()).toEqual([...new Set(fields)].sort());
  });

  test.each(Object.values(DROPPED_FIELDS).flat())('%s is dropped by every endpoint, and named', (field) => {
    for (const path of ENGINE_PATHS) {
      const result = prepareRequest(path, { model: 'qwen', ...LEAST[path], [field]: [{ a: 1 }] }, alice());
      if (!result.ok) throw new Error(result.refusal.message);
      expect(JSON.parse(result.request.body)).not.toHaveProperty(field);
      expect(result.request.droppedFields).toEqual([field]);
    }
  });
});
