import { z } from 'zod';
import { freePort } from '../../src/demo/control-plane/ports.ts';
import { createEngineTap, type EngineTap } from './engine-tap.ts';
import { eventually } from './eventually.ts';
import { type Program, startProgram } from './program.ts';

/** Tokens by the engine's own metrics. */
export interface EngineTotals {
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Requests that run or wait in it. */
  readonly requests: number;
}

/** A simulated vLLM as a process of its own, with a tap before it. */
export interface TappedEngine extends AsyncDisposable {
  readonly tap: EngineTap;
  /** SIGKILL. Resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts it, and resolves when it is healthy. */
  start(): Promise<void>;
  /** Of the process that runs; what a killed one counted is lost. */
  totals(): Promise<EngineTotals>;
}

/** Starts the simulator with these flags of vLLM. @param settings as in docs/simulator.md */
export async function startTappedEngine(flags: readonly string[], settings: object): Promise<TappedEngine> {
  const tap = await createEngineTap();
  const env = { VLLM_SIMULATOR: JSON.stringify({ loadSeconds: 0, ...settings }) };
  let program: Program | undefined;
  let port = 0;
  const engine: TappedEngine = {
    tap,
    async kill() {
      program?.kill('SIGKILL');
      await Promise.all([tap.close(), program?.exited()]);
    },
    async start() {
      port = await freePort();
      const started = startProgram(
        'src/demo/vllm/main.ts',
        ['serve', 'Qwen/Qwen2.5-7B-Instruct', '--host', '127.0.0.1', '--port', String(port), ...flags],
        env,
      );
      program = started;
      await eventually('the engine to be healthy', () => isHealthy(port));
      await tap.open(port);
    },
    totals: () => readTotals(port),
    [Symbol.asyncDispose]: () => engine.kill(),
  };
  await engine.start();
  return engine;
}

async function isHealthy(port: number): Promise<boolean> {
  const answer = await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined);
  await answer?.text();
  return answer?.ok === true;
}

const figure = z.coerce.number();

async function readTotals(port: number): Promise<EngineTotals> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const sum = (name: string): number => {
    const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`));
    if (lines.length === 0) throw new Error(`the engine has no metric ${name}`);
    return lines.reduce((total, line) => total + figure.parse(line.slice(line.lastIndexOf(' ') + 1)), 0);
  };
  return {
    promptTokens: sum('vllm:prompt_tokens_total'),
    completionTokens: sum('vllm:generation_tokens_total'),
    requests: sum('vllm:num_requests_running') + sum('vllm:num_requests_waiting'),
  };
}
