import { expect, test } from '@jest/globals';
import { hubId } from '../../../../src/cli/create/hub-id.ts';

test.each([
  ['the name of the catalogue', 'qwen2.5-7b', 'Qwen/Qwen2.5-7B-Instruct'],
  ['the name on the hub without its organisation', 'Qwen2.5-7B-Instruct', 'Qwen/Qwen2.5-7B-Instruct'],
  ['a hub id in other letters', 'qwen/qwen2.5-7b-instruct', 'Qwen/Qwen2.5-7B-Instruct'],
  ['a hub id', 'Qwen/Qwen2.5-7B-Instruct', 'Qwen/Qwen2.5-7B-Instruct'],
  ['a packed model, which is another one', 'Qwen/Qwen2.5-7B-Instruct-AWQ', 'Qwen/Qwen2.5-7B-Instruct-AWQ'],
  ["somebody's own", 'acme/tutor-7b', 'acme/tutor-7b'],
  ['a path on the model volume', '/models/tutor', '/models/tutor'],
])('what vLLM loads for %s', (_, meant, wantId) => {
  expect(hubId(meant)).toBe(wantId);
});
