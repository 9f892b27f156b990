import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { hasPython, pythonWithOpenAI } from '../support/python-client.ts';
import { ALICE_KEY, aClassroomLimiting } from '../unit/gateway/builders.ts';
import { startWorld, type World } from '../unit/gateway/gateway-world.ts';
import { type ScriptedEngine, startScriptedEngine } from '../unit/gateway/scripted-engine.ts';

const run = promisify(execFile);
const SCRIPT = join(import.meta.dirname, 'clients/limits.py');
const python = hasPython() ? test : test.skip;

let engine: ScriptedEngine;
let minute: World;
let day: World;

beforeAll(async () => {
  engine = await startScriptedEngine();
  const engines = [engine.url];
  minute = await startWorld({ engines, classroom: aClassroomLimiting({ requestsPerMinute: 15 }) });
  day = await startWorld({ engines, classroom: aClassroomLimiting({ tokensPerDay: 300 }) });
});

afterAll(async () => {
  await minute.stop();
  await day.stop();
  await engine.close();
});

/** Requests that were refused, by the access log of the gateway. */
function refusals({ log }: World, code: string): number {
  return log.filter(({ message, fields }) => message === 'request' && fields.code === code).length;
}

python('the official Python client waits for a minute, and does not try a used-up day in vain', async () => {
  const { stdout } = await run(pythonWithOpenAI(), [SCRIPT], {
    env: { ...process.env, OPENAI_API_KEY: ALICE_KEY, MINUTE: minute.url, DAY: day.url },
  });
  expect(JSON.parse(stdout)).toEqual({
    refused: {
      code: 'requests_per_minute_exceeded',
      type: 'rate_limit_error',
      retryAfter: expect.stringMatching(/^[1-4]$/),
    },
    retries: 1,
    answered: 'Hello.',
    spent: { code: 'tokens_per_day_exceeded', type: 'rate_limit_error', retryAfter: expect.any(String) },
    again: 'tokens_per_day_exceeded',
  });
  expect(refusals(minute, 'requests_per_minute_exceeded')).toBe(2);
  expect(refusals(day, 'tokens_per_day_exceeded')).toBe(2);
});
