import { afterEach, describe, expect, test } from '@jest/globals';
import { startVllmSimulator, VllmSimulator } from '../../../../src/demo/vllm/simulator.ts';
import { eventually } from '../../../support/eventually.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { parseEvents, type RecordedResponse, replay } from '../../../support/vllm-recordings.ts';

/** The life of the process: loading, SIGTERM, the engine's death. Scenarios as in test/fixtures/vllm/0.32.0-cpu/sigterm_* and kill_*. */

const ARGV = ['m', '--max-model-len', '4096', '--max-num-seqs', '2', '--port', '0'];

let open: VllmSimulator[] = [];
afterEach(async () => {
  await Promise.all(open.map((simulator) => simulator.close()));
  open = [];
});

interface Start {
  readonly flags?: readonly string[];
  readonly settings?: object;
  readonly env?: Readonly<Record<string, string>>;
}

async function started({ flags = [], settings = {}, env = {} }: Start = {}): Promise<{
  simulator: VllmSimulator;
  clock: ManualClock;
}> {
  const clock = new ManualClock();
  const simulator = await startVllmSimulator({
    argv: [...ARGV, ...flags],
    env: { VLLM_SIMULATOR: JSON.stringify({ loadSeconds: 0, ...settings }), ...env },
    clock,
  });
  open.push(simulator);
  return { simulator, clock };
}

interface Running {
  readonly soFar: () => string;
  readonly answer: Promise<RecordedResponse>;
}

function send(simulator: VllmSimulator, path: string, body: object | undefined = undefined): Running {
  let text = '';
  const bytes = Buffer.from(body === undefined ? '' : JSON.stringify(body));
  const request = {
    method: body === undefined ? 'GET' : 'POST',
    path,
    headers: [['Content-Type', 'application/json'] as const],
    body: bytes,
  };
  const answer = replay(simulator.port, request, (soFar) => {
    text = soFar;
  });
  answer.catch(() => {});
  return { soFar: () => text, answer };
}

const chat = (simulator: VllmSimulator, fields: object = {}): Running =>
  send(simulator, '/v1/chat/completions', {
    messages: [{ role: 'user', content: 'hi' }],
    max_tokens: 1000,
    ignore_eos: true,
    stream: true,
    stream_options: { include_usage: true },
    ...fields,
  });

const CONTENT = '"delta":{"content"';

/** Moves the clock until the streams have tokens. */
const untilTokens = (clock: ManualClock, ...streams: Running[]): Promise<true> =>
  eventually('tokens', () => {
    clock.advance(20);
    return streams.every(({ soFar }) => soFar().includes(CONTENT));
  });

const lastEvents = ({ body }: RecordedResponse, count: number): string[] =>
  parseEvents(body)
    .slice(-count)
    .map(({ data }) => data);

async function isRefused(simulator: VllmSimulator): Promise<boolean> {
  try {
    await send(simulator, '/health').answer;
    return false;
  } catch (error) {
    return typeof error === 'object' && error !== null && Reflect.get(error, 'code') === 'ECONNREFUSED';
  }
}

describe('SIGTERM without --shutdown-timeout', () => {
  test('ends running streams at once with finish_reason abort, usage and [DONE]; exit code 0', async () => {
    const { simulator, clock } = await started();
    const streams = [chat(simulator), chat(simulator)];
    await untilTokens(clock, ...streams);
    simulator.terminate();
    for (const { answer } of streams) {
      const [finish = '', usage = '', done] = lastEvents(await answer, 3);
      expect(finish).toContain('"finish_reason":"abort","stop_reason":null');
      expect(usage).toContain('"choices":[],"usage":{"prompt_tokens":13,');
      expect(done).toBe('[DONE]');
    }
    clock.advance(1000);
    expect(await simulator.exited).toEqual({ code: 0 });
    expect(await isRefused(simulator)).toBe(true);
  });

  test('drops queued requests without an end of their stream', async () => {
    const { simulator, clock } = await started();
    const running = [chat(simulator), chat(simulator)];
    await untilTokens(clock, ...running);
    const queued = chat(simulator);
    await eventually('the third is queued', () => {
      clock.advance(0);
      return simulator.engine.waiting === 1;
    });
    simulator.terminate();
    clock.advance(1000);
    expect((await queued.answer).body).toBe('');
  });

  test('lost the race in some recordings: every request hangs until its client leaves', async () => {
    const { simulator, clock } = await started({ settings: { shutdownRace: 'Hang' } });
    const stream = chat(simulator);
    await untilTokens(clock, stream);
    simulator.terminate();
    const [before] = simulator.engine.requests;
    clock.advance(100_000);
    await eventually('the port is closed', () => isRefused(simulator));
    expect(simulator.engine.requests).toEqual([before]);
    expect(stream.soFar()).not.toContain('"finish_reason":"');
  });
});

