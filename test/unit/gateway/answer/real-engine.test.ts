import { afterEach, describe, expect, test } from '@jest/globals';
import { startVllmSimulator, type VllmSimulator } from '../../../../src/demo/vllm/simulator.ts';
import { eventually } from '../../../support/eventually.ts';
import { createFakeClock } from '../../../support/fake-clock.ts';
import { readRecording, recordedText } from '../../../support/vllm-recordings.ts';
import { aClassroomLimiting } from '../builders.ts';
import { ask, askJson, CHAT, PATIENCE, STREAM, type WorldOptions } from '../gateway-world.ts';
import { answerJson, answerWell, beginStream, DONE_FRAME, type EngineCall } from '../scripted-engine.ts';
import { type ExchangeWorld, errorIn, startExchangeWorld } from './exchange-world.ts';

/** What vLLM 0.32.0 was seen to do, played by a simulator or by an engine that sends the recorded bytes. */

let world: ExchangeWorld;
const simulators: VllmSimulator[] = [];

async function simulated(settings: object = {}, flags: readonly string[] = []): Promise<VllmSimulator> {
  const standard = [
    '--served-model-name',
    'qwen',
    '--port',
    '0',
    '--host',
    '127.0.0.1',
    '--max-model-len',
    '4096',
  ];
  const simulator = await startVllmSimulator({
    argv: ['serve', 'Qwen/Qwen2.5-7B-Instruct', ...standard, ...flags],
    env: { VLLM_SIMULATOR: JSON.stringify({ loadSeconds: 0, ...settings }) },
  });
  simulators.push(simulator);
  return simulator;
}

async function worldOf(options: WorldOptions, ...scripts: ((call: EngineCall) => void)[]) {
  world = await startExchangeWorld(options, ...scripts);
  return world.engines;
}

const failures = (fault: object) => ({ failures: { requests: [{ fault }] } });
const recordedFrames = (name: string): string[] => readRecording(name).response.body.split(/(?<=\n\n)/);
const FRAMES = recordedFrames('chat_stream_continuous_usage');
/** A recorded chunk, ended as vLLM ends it when it is stopped; `seen` tokens came. */
const abortedAfter = (seen: number): string =>
  FRAMES.slice(0, seen + 1).join('') +
  (FRAMES[seen + 1] ?? '').replace('"finish_reason":null', '"finish_reason":"abort","stop_reason":null');
const IN_STREAM_BUSY =
  'data: {"error": {"message": "The engine is currently busy and cannot accept new requests. Please try again later or on a different instance.", "type": "Service Unavailable", "param": null, "code": 503}}\n\n';
const ENGINE_DEAD = {
  error: {
    message: 'EngineCore encountered an issue. See stack trace (above) for the root cause.',
    type: 'InternalServerError',
    param: null,
    code: 500,
  },
};
const SHUTTING_DOWN = {
  error: {
    message: 'cannot schedule new futures after shutdown',
    type: 'InternalServerError',
    param: null,
    code: 500,
  },
};

afterEach(async () => {
  await world.close();
  for (const simulator of simulators.splice(0)) await simulator.close();
});

describe('status 200 and headers at once, while the request waits in the engine', () => {
  test('are not passed on: a refusal can still come as a status', async () => {
    const [engine] = await worldOf({}, ({ response }) => beginStream(response));
    let answered = false;
    const asked = ask(world, STREAM).then((answer) => {
      answered = true;
      return answer;
    });
    await eventually('the engine has it', () => engine?.calls.length === 1);
    expect(answered).toBe(false);
    await world.stop();
    expect((await asked).status).toBe(503);
  });
});

describe('an error inside of a stream with status 200, followed by [DONE]', () => {
  test('before the first token, from a full engine: another engine is asked', async () => {
    const busy = ({ response }: EngineCall): void => {
      beginStream(response);
      response.end(IN_STREAM_BUSY + DONE_FRAME);
    };
    let first = true;
    const script = (call: EngineCall): void => {
      if (first) busy(call);
      else answerWell(call);
      first = false;
    };
    await worldOf({}, script, script);
    const answer = await ask(world, STREAM);
    await answer.over;
    expect([answer.status, answer.text.endsWith(DONE_FRAME), answer.text.includes('error')]).toEqual([
      200,
      true,
      false,
    ]);
    expect(await world.whenIdle()).toMatchObject([{ outcome: 'completed' }]);
  });

  test('when the engine dies in the middle: an error event, no [DONE], charged what was seen', async () => {
    const engine = await simulated({ speed: 20, ...failures({ kind: 'EngineDeath', afterTokens: 5 }) });
    await worldOf({ engines: [engine.url] });
    const answer = await ask(world, STREAM);
    await answer.over;
    expect(errorIn(answer)).toMatchObject({ code: 'engine_failed', type: 'server_error' });
    expect(answer.text).not.toMatch(/\[DONE\]|EngineCore|stack/);
    const [settlement] = await world.whenIdle();
    expect(settlement).toMatchObject({ outcome: 'interrupted' });
    expect(settlement?.usage?.promptTokens).toBe(engine.engine.requests[0]?.promptTokens);
    expect(settlement?.usage?.completionTokens).toBe(5);
  });
});

