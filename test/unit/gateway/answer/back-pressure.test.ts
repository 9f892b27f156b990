import { connect } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { eventually } from '../../../support/eventually.ts';
import { createFakeClock } from '../../../support/fake-clock.ts';
import { ALICE_KEY, aClassroom, aClassroomLimiting } from '../builders.ts';
import { ask, CHAT, PATIENCE, STREAM } from '../gateway-world.ts';
import {
  answerJson,
  answerWell,
  beginStream,
  CHAT_ANSWER,
  DONE_FRAME,
  type EngineCall,
  tokenFrame,
  USAGE_FRAME,
} from '../scripted-engine.ts';
import { type ExchangeWorld, startExchangeWorld } from './exchange-world.ts';

let world: ExchangeWorld;
afterEach(() => world.close());

const MIB = 1024 * 1024;

describe('a client that reads nothing', () => {
  test('stops its engine after what the sockets hold, and gets every byte when it reads again', async () => {
    const frames = 3_000;
    const frame = tokenFrame('x'.repeat(64 * 1024));
    world = await startExchangeWorld({}, ({ response }) => {
      beginStream(response);
      let sent = 0;
      const write = (): void => {
        while (sent < frames && response.write(frame)) sent += 1;
        if (sent >= frames) response.end(USAGE_FRAME + DONE_FRAME);
        else {
          sent += 1;
          response.once('drain', write);
        }
      };
      write();
    });
    const answer = await ask(world, STREAM);
    answer.pause();
    const call = await eventually('the engine is asked', () => world.engines[0]?.calls[0]);
    const { socket } = call.response;
    let seen = -1;
    await eventually('the engine waits', () => {
      const waits = call.response.writableNeedDrain && socket?.bytesWritten === seen;
      seen = socket?.bytesWritten ?? 0;
      return waits;
    });
    // Kernel buffers on both sides are a few MiB; the stream is 188 MiB.
    expect(seen).toBeLessThan(32 * MIB);
    answer.resume();
    await answer.over;
    expect(answer.text.length).toBe(frames * frame.length + DONE_FRAME.length);
    expect(await world.whenIdle()).toMatchObject([{ outcome: 'completed' }]);
  }, 120_000);
});

describe('an engine that', () => {
  const whole = tokenFrame('für') + tokenFrame('日本') + USAGE_FRAME + DONE_FRAME;
  const want = tokenFrame('für') + tokenFrame('日本') + DONE_FRAME;

  test('sends one byte at a time: the client gets whole frames', async () => {
    world = await startExchangeWorld({}, async ({ response }) => {
      beginStream(response);
      for (const byte of Buffer.from(whole)) {
        response.write(Buffer.of(byte));
        await new Promise((resolve) => setImmediate(resolve));
      }
      response.end();
    });
    const answer = await ask(world, STREAM);
    await answer.over;
    expect(answer.text).toBe(want);
    expect(await world.whenIdle()).toMatchObject([{ usage: { promptTokens: 3, completionTokens: 2 } }]);
  });

  test('sends a frame of many megabytes: it arrives', async () => {
    const huge = tokenFrame('x'.repeat(9 * MIB));
    world = await startExchangeWorld({}, ({ response }) => {
      beginStream(response);
      response.end(huge + USAGE_FRAME + DONE_FRAME);
    });
    const answer = await ask(world, STREAM);
    await answer.over;
    expect(answer.text === huge + DONE_FRAME).toBe(true);
    expect(await world.whenIdle()).toMatchObject([{ outcome: 'completed', usage: { completionTokens: 2 } }]);
  });

  test('falls silent within a chunk of HTTP, when the client has just caught up: the answer goes on after it', async () => {
    const first = tokenFrame('x'.repeat(MIB));
    const rest = USAGE_FRAME + DONE_FRAME;
    world = await startExchangeWorld({}, ({ response }) => {
      beginStream(response);
      response.socket?.write(`${(first.length + rest.length).toString(16)}\r\n${first}`);
    });
    const answer = await ask(world, STREAM);
    await eventually('the client has caught up', () => answer.text === first);
    world.engines[0]?.calls[0]?.response.socket?.write(`${rest}\r\n0\r\n\r\n`);
    await answer.over;
    expect(answer.text.slice(first.length)).toBe(DONE_FRAME);
    expect(answer.ended).toBe(true);
  });

  test('ends its lines as Windows does: so does the answer', async () => {
    world = await startExchangeWorld({}, ({ response }) => {
      beginStream(response);
      response.end(whole.replaceAll('\n', '\r\n'));
    });
    const answer = await ask(world, STREAM);
    await answer.over;
    expect(answer.text).toBe(want.replaceAll('\n', '\r\n'));
  });
});

