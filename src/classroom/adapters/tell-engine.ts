import { type LoadedAdapter, readLoadedAdapters } from '../../vllm/loaded-adapters.ts';
import type { CallEngine } from '../engine-calls.ts';
import { type AdapterAnswer, readAdapterAnswer } from './answers.ts';
import type { Step } from './next-step.ts';

/** Answered by vLLM's API server itself, in milliseconds. */
const LOOK_TIMEOUT_MS = 5_000;
/** Reads the weights, maybe over the network. One that takes longer is loaded all the same, and found at the next look. */
const LOAD_TIMEOUT_MS = 30_000;
/** The first request on an adapter took up to 9 s on an engine without CUDA graphs: kernels are compiled for it. */
const WARM_UP_TIMEOUT_MS = 20_000;

/** What an engine says it has loaded. */
export type Look =
  | { readonly loaded: readonly LoadedAdapter[] }
  | { readonly loaded: undefined; readonly silence: string };

/** Asks an engine what it has loaded. */
export async function askLoaded(call: CallEngine, origin: string, signal: AbortSignal): Promise<Look> {
  const answer = await call(
    origin,
    { method: 'GET', path: '/v1/models', timeoutMs: LOOK_TIMEOUT_MS },
    signal,
  );
  if (answer.kind === 'unanswered') return { loaded: undefined, silence: answer.why };
  const { status, text } = answer;
  const loaded = status === 200 ? readLoadedAdapters(text) : undefined;
  return loaded === undefined ? { loaded, silence: `/v1/models says ${status}` } : { loaded };
}

/** Carries out one step. A loaded adapter is used once, so that no student waits for what only the first request costs. */
export async function tellEngine(
  call: CallEngine,
  origin: string,
  step: Step,
  signal: AbortSignal,
): Promise<AdapterAnswer> {
  if (step.kind === 'unload') {
    const body = { lora_name: step.adapter.model };
    return post(call, origin, '/v1/unload_lora_adapter', body, LOAD_TIMEOUT_MS, signal);
  }
  // An engine that is dead already must not be held against the adapter.
  const health = await call(origin, { method: 'GET', path: '/health', timeoutMs: LOOK_TIMEOUT_MS }, signal);
  if (health.kind === 'unanswered') return { kind: 'not-now', said: health.why };
  if (health.status !== 200) return { kind: 'not-now', said: `/health says ${health.status}` };
  const { model, folder } = step.adapter;
  const body = { lora_name: model, lora_path: folder };
  const answer = await post(call, origin, '/v1/load_lora_adapter', body, LOAD_TIMEOUT_MS, signal);
  return answer.kind === 'done' ? warmUp(call, origin, model, signal) : answer;
}

/** One token. Only the engine's death counts: a model that completes no text, such as one for embeddings, says so. */
async function warmUp(
  call: CallEngine,
  origin: string,
  model: string,
  signal: AbortSignal,
): Promise<AdapterAnswer> {
  const body = { model, prompt: 'Hello', max_tokens: 1 };
  const answer = await post(call, origin, '/v1/completions', body, WARM_UP_TIMEOUT_MS, signal);
  return answer.kind === 'engine-dead' || answer.kind === 'cut' ? answer : { kind: 'done' };
}

async function post(
  call: CallEngine,
  origin: string,
  path: string,
  body: object,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<AdapterAnswer> {
  return readAdapterAnswer(await call(origin, { method: 'POST', path, body, timeoutMs }, signal));
}