describe('finish_reason "abort", with which vLLM ends what runs when it is stopped', () => {
  test('streamed: an error event, charged by the running usage', async () => {
    await worldOf({}, ({ response }) => {
      beginStream(response);
      response.end(abortedAfter(3) + DONE_FRAME);
    });
    const answer = await ask(world, STREAM);
    await answer.over;
    expect(errorIn(answer)).toMatchObject({ code: 'engine_failed' });
    expect(answer.text).not.toMatch(/abort|\[DONE\]|usage/);
    expect(await world.whenIdle()).toMatchObject([
      { outcome: 'interrupted', usage: { promptTokens: 17, completionTokens: 4 } },
    ]);
  });

  test.each([
    ['streamed', STREAM],
    ['in one piece', CHAT],
  ])('%s, from an engine that gets SIGTERM: an error, charged what it had made', async (_, body) => {
    const engine = await simulated();
    await worldOf({ engines: [engine.url] });
    const asked = ask(world, body);
    await eventually('tokens are made', () => (engine.engine.requests[0]?.generatedTokens ?? 0) > 2);
    engine.terminate();
    const answer = await asked;
    await answer.over;
    const error = answer.status === 200 ? errorIn(answer) : JSON.parse(answer.text).error;
    expect([answer.status, error.code]).toEqual([body === STREAM ? 200 : 502, 'engine_failed']);
    const [settlement] = await world.whenIdle();
    const [ran] = engine.engine.requests;
    expect(settlement).toMatchObject({
      outcome: 'interrupted',
      usage: { promptTokens: ran?.promptTokens, completionTokens: ran?.generatedTokens },
    });
  });
});

describe('an engine that hangs when it is stopped: no byte, no end', () => {
  test.each([
    ['before the first byte', [], 'engine_silent', PATIENCE.firstByteMs, undefined],
    ['in the middle of a stream', FRAMES.slice(0, 3), 'engine_silent', PATIENCE.idleMs, 2],
  ])('%s: given up, and charged what was seen', async (_, frames, code, silenceMs, tokens) => {
    const clock = createFakeClock();
    const [engine] = await worldOf({ clock }, ({ response }) => {
      beginStream(response);
      for (const frame of frames) response.write(frame);
    });
    const asked = ask(world, STREAM);
    const call = await eventually('the engine is asked', () => engine?.calls[0]);
    if (frames.length > 0) await asked;
    await clock.advance(silenceMs + 1000);
    const answer = await asked;
    await answer.over;
    expect(errorIn(answer)).toMatchObject({ code });
    await eventually('the engine is let go', () => call.cancelled);
    const [settlement] = await world.whenIdle();
    expect(settlement?.usage?.completionTokens).toBe(tokens);
  });
});