describe('SIGTERM with --shutdown-timeout 30', () => {
  const flags = ['--shutdown-timeout', '30'];

  test('lets running streams complete, refuses new ones with 500 and stays healthy meanwhile', async () => {
    const { simulator, clock } = await started({ flags });
    const stream = chat(simulator, { max_tokens: 50 });
    await untilTokens(clock, stream);
    simulator.terminate();
    expect((await send(simulator, '/health').answer).statusLine).toBe('HTTP/1.1 200 OK');
    const refused = await chat(simulator, { stream: false, stream_options: undefined }).answer;
    expect(refused.statusLine).toBe('HTTP/1.1 500 Internal Server Error');
    expect(refused.body).toContain('"cannot schedule new futures after shutdown"');
    clock.advance(2000);
    const [usage = '', done] = lastEvents(await stream.answer, 2);
    expect([usage.includes('"completion_tokens":50'), done]).toEqual([true, '[DONE]']);
    clock.advance(5000);
    expect(await simulator.exited).toEqual({ code: 0 });
  });

  test('leaves streams hanging that are not done by then, and ends when their clients leave', async () => {
    const { simulator, clock } = await started({ flags, settings: { speed: 0.001 } });
    const stream = chat(simulator);
    await eventually('the stream runs', () => {
      clock.advance(0);
      return simulator.engine.running === 1;
    });
    simulator.terminate();
    clock.advance(31_000);
    await eventually('the port is closed', () => isRefused(simulator));
    expect(stream.soFar()).not.toContain('[DONE]');
  });

  test('an idle server takes some seconds to end', async () => {
    const { simulator, clock } = await started({ flags });
    simulator.terminate();
    clock.advance(4000);
    expect((await send(simulator, '/health').answer).statusLine).toBe('HTTP/1.1 200 OK');
    clock.advance(1000);
    expect(await simulator.exited).toEqual({ code: 0 });
  });
});

describe('SIGTERM while loading', () => {
  const loading = (): { simulator: VllmSimulator; clock: ManualClock } => {
    const clock = new ManualClock();
    const simulator = new VllmSimulator({
      argv: ARGV,
      env: { VLLM_SIMULATOR: '{"loadSeconds": 100}' },
      clock,
    });
    open.push(simulator);
    return { simulator, clock };
  };

  test('kills a process that still imports', async () => {
    const { simulator, clock } = loading();
    clock.advance(10_000);
    simulator.terminate();
    expect(await simulator.exited).toEqual({ code: 143, signal: 'SIGTERM' });
  });

  test('is lost later on; the second one works', async () => {
    const { simulator, clock } = loading();
    clock.advance(40_000);
    simulator.terminate();
    expect(simulator.port).toBe(0);
    simulator.terminate();
    expect(await simulator.exited).toEqual({ code: 130, signal: 'SIGINT' });
  });

  test('the port is closed until everything is loaded', async () => {
    const { simulator, clock } = loading();
    expect(simulator.port).toBe(0);
    await eventually('the server serves', () => {
      clock.advance(10_000);
      return simulator.port > 0;
    });
    expect((await send(simulator, '/health').answer).statusLine).toBe('HTTP/1.1 200 OK');
  });
});

describe('the death of the engine', () => {
  test('shows as an error inside the stream, as 500 elsewhere, as 503 on /health, and as exit code 0', async () => {
    const { simulator, clock } = await started();
    const stream = chat(simulator);
    await untilTokens(clock, stream);
    const whole = chat(simulator, { stream: false, stream_options: undefined });
    await eventually('both are there', () => {
      clock.advance(0);
      return simulator.engine.running + simulator.engine.waiting === 2;
    });
    simulator.killEngine();
    const [error = '', done] = lastEvents(await stream.answer, 2);
    expect(error).toBe(
      '{"error": {"message": "EngineCore encountered an issue. See stack trace (above) for the root cause.", "type": "InternalServerError", "param": null, "code": 500}}',
    );
    expect(done).toBe('[DONE]');
    expect((await whole.answer).statusLine).toBe('HTTP/1.1 500 Internal Server Error');
    expect((await send(simulator, '/health').answer).statusLine).toBe('HTTP/1.1 503 Service Unavailable');
    clock.advance(1000);
    expect(await simulator.exited).toEqual({ code: 0 });
  });

  test('leaves the server up with VLLM_KEEP_ALIVE_ON_ENGINE_DEATH', async () => {
    const { simulator, clock } = await started({ env: { VLLM_KEEP_ALIVE_ON_ENGINE_DEATH: '1' } });
    simulator.killEngine();
    clock.advance(60_000);
    expect((await send(simulator, '/health').answer).statusLine).toContain('503');
    expect((await chat(simulator).answer).statusLine).toContain('500');
  });
});
