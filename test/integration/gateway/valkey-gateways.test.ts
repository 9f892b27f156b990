import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { eventually } from '../../support/eventually.ts';
import { type GatewayProcess, startGatewayProcess } from '../../support/gateway-process.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { startValkey, type ValkeyServer } from '../../support/valkey.ts';
import { ALICE_KEY } from '../../unit/gateway/builders.ts';
import {
  answerWell,
  beginStream,
  DONE_FRAME,
  type EngineCall,
  type ScriptedEngine,
  startScriptedEngine,
  tokenFrame,
  USAGE_FRAME,
} from '../../unit/gateway/scripted-engine.ts';

/** Of the answers that the engine gives. */
const USAGE = { prompt_tokens: 3, completion_tokens: 2 };
const DEADLINES = 'gpu-classroom:{static/python-101}:deadlines';

let valkey: ValkeyServer;
let engine: ScriptedEngine;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
/** Streams that the engine has begun and a test ends. */
let streams: EngineCall[];
let started: Gateway[];

interface Gateway extends GatewayProcess {
  readonly base: string;
  readonly health: string;
}

beforeAll(async () => {
  valkey = await startValkey();
});
afterAll(async () => {
  await valkey[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await valkey.command('FLUSHALL');
  streams = [];
  started = [];
  folder = await temporaryFolder();
  engine = await startScriptedEngine((call) => {
    if (call.body.stream !== true) return answerWell(call);
    beginStream(call.response);
    call.response.write(tokenFrame('Hel'));
    streams.push(call);
  });
});
afterEach(async () => {
  for (const gateway of started) gateway.kill('SIGKILL');
  await Promise.all(started.map((gateway) => gateway.exited()));
  await engine.close();
  await folder[Symbol.asyncDispose]();
});

const addressesSchema = z.object({ address: z.string(), health: z.string() });

async function startGateway(limits: object): Promise<Gateway> {
  const classes = join(folder.path, 'static.yaml');
  const spec = {
    model: { id: 'a/b', servedName: 'qwen', maxModelLen: 4096 },
    limits: { perStudent: limits },
  };
  const students = [{ id: 'alice', key: ALICE_KEY }];
  await writeFile(
    classes,
    JSON.stringify({ classes: [{ name: 'python-101', spec, engines: [engine.url], students }] }),
  );
  const gateway = startGatewayProcess([
    `--valkey=${valkey.url}`,
    `--static=${classes}`,
    '--health-address=127.0.0.1:0',
  ]);
  const { address, health } = addressesSchema.parse(await gateway.logged('The gateway takes requests'));
  const running = { ...gateway, base: `http://${address}`, health: `http://${health}` };
  started.push(running);
  return running;
}

async function startReady(limits: object): Promise<Gateway> {
  const gateway = await startGateway(limits);
  await eventually('the gateway to be ready', async () => (await fetch(`${gateway.health}/readyz`)).ok);
  return gateway;
}

function ask({ base }: Gateway, stream = false): Promise<Response> {
  return fetch(`${base}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ALICE_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'qwen', stream, messages: [{ role: 'user', content: 'Hi' }] }),
  });
}

const usageSchema = z.object({
  today: z.object({
    requests: z.number(),
    completed: z.number(),
    throttled: z.number(),
    prompt_tokens: z.number(),
    completion_tokens: z.number(),
  }),
});

async function usedToday({ base }: Gateway) {
  const answer = await fetch(`${base}/v1/usage`, { headers: { authorization: `Bearer ${ALICE_KEY}` } });
  return usageSchema.parse(await answer.json()).today;
}

describe('two gateways with one Valkey', () => {
  test('admit together exactly what a student may, and have one account', async () => {
    const a = await startReady({ requestsPerMinute: 10, concurrentRequests: 100 });
    const b = await startReady({ requestsPerMinute: 10, concurrentRequests: 100 });
    const answers = await Promise.all(Array.from({ length: 60 }, (_, i) => ask(i % 2 ? a : b)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(10);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(50);
    const used = { requests: 10, completed: 10, throttled: 50, prompt_tokens: 30, completion_tokens: 20 };
    expect(await usedToday(a)).toEqual(used);
    expect(await usedToday(b)).toEqual(used);
  });

  test('are replaced one after the other without a request, a count or a place being lost', async () => {
    const limits = { concurrentRequests: 2, requestsPerMinute: 1_000 };
    const old = await startReady(limits);
    const reading = await ask(old, true);
    await eventually('the engine to answer', () => streams.length === 1);
    const young = await startReady(limits);
    const stopped = old.stop();
    await eventually('the old gateway to take no more', () => old.output().includes('The gateway stops'));
    expect((await ask(young)).status).toBe(200);
    const second = await ask(young, true);
    expect((await ask(young)).status).toBe(429);
    for (const { response } of streams) response.end(tokenFrame('lo.') + USAGE_FRAME + DONE_FRAME);
    expect(await reading.text()).toContain('[DONE]');
    expect(await second.text()).toContain('[DONE]');
    expect(await stopped).toBe(0);
    expect(await usedToday(young)).toEqual({
      requests: 3,
      completed: 3,
      throttled: 1,
      prompt_tokens: 3 * USAGE.prompt_tokens,
      completion_tokens: 3 * USAGE.completion_tokens,
    });
  });

  test('book for one that was killed, when its leases run out, the prompts that it had admitted', async () => {
    const limits = { concurrentRequests: 1 };
    const a = await startReady(limits);
    const b = await startReady(limits);
    const reading = await ask(a, true);
    await eventually('the engine to answer', () => streams.length === 1);
    a.kill('SIGKILL');
    await expect(reading.text()).rejects.toThrow();
    expect((await ask(b)).status).toBe(429);
    const leases = z.array(z.string()).length(1);
    const [lease = ''] = leases.parse(await valkey.command('ZRANGE', DEADLINES, '0', '-1'));
    // As if the minute had passed.
    await valkey.command('ZADD', DEADLINES, '1', lease);
    expect((await ask(b)).status).toBe(200);
    const used = await usedToday(b);
    expect(used).toMatchObject({ requests: 2, completed: 1, throttled: 1, completion_tokens: 2 });
    expect(used.prompt_tokens).toBeGreaterThan(USAGE.prompt_tokens);
    expect(await usedToday(b)).toEqual(used);
  });
});

test('nothing is lost or given twice while gateways are killed under load', async () => {
  const limits = {
    tokensTotal: 2_000,
    concurrentRequests: 60,
    requestsPerMinute: 100_000,
    maxOutputTokens: 2,
  };
  const gateways = [await startReady(limits), await startReady(limits)];
  let completed = 0;
  let isOver = false;
  const client = async (number: number): Promise<void> => {
    while (!isOver) {
      const gateway = gateways[number % gateways.length];
      const answer = gateway && (await ask(gateway).catch(() => undefined));
      const body = await answer?.text().catch(() => undefined);
      if (answer?.status === 200 && body !== undefined) completed += 1;
      else isOver ||= body?.includes('tokens_total_exceeded') === true && !body.includes('running');
    }
  };
  const clients = Array.from({ length: 12 }, (_, number) => client(number));
  for (const number of [0, 1]) {
    const target = engine.calls.length + 50;
    await eventually('some to be answered', () => isOver || engine.calls.length >= target);
    gateways[number]?.kill('SIGKILL');
    gateways[number] = await startReady(limits);
  }
  const [survivor] = gateways;
  if (survivor === undefined) throw new Error('no gateway is left');
  // As if the minute had passed, so that the leases of the killed ones run out.
  const expireAll = async (): Promise<void> => {
    for (const lease of z.array(z.string()).parse(await valkey.command('ZRANGE', DEADLINES, '0', '-1'))) {
      await valkey.command('ZADD', DEADLINES, 'XX', '1', lease);
    }
  };
  await eventually('the budget to be used up', async () => {
    if (!isOver) await expireAll();
    return isOver;
  });
  await Promise.all(clients);
  await expireAll();

  const { requests, completed: booked, ...used } = await usedToday(survivor);
  expect(used.prompt_tokens + used.completion_tokens).toBeLessThanOrEqual(limits.tokensTotal);
  // What was booked as complete, an engine has answered; what a client has read, is booked.
  expect(booked).toBeGreaterThanOrEqual(completed);
  expect(booked).toBeLessThanOrEqual(engine.calls.length);
  expect(used.completion_tokens).toBe(booked * USAGE.completion_tokens);
  // Whatever reached an engine had a lease, and each lease is in the account.
  expect(requests).toBeGreaterThanOrEqual(engine.calls.length);
});

describe('a gateway without its Valkey', () => {
  const limits = { requestsPerMinute: 100, concurrentRequests: 100 };

  test('goes on, and says so in headers, readiness and metrics, until all is booked', async () => {
    const gateway = await startReady(limits);
    const before = await ask(gateway);
    expect([before.status, before.headers.get('x-gateway-degraded')]).toEqual([200, null]);
    await valkey.kill();
    const answer = await ask(gateway);
    expect([answer.status, answer.headers.get('x-gateway-degraded')]).toEqual([200, 'state-store']);
    const ready = await fetch(`${gateway.health}/readyz`);
    expect(ready.status).toBe(200);
    expect(await ready.text()).toMatch(/degraded: limits are counted without the state store/);
    const metrics = await (await fetch(`${gateway.health}/metrics`)).text();
    expect(metrics).toContain('gpu_classroom_gateway_state_store_up 0\n');
    expect(metrics).toContain('gpu_classroom_gateway_degraded_requests_total 1\n');
    await valkey.restart();
    await eventually('the store to decide again', async () => {
      const { headers } = await ask(gateway);
      return !headers.has('x-gateway-degraded');
    });
    const used = await usedToday(gateway);
    expect(used.requests).toBeGreaterThanOrEqual(3);
    expect(used).toMatchObject({
      completed: used.requests,
      prompt_tokens: used.requests * USAGE.prompt_tokens,
      completion_tokens: used.requests * USAGE.completion_tokens,
    });
  });

  test('admits nothing when it has never known it, and begins when it is there', async () => {
    await valkey.kill();
    const gateway = await startGateway(limits);
    const refused = await ask(gateway);
    expect(refused.status).toBe(503);
    expect(await refused.text()).toContain('state_store_unavailable');
    expect((await fetch(`${gateway.health}/readyz`)).status).toBe(503);
    await valkey.restart();
    await eventually('the gateway to be ready', async () => (await fetch(`${gateway.health}/readyz`)).ok);
    expect((await ask(gateway)).status).toBe(200);
  });
});
