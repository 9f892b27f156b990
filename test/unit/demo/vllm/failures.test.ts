import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { readEngine } from '../../../../src/classroom/engine-watch/reading.ts';
import type { START_FAILURES } from '../../../../src/demo/vllm/failures.ts';
import { startVllmSimulator, type VllmSimulator } from '../../../../src/demo/vllm/simulator.ts';
import { eventually } from '../../../support/eventually.ts';
import { parseEvents, type RecordedResponse, replay } from '../../../support/vllm-recordings.ts';

const MAIN = join(import.meta.dirname, '../../../../src/demo/vllm/main.ts');
const ARGV = ['m', '--max-model-len', '4096', '--port', '0', '--host', '127.0.0.1'];

let open: VllmSimulator[] = [];
afterEach(async () => {
  await Promise.all(open.map((simulator) => simulator.close()));
  open = [];
});

async function withFailures(
  failures: object,
  env: Readonly<Record<string, string>> = {},
  speed = 20,
): Promise<VllmSimulator> {
  const settings = { loadSeconds: 0, speed, failures };
  const simulator = await startVllmSimulator({
    argv: ARGV,
    env: { VLLM_SIMULATOR: JSON.stringify(settings), ...env },
  });
  open.push(simulator);
  return simulator;
}

const chat = (
  simulator: VllmSimulator,
  fields: object = {},
  onText?: (soFar: string) => void,
): Promise<RecordedResponse> =>
  replay(
    simulator.port,
    {
      method: 'POST',
      path: '/v1/chat/completions',
      headers: [['Content-Type', 'application/json']],
      body: Buffer.from(
        JSON.stringify({
          messages: [{ role: 'user', content: 'hi' }],
          max_tokens: 20,
          stream: true,
          ...fields,
        }),
      ),
    },
    onText,
  );

const fault = (kind: string, more: object = {}, match: object = {}): object => ({
  requests: [{ match, fault: { kind, ...more } }],
});

const contents = (body: string): number => body.split('"delta":{"content"').length - 1;

describe('a request fails as asked', () => {
  test('with a status and an error in vLLM’s shape', async () => {
    const simulator = await withFailures(fault('HttpError', { status: 503, message: 'later', type: 'X' }));
    const { statusLine, body } = await chat(simulator);
    expect(statusLine).toBe('HTTP/1.1 503 Service Unavailable');
    expect(JSON.parse(body)).toEqual({ error: { message: 'later', type: 'X', param: null, code: 503 } });
  });

  test('with an error inside the stream, then [DONE], under status 200', async () => {
    const simulator = await withFailures(fault('StreamError', { afterTokens: 3, message: 'boom' }));
    const { statusLine, body } = await chat(simulator);
    expect(statusLine).toBe('HTTP/1.1 200 OK');
    expect(contents(body)).toBe(3);
    expect(
      parseEvents(body)
        .slice(-2)
        .map(({ data }) => data),
    ).toEqual([
      '{"error": {"message": "boom", "type": "InternalServerError", "param": null, "code": 500}}',
      '[DONE]',
    ]);
  });

  test('with a reset in the middle of the stream, and the engine stops working on it', async () => {
    const simulator = await withFailures(fault('Reset', { afterTokens: 3 }));
    await expect(chat(simulator)).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(simulator.engine.requests[0]).toMatchObject({ state: 'aborted', generatedTokens: 3 });
  });

  test('with the connection closed in the middle of the stream', async () => {
    const simulator = await withFailures(fault('CutOff', { afterTokens: 3 }));
    const { body } = await chat(simulator);
    expect(body).not.toContain('[DONE]');
    expect(contents(body)).toBeGreaterThan(0);
  });

  test('with a stall that ends: what was kept back comes all at once', async () => {
    const simulator = await withFailures(fault('Stall', { afterTokens: 2, durationMs: 50 }));
    const { body } = await chat(simulator, { ignore_eos: true, stream_options: { include_usage: true } });
    expect(body).toContain('"completion_tokens":20');
    expect(contents(body)).toBe(3);
  });

  test('with a stall for ever', async () => {
    const simulator = await withFailures(fault('Stall', { afterTokens: 2 }));
    let seen = '';
    chat(simulator, {}, (soFar) => {
      seen = soFar;
    }).catch(() => {});
    await eventually('the engine is done', () => simulator.engine.requests[0]?.state === 'finished');
    await eventually('the first tokens', () => contents(seen) === 2);
    expect(seen).not.toContain('[DONE]');
  });

  test('with a late first token, after headers at once', async () => {
    const simulator = await withFailures(fault('SlowFirstToken', { delayMs: 60 }));
    let first = '';
    const { body } = await chat(simulator, {}, (soFar) => {
      first ||= soFar;
    });
    expect(first).toContain('200 OK');
    expect(contents(first)).toBe(0);
    expect(body).toContain('[DONE]');
  });

  test('with the death of the engine', async () => {
    const simulator = await withFailures(fault('EngineDeath', { afterTokens: 2 }));
    expect((await chat(simulator)).body).toContain('EngineCore encountered an issue');
    expect(await simulator.exited).toEqual({ code: 0 });
  });

  test('with the death of the process', async () => {
    const simulator = await withFailures(fault('ProcessCrash', { exitCode: 139 }));
    await chat(simulator).catch(() => {});
    expect(await simulator.exited).toEqual({ code: 139 });
  });

  test('only where it is meant: after some requests, for so many, with this text', async () => {
    const match = { skip: 1, times: 1, promptIncludes: 'boom' };
    const simulator = await withFailures(fault('HttpError', { status: 500 }, match));
    const statuses: string[] = [];
    for (const content of ['boom', 'fine', 'boom', 'boom']) {
      const { statusLine } = await chat(simulator, { messages: [{ role: 'user', content }] });
      statuses.push(statusLine.slice(9, 12));
    }
    expect(statuses).toEqual(['200', '200', '500', '200']);
  });
});