test('a client of HTTP/1.0 gets the bare stream, ended by the end of the connection', async () => {
  world = await startExchangeWorld({}, answerWell);
  const body = JSON.stringify(STREAM);
  const { hostname, port } = new URL(world.url);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.write(
    `POST /v1/chat/completions HTTP/1.0\r\nauthorization: Bearer ${ALICE_KEY}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  let text = '';
  for await (const data of socket) text += data;
  expect(text.slice(text.indexOf('\r\n\r\n') + 4)).toBe(tokenFrame('Hel') + tokenFrame('lo.') + DONE_FRAME);
});

test('one connection carries a stream, an answer in one piece, and a stream again', async () => {
  world = await startExchangeWorld({}, answerWell);
  const { hostname, port } = new URL(world.url);
  const socket = connect({ host: hostname, port: Number(port) });
  let text = '';
  socket.on('data', (data) => {
    text += data.toString('utf8');
  });
  const END_OF_STREAM = `${DONE_FRAME}\r\n0\r\n\r\n`;
  for (const [body, end] of [
    [STREAM, END_OF_STREAM],
    [CHAT, JSON.stringify(CHAT_ANSWER)],
    [STREAM, END_OF_STREAM],
  ] as const) {
    text = '';
    const json = JSON.stringify(body);
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${ALICE_KEY}\r\ncontent-type: application/json\r\ncontent-length: ${json.length}\r\n\r\n${json}`,
    );
    await eventually('the answer', () => text.endsWith(end));
    expect(text.startsWith('HTTP/1.1 200 OK\r\n')).toBe(true);
  }
  expect(socket.closed).toBe(false);
  socket.destroy();
});

test('a request that waits in the queue is not ended by the time-outs for answers', async () => {
  const clock = createFakeClock();
  const classroom = aClassroom({ engine: { maxNumSeqs: 1 } });
  const queueBounds = { busyWaitMs: 10 * PATIENCE.firstByteMs };
  world = await startExchangeWorld({ clock, classroom, queueBounds }, (call) => {
    if (call.body.stream === true) beginStream(call.response);
    else answerWell(call);
  });
  const running = ask(world, STREAM);
  const call = await eventually('the engine is busy', () => world.engines[0]?.calls[0]);
  call.response.write(tokenFrame('a'));
  const answer = await running;
  const waiting = ask(world, CHAT);
  await eventually('it waits', () => world.gateway.requestsInFlight === 2);
  for (let waitedMs = 0; waitedMs < 2 * PATIENCE.firstByteMs; waitedMs += PATIENCE.idleMs / 2) {
    const before = answer.text.length;
    call.response.write(tokenFrame('a'));
    await eventually('the token', () => answer.text.length > before);
    await clock.advance(PATIENCE.idleMs / 2);
  }
  call.response.end(DONE_FRAME);
  expect((await waiting).status).toBe(200);
  await world.whenIdle();
});

test('a hundred requests that end in every way leave no timer, lease or place behind', async () => {
  const clock = createFakeClock();
  const classroom = aClassroomLimiting({ concurrentRequests: 200, requestsPerMinute: 1000 });
  const ends: ((call: EngineCall) => void)[] = [
    answerWell,
    ({ response }) => response.destroy(),
    ({ response }) => answerJson(response, 503, { detail: 'no' }),
    ({ response }) => {
      beginStream(response);
      response.write(tokenFrame('a'), () => response.destroy());
    },
    ({ response }) => {
      beginStream(response);
      response.write(tokenFrame('a'));
    },
  ];
  world = await startExchangeWorld({ clock, classroom }, (call) => ends[Number(call.body.seed)]?.(call));
  const before = clock.pending;
  await Promise.all(
    Array.from({ length: 100 }, async (_, index) => {
      const seed = index % ends.length;
      const answer = await ask(world, { ...STREAM, seed });
      if (seed === ends.length - 1) answer.leave();
      await answer.over;
    }),
  );
  const settled = await world.whenIdle();
  expect(settled).toHaveLength(100);
  await eventually('no timer is left', () => clock.pending <= before);
});
