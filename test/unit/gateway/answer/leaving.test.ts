import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { startVllmSimulator, type VllmSimulator } from '../../../../src/demo/vllm/simulator.ts';
import type { Admission } from '../../../../src/gateway/limits/admission.ts';
import { eventually } from '../../../support/eventually.ts';
import { ALICE_KEY, aClassroom } from '../builders.ts';
import { ask, CHAT, STREAM } from '../gateway-world.ts';
import { answerWell, beginStream, type EngineCall, tokenFrame } from '../scripted-engine.ts';
import { type ExchangeWorld, startExchangeWorld } from './exchange-world.ts';

/** A client that leaves, in every way and at every stage: the engine stops, and the class gets its place back. */

let world: ExchangeWorld;
let simulator: VllmSimulator;

type Leave = (socket: Socket) => void;
/** How TCP knows it. */
const WAYS: readonly [string, Leave][] = [
  ['closes the connection', (socket) => socket.destroy()],
  ['resets the connection', (socket) => socket.resetAndDestroy()],
  ['closes its half of the connection', (socket) => socket.end()],
];

beforeEach(async () => {
  simulator = await startVllmSimulator({
    argv: 'serve Qwen/Qwen2.5-7B-Instruct --served-model-name qwen --port 0 --host 127.0.0.1'.split(' '),
    env: { VLLM_SIMULATOR: JSON.stringify({ loadSeconds: 0 }) },
  });
});

afterEach(async () => {
  await world.close();
  await simulator.close();
});

/** A request over a bare socket; `text` is what came. */
async function request(body: object, sentShare = 1): Promise<{ socket: Socket; readonly text: string }> {
  const json = JSON.stringify(body);
  const { hostname, port } = new URL(world.url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  let text = '';
  socket.on('data', (data) => {
    text += data.toString('utf8');
  });
  socket.on('error', () => {});
  const sent = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${ALICE_KEY}\r\ncontent-type: application/json\r\ncontent-length: ${json.length}\r\n\r\n${json.slice(0, json.length * sentShare)}`;
  // A connection that is destroyed before it is made was never there.
  await new Promise((resolve) => socket.write(sent, resolve));
  return {
    socket,
    get text() {
      return text;
    },
  };
}

async function nothingRunsAtTheEngine(): Promise<void> {
  await eventually(
    'the engine has nothing to do',
    () => simulator.engine.running + simulator.engine.waiting === 0,
  );
}

describe.each(WAYS)('a client that %s', (_, leave) => {
  test('while it uploads its request: nothing was asked, nothing is charged', async () => {
    world = await startExchangeWorld({ engines: [simulator.url] });
    const { socket } = await request(CHAT, 0.5);
    leave(socket);
    await eventually(
      'it is over',
      () => world.log.some(({ message }) => message === 'request') && world.gateway.requestsInFlight === 0,
    );
    expect([simulator.engine.requests.length, world.settled.length]).toEqual([0, 0]);
    socket.destroy();
  });

  test('while it waits in the queue: the engine never hears of it, nothing is charged', async () => {
    const classroom = aClassroom({ engine: { maxNumSeqs: 1 } });
    world = await startExchangeWorld({ classroom, engines: [simulator.url] });
    const running = await ask(world, STREAM);
    const { socket } = await request(STREAM);
    await eventually('it waits', () => world.gateway.requestsInFlight === 2);
    leave(socket);
    await eventually('it is settled', () => world.settled.length === 1);
    expect(world.settled).toMatchObject([{ outcome: 'client-left', usage: undefined }]);
    running.leave();
    await running.over;
    await world.whenIdle();
    expect(simulator.engine.requests).toHaveLength(1);
    socket.destroy();
  });

  test('before the first byte: the engine stops; charged is the prompt as it is expected', async () => {
    world = await startExchangeWorld({}, () => {});
    const { socket } = await request(STREAM);
    const call = await eventually('the engine has it', () => world.engines[0]?.calls[0]);
    leave(socket);
    await eventually('the engine is let go', () => call.cancelled);
    const [settlement] = await world.whenIdle();
    expect(settlement).toMatchObject({ outcome: 'client-left', usage: { completionTokens: 0 } });
    expect(settlement?.usage?.promptTokens).toBeGreaterThan(0);
    socket.destroy();
  });

  test('while an answer in one piece is computed: the engine stops', async () => {
    world = await startExchangeWorld({ engines: [simulator.url] });
    const { socket } = await request(CHAT);
    await eventually('the engine computes', () => simulator.engine.running === 1);
    leave(socket);
    await nothingRunsAtTheEngine();
    expect(await world.whenIdle()).toMatchObject([
      { outcome: 'client-left', usage: { completionTokens: 0 } },
    ]);
    socket.destroy();
  });

  test('in the middle of a stream: the engine stops; charged are the prompt and the tokens that came', async () => {
    world = await startExchangeWorld({ engines: [simulator.url] });
    const client = await request(STREAM);
    await eventually('tokens come', () => client.text.includes('"content":'));
    leave(client.socket);
    await nothingRunsAtTheEngine();
    const [settlement] = await world.whenIdle();
    const [ran] = simulator.engine.requests;
    expect(ran?.state).toBe('aborted');
    expect(settlement).toMatchObject({ outcome: 'client-left', usage: { promptTokens: ran?.promptTokens } });
    const charged = settlement?.usage?.completionTokens ?? 0;
    // What it saw, and no more than the engine made.
    expect(charged).toBeGreaterThanOrEqual(client.text.split('"content":').length - 2);
    expect(charged).toBeLessThanOrEqual(ran?.generatedTokens ?? 0);
    client.socket.destroy();
  });

  test('while it does not read, so that the engine is paused: the engine stops', async () => {
    world = await startExchangeWorld({}, flood);
    const { socket } = await request(STREAM);
    const call = await eventually('the engine has it', () => world.engines[0]?.calls[0]);
    socket.pause();
    await eventually('the engine waits for the client', () => call.response.writableNeedDrain);
    leave(socket);
    await eventually('the engine is let go', () => call.cancelled);
    expect(await world.whenIdle()).toMatchObject([{ outcome: 'client-left' }]);
    socket.destroy();
  });
});

test('a client that leaves just when its answer is complete pays what the engine reported, once', async () => {
  const open = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  const admissionOver = (inner: Admission): Admission => ({
    admit: (seat, cost) => inner.admit(seat, cost),
    async settle(lease, settlement) {
      held.resolve();
      await open.promise;
      await inner.settle(lease, settlement);
    },
    limitsOf: (seat) => inner.limitsOf(seat),
    get running() {
      return inner.running;
    },
  });
  world = await startExchangeWorld({ admissionOver }, answerWell);
  const client = await request(STREAM);
  await held.promise;
  client.socket.destroy();
  open.resolve();
  expect(await world.whenIdle()).toMatchObject([
    { outcome: 'completed', usage: { promptTokens: 3, completionTokens: 2 } },
  ]);
});

/** Writes as fast as it is let. */
function flood({ response }: EngineCall): void {
  beginStream(response);
  const frame = tokenFrame('x'.repeat(64 * 1024));
  const write = (): void => {
    while (!response.destroyed && response.write(frame));
    response.once('drain', write);
  };
  write();
}