describe('the engine fails as asked', () => {
  test('a stalled engine keeps its requests and goes on when told', async () => {
    const simulator = await withFailures({ engineStalled: true });
    const answer = chat(simulator);
    await eventually('the request is there', () => simulator.engine.waiting === 1);
    simulator.setFailures({});
    expect((await answer).body).toContain('[DONE]');
  });

  test('the control file is read again when told to', async () => {
    const controlFile = join(mkdtempSync(join(tmpdir(), 'vllm-simulator-')), 'failures.json');
    const simulator = await startVllmSimulator({
      argv: ARGV,
      env: { VLLM_SIMULATOR: JSON.stringify({ loadSeconds: 0, speed: 20, controlFile }) },
    });
    open.push(simulator);
    expect((await chat(simulator)).statusLine).toContain('200');
    writeFileSync(controlFile, JSON.stringify(fault('HttpError', { status: 503 })));
    simulator.reloadFailures();
    expect((await chat(simulator)).statusLine).toContain('503');
    rmSync(controlFile);
    simulator.reloadFailures();
    expect((await chat(simulator)).statusLine).toContain('200');
  });

  test('it dies after so many requests', async () => {
    const simulator = await withFailures({ engineDiesAfterRequests: 2 });
    await chat(simulator);
    await chat(simulator);
    expect(await simulator.exited).toEqual({ code: 0 });
  });

  test('an engine that stands still says for ever what it said last', async () => {
    const simulator = await withFailures(fault('Stall', { afterTokens: 1 }), {}, 1);
    const running = async (): Promise<number | undefined> => {
      const answer = await fetch(`${simulator.url}/metrics`);
      return readEngine(await answer.text())?.running;
    };
    const gone = new AbortController();
    // Computed for half a minute: nobody can miss it.
    const long = { max_tokens: 4_000, ignore_eos: true };
    const body = JSON.stringify({ messages: [{ role: 'user', content: 'hi' }], stream: true, ...long });
    const headers = { 'content-type': 'application/json' };
    const asked = fetch(`${simulator.url}/v1/chat/completions`, {
      method: 'POST',
      headers,
      body,
      signal: gone.signal,
    }).catch(() => undefined);
    await eventually('the request is computed', () => {
      if (simulator.engine.running !== 1) return false;
      simulator.setFailures({ engineStalled: true });
      return true;
    });
    gone.abort();
    await asked;
    await eventually('the request is gone', () => simulator.engine.running === 0);
    expect(await running()).toBe(1);
    expect((await fetch(`${simulator.url}/health`)).status).toBe(200);
    simulator.setFailures({});
    expect(await running()).toBe(0);
  });

  test('a client that leaves stops the work on its request', async () => {
    const simulator = await withFailures({ engineStalled: true });
    const body = JSON.stringify({ messages: [{ role: 'user', content: 'hi' }], stream: true });
    const socket = connect(simulator.port, '127.0.0.1', () => {
      socket.write(
        `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
    });
    await eventually('the request is there', () => simulator.engine.waiting === 1);
    socket.destroy();
    await eventually('the request is gone', () => simulator.engine.waiting === 0);
    expect(simulator.engine.requests[0]?.state).toBe('aborted');
  });

  test('an idle connection is closed after VLLM_HTTP_TIMEOUT_KEEP_ALIVE', async () => {
    const simulator = await withFailures({}, { VLLM_HTTP_TIMEOUT_KEEP_ALIVE: '0.05' });
    const socket = connect(simulator.port, '127.0.0.1');
    let received = '';
    let closed = false;
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString();
    });
    socket.on('close', () => {
      closed = true;
    });
    socket.write('GET /version HTTP/1.1\r\nHost: x\r\n\r\n');
    await eventually('the server closes the connection', () => closed);
    expect(received).toContain('{"version":"0.32.0"}');
    expect(received).not.toContain('keep-alive');
  });
});

/** Runs the process to its end. */
function run(
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, ...argv], {
      env: { PATH: process.env.PATH ?? '', ...env },
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}

/** What an operator looks for in the log. */
const FRAGMENTS: Readonly<Record<Exclude<(typeof START_FAILURES)[number], 'Hang'>, string>> = {
  NoMemoryForKvCache: 'No available memory for the cache blocks',
  MaxModelLenTooLarge: "To serve at least one request with the model's max seq len",
  FreeMemoryBelowUtilization: 'on startup is less than desired GPU memory utilization',
  MemoryProfiling: 'Error in memory profiling',
  SamplerWarmUp: 'when warming up sampler with',
  CudaOutOfMemory: 'torch.OutOfMemoryError: CUDA out of memory',
  EngineCoreCrash: 'EngineCore failed to start',
  TensorParallelDivisibility: 'must be divisible by tensor parallel size',
  PortIsUri: 'appears to be a URI',
  MigUuidInCudaVisibleDevices: "invalid literal for int() with base 10: 'MIG-",
  NoGpu: 'is out of bounds for 0 devices',
  ModelNotFound: 'Cannot find an appropriate cached snapshot folder',
};

describe('a start fails as asked', () => {
  test.each(Object.entries(FRAGMENTS))('%s says “%s”', async (start, fragment) => {
    const lines: string[] = [];
    const log = { stdout: (text: string) => lines.push(text), stderr: (text: string) => lines.push(text) };
    const env = { VLLM_SIMULATOR: JSON.stringify({ loadSeconds: 0, failures: { start } }) };
    await expect(startVllmSimulator({ argv: ARGV, env, log })).rejects.toMatchObject({ exitCode: 1 });
    expect(lines.join('')).toContain(fragment);
  });

  test('as a process: the reason on standard error and exit code 1', async () => {
    const settings = { loadSeconds: 0, failures: { start: 'CudaOutOfMemory' } };
    const { code, output } = await run(ARGV, { VLLM_SIMULATOR: JSON.stringify(settings) });
    expect(code).toBe(1);
    expect(output).toContain('torch.OutOfMemoryError: CUDA out of memory');
    expect(output.trimEnd().split('\n').at(-1)).toContain(
      'RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}',
    );
  });

  test('as a process: an unknown flag is refused with exit code 2', async () => {
    const { code, output } = await run(['serve', 'm', '--swap-space', '4'], {});
    expect(code).toBe(2);
    expect(output).toContain('vllm: error: unrecognized arguments: --swap-space 4');
  });

  test('as a process: settings that are not valid say what is wrong', async () => {
    const { code, output } = await run(ARGV, { VLLM_SIMULATOR: '{"gpuProfile": "H9000"}' });
    expect(code).toBe(1);
    expect(output).toContain('gpuProfile');
  });
});