describe('the errors of vLLM, before an answer', () => {
  test('503 of a full engine: another engine takes the request', async () => {
    const { response: full } = readRecording('b_queue_full_503');
    let refusals = 0;
    const script = (call: EngineCall): void => {
      if (refusals++ === 0) answerJson(call.response, 503, JSON.parse(full.body));
      else answerWell(call);
    };
    await worldOf({}, script, script);
    expect((await askJson(world, CHAT)).status).toBe(200);
    expect(await world.whenIdle()).toMatchObject([{ outcome: 'completed' }]);
  });

  test('503 of every engine: told so, with Retry-After, and nothing charged', async () => {
    const full = (call: EngineCall): void => answerJson(call.response, 503, IN_STREAM_BUSY);
    const engines = await worldOf({}, full, full);
    const { status, headers, body } = await askJson(world, CHAT);
    expect([status, body.error.code, headers['retry-after']]).toEqual([503, 'engine_busy', '5']);
    expect(engines.map(({ calls }) => calls.length)).toEqual([1, 1]);
    expect(await world.whenIdle()).toMatchObject([{ outcome: 'unanswered', usage: undefined }]);
  });

  test('500 of an engine that is stopping, whose /health is still 200: another engine takes the request', async () => {
    let refusals = 0;
    const script = (call: EngineCall): void => {
      if (refusals++ === 0) answerJson(call.response, 500, SHUTTING_DOWN);
      else answerWell(call);
    };
    await worldOf({}, script, script);
    expect((await askJson(world, CHAT)).status).toBe(200);
  });

  test('500 of a dead engine: not sent to the next one, which the request might kill as well', async () => {
    const dead = (call: EngineCall): void => answerJson(call.response, 500, ENGINE_DEAD);
    const engines = await worldOf({}, dead, dead);
    const { status, body } = await askJson(world, CHAT);
    expect([status, body.error.code]).toEqual([502, 'engine_failed']);
    expect(JSON.stringify(body)).not.toMatch(/EngineCore|stack trace/);
    expect(engines.reduce((sum, { calls }) => sum + calls.length, 0)).toBe(1);
    expect(await world.whenIdle()).toMatchObject([{ outcome: 'unanswered', usage: undefined }]);
  });

  test('500 of a dead engine: it is out at once, also for a class of one student', async () => {
    let died: string | undefined;
    const named = (name: string) => (call: EngineCall) => {
      died ??= name;
      if (died === name) answerJson(call.response, 500, ENGINE_DEAD);
      else answerWell(call);
    };
    await worldOf({}, named('one'), named('two'));
    const answers = [await askJson(world, CHAT), await askJson(world, CHAT), await askJson(world, CHAT)];
    expect(answers.map(({ status }) => status)).toEqual([502, 200, 200]);
  });

  const unlike = { detail: [{ loc: ['body'], msg: '/usr/lib/python3.12/site-packages/vllm/x.py' }] };
  test.each<[string, number, unknown, number, string]>([
    ['an error object', 400, JSON.parse(readRecording('chat_n0').response.body), 400, 'refused_by_engine'],
    [
      'a prompt that is too long',
      400,
      JSON.parse(recordedText('0.32.0-cpu/chat_prompt_too_long.txt').trim().split('\n').at(-1) ?? ''),
      400,
      'context_length_exceeded',
    ],
    ['a text in place of the object', 401, { error: 'Unauthorized' }, 502, 'engine_refused_gateway'],
    ['a detail', 404, { detail: 'Not Found' }, 404, 'endpoint_not_served'],
    ['a detail of another shape', 500, unlike, 502, 'engine_failed'],
    [
      "Anthropic's shape",
      400,
      { type: 'error', error: { type: 'x', message: 'no' } },
      400,
      'refused_by_engine',
    ],
    ['no JSON', 500, 'Internal Server Error at /usr/lib/python3.12/x.py', 502, 'engine_failed'],
  ])(
    '%s comes in one shape, and says nothing of the inside',
    async (_, status, body, wantStatus, wantCode) => {
      await worldOf({}, ({ response }) => {
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(typeof body === 'string' ? body : JSON.stringify(body));
      });
      const got = await askJson(world, CHAT);
      expect([got.status, got.body.error.code]).toEqual([wantStatus, wantCode]);
      expect(Object.keys(got.body.error).sort()).toEqual(['code', 'message', 'param', 'type']);
      expect(JSON.stringify(got.body)).not.toMatch(/\/usr\/|\.py|Traceback/);
      expect(await world.whenIdle()).toMatchObject([{ usage: undefined }]);
    },
  );
});

describe('what vLLM lets pass', () => {
  test.each([
    ['missing', undefined],
    ['null', null],
    ['empty', ''],
  ])('a model that is %s would be served: the gateway refuses it', async (_, model) => {
    const [engine] = await worldOf({}, answerWell);
    const { status, body } = await askJson(world, { ...CHAT, model });
    expect([status, body.error.param]).toEqual([400, 'model']);
    expect(engine?.calls).toHaveLength(0);
  });

  test('an output cap over the rest of the context is clamped in silence: charged is what was made', async () => {
    const classroom = aClassroomLimiting({ maxOutputTokens: 4096 });
    const engine = await simulated({ speed: 50 });
    await worldOf({ classroom, engines: [engine.url] });
    const { status, body } = await askJson(world, { ...CHAT, max_tokens: 4090 });
    expect(status).toBe(200);
    expect(await world.whenIdle()).toMatchObject([
      {
        outcome: 'completed',
        usage: {
          promptTokens: body.usage.prompt_tokens,
          completionTokens: body.usage.completion_tokens,
        },
      },
    ]);
  });

  test('chunks without text, for half a character, count as the engine counts them', async () => {
    const empty = (FRAMES[2] ?? '').replace('"content":"ken"', '"content":""');
    await worldOf({}, ({ response }) => {
      beginStream(response);
      response.write(FRAMES.slice(0, 2).join('') + empty, () => response.destroy());
    });
    const answer = await ask(world, STREAM);
    await answer.over;
    expect(answer.text).toContain('"content":""');
    expect(await world.whenIdle()).toMatchObject([{ usage: { completionTokens: 2 } }]);
  });
});
