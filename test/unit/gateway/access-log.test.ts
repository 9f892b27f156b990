import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createLogger } from '../../../src/observability/logger.ts';
import { eventually } from '../../support/eventually.ts';
import { ALICE_KEY, keyNumber } from './builders.ts';
import { type AskOptions, ask, STREAM, startWorld, type World } from './gateway-world.ts';
import { answerJson, answerWell, type ScriptedEngine, startScriptedEngine } from './scripted-engine.ts';

const SECRET = 'my-grandmothers-maiden-name';
/** As a token looks that the gateway does not know; its claims hold the secret. */
const TOKEN = `eyJhbGciOiJSUzI1NiJ9.${Buffer.from(JSON.stringify({ sub: SECRET })).toString('base64url')}.c2lnbmF0dXJl`;
const FOREIGN_KEY = 'sk-proj-0123456789abcdef0123456789abcdef';

const CHAT = { model: 'qwen', messages: [{ role: 'user', content: SECRET }] };

/** Every place that a student can put something into. */
const requests: [string, unknown, AskOptions][] = [
  ['a prompt', CHAT, {}],
  ['a streamed prompt', { ...STREAM, ...CHAT }, {}],
  ['a prompt whose engine fails', { ...CHAT, seed: 500 }, {}],
  ['a prompt whose engine refuses it and quotes it', { ...CHAT, seed: 400 }, {}],
  ['a field nobody knows', { ...CHAT, [SECRET]: SECRET }, {}],
  ['a wrong field', { ...CHAT, temperature: SECRET }, {}],
  ['a wrong model', { ...CHAT, model: SECRET }, {}],
  ['no JSON', `{"messages": ${SECRET}`, {}],
  ['the query', CHAT, { path: `/v1/chat/completions?key=${SECRET}` }],
  ['the path', CHAT, { path: `/v1/${SECRET}` }],
  ['the path of a model', '', { path: `/v1/models/${SECRET}`, method: 'GET' }],
  ['a method', '', { method: 'PROPFIND', path: `/v1/models/${SECRET}` }],
  ['other headers', CHAT, { headers: { 'x-note': SECRET, cookie: SECRET, 'user-agent': SECRET } }],
  ['an address', CHAT, { headers: { 'x-forwarded-for': SECRET } }],
  ['an encoding', CHAT, { headers: { 'content-encoding': SECRET } }],
  ['a wrong key', CHAT, { key: keyNumber(99) }],
  ['the key of another service', CHAT, { key: FOREIGN_KEY }],
  ['a token', CHAT, { key: TOKEN }],
  ['a key as request id', CHAT, { headers: { 'x-request-id': ALICE_KEY } }],
  ['a token as request id', CHAT, { headers: { 'x-request-id': TOKEN } }],
  ['a novel as request id', CHAT, { headers: { 'x-request-id': `${SECRET}-`.repeat(20) } }],
];

let world: World;
let engine: ScriptedEngine;

beforeEach(async () => {
  engine = await startScriptedEngine((call) => {
    const { seed } = call.body;
    if (seed === undefined) answerWell(call);
    else
      answerJson(call.response, Number(seed), {
        error: { message: SECRET, type: SECRET, code: Number(seed) },
      });
  });
  world = await startWorld({ engines: [engine.url] });
});

afterEach(async () => {
  await world.stop();
  await engine.close();
});

test.each(requests)('%s: one line, without it', async (_, body, options) => {
  const answer = await ask(world, body, options);
  await answer.over;
  const lines = await eventually('the line', () => {
    const found = world.log.filter(({ message }) => message === 'request');
    return found.length > 0 && found;
  });
  expect(lines).toHaveLength(1);
  expect(lines[0]?.fields).toMatchObject({ status: answer.status, endpoint: expect.any(String) });
  expect(lines[0]?.fields.requestId).toBe(answer.headers['x-request-id']);
  const text = JSON.stringify(world.log);
  for (const secret of [SECRET, ALICE_KEY, keyNumber(99), FOREIGN_KEY, ...TOKEN.split('.'), 'Hello']) {
    expect(text).not.toContain(secret);
  }
});

test('the id that a client gave its request is in the line, and an answer carries the one of the gateway', async () => {
  const answer = await ask(world, CHAT, { headers: { 'x-request-id': 'lesson-3:task.1' } });
  await answer.over;
  await eventually('the line', () => world.log.length > 0);
  expect(world.log.at(-1)?.fields.clientRequestId).toBe('lesson-3:task.1');
  expect(answer.headers['x-request-id']).toMatch(/^req_[0-9a-f]{32}$/);
});

test('what is written is cleared once more, whoever logs it', () => {
  let written = '';
  const log = createLogger({
    name: 'gateway',
    level: 'info',
    destination: {
      write(line) {
        written += line;
      },
    },
  });
  log.info({ note: `${ALICE_KEY} ${TOKEN}`, authorization: SECRET }, `Bearer ${FOREIGN_KEY}`);
  for (const secret of [ALICE_KEY, TOKEN, SECRET, FOREIGN_KEY]) expect(written).not.toContain(secret);
});
