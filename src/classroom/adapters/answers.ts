import { z } from 'zod';
import { parseJson } from '../../json/parse.ts';
import type { EngineAnswer } from '../engine-calls.ts';

/** Why an engine did not take an adapter; each has its own words and its own patience. */
const LOAD_FAULTS = [
  /** There is no adapter_config.json, or no such folder: perhaps not yet. */
  'FilesMissing',
  'NotAFolder',
  'Unreadable',
  /** `adapter_config.json` is no JSON, or lacks a field. */
  'ConfigBroken',
  /** There are no weights, or only a part of them. */
  'WeightsBroken',
  'RankTooHigh',
  /** Made for a model with other layers. */
  'ModulesUnknown',
  'ShapesDiffer',
  /** DoRA, biases, whole modules: kinds of adapters that vLLM does not serve. */
  'KindUnsupported',
  /** The base model has this name. */
  'NameTaken',
  'NoMemory',
  'Unknown',
] as const;
export type LoadFault = (typeof LOAD_FAULTS)[number];

/** How vLLM answered to `POST /v1/load_lora_adapter` or `/v1/unload_lora_adapter`. */
export type AdapterAnswer =
  | { readonly kind: 'done' }
  /** What the engine has is not what was thought: look again. */
  | { readonly kind: 'otherwise' }
  | { readonly kind: 'refused'; readonly fault: LoadFault; readonly said: string }
  /** The engine has no such path: it was started without adapters. */
  | { readonly kind: 'not-offered' }
  /** Its EngineCore has died; the process is about to end. */
  | { readonly kind: 'engine-dead'; readonly said: string }
  /** The connection broke: perhaps the engine died of it. */
  | { readonly kind: 'cut'; readonly said: string }
  /** Busy, stopping, not reachable or too slow: later. */
  | { readonly kind: 'not-now'; readonly said: string };

const errorSchema = z.object({ error: z.object({ message: z.string() }) });
const detailSchema = z.object({ detail: z.string() });

/** What vLLM puts around the cause; 0.32 names the worker as well. */
const WRAPPED = [
  /^Call to add_lora method failed: ([\s\S]*)$/,
  /^Worker failed with error '([\s\S]*)', please check the stack trace above for the root cause$/,
];
/** Long enough for every cause; vLLM lists each module it does not know. */
const SAID_MAX = 300;

/**
 * Texts of vLLM and of the libraries it reads files with. Mistakes in the files come with status 500, so the status
 * says nothing.
 *
 * @see https://github.com/vllm-project/vllm/blob/main/vllm/entrypoints/openai/models/serving.py
 * @see https://github.com/vllm-project/vllm/blob/main/vllm/lora/peft_helper.py
 */
const FAULT_TEXTS: readonly (readonly [LoadFault, RegExp])[] = [
  ['FilesMissing', /No adapter found for|No such file or directory/],
  ['NotAFolder', /Not a directory/],
  ['Unreadable', /Permission denied/],
  ['RankTooHigh', /is greater than max_lora_rank/],
  ['ModulesUnknown', /expected target modules/],
  ['ShapesDiffer', /must match the size of tensor|size mismatch|shape mismatch/i],
  [
    'KindUnsupported',
    /does not yet support DoRA|bias is not supported|only supports modules_to_save|not supported/i,
  ],
  ['WeightsBroken', /doesn't contain tensors|deserializing header|InvalidHeader|MetadataIncompleteBuffer/],
  [
    'ConfigBroken',
    /Missing required configuration fields|Expecting (property name|value|',' delimiter|':' delimiter)|Extra data|Unterminated string|Invalid control character/,
  ],
  ['NameTaken', /conflicts with a served base model/],
  ['NoMemory', /out of memory/i],
];

/** Reads an answer to loading or unloading. Never fails: what it does not know is a refusal of an unknown kind. */
export function readAdapterAnswer(answer: EngineAnswer): AdapterAnswer {
  if (answer.kind === 'unanswered') {
    return { kind: answer.cause === 'cut' ? 'cut' : 'not-now', said: answer.why };
  }
  const { status, text } = answer;
  if (status === 200) return { kind: 'done' };
  const value = parseJson(text);
  if (status === 404 && detailSchema.safeParse(value).success) return { kind: 'not-offered' };
  const said = causeIn(errorSchema.safeParse(value).data?.error.message ?? text);
  if (status === 503 || status === 429 || said.includes('cannot schedule new futures after shutdown')) {
    return { kind: 'not-now', said };
  }
  if (said.startsWith('EngineCore encountered an issue')) return { kind: 'engine-dead', said };
  if (/has already been loaded|cannot be found/.test(said)) return { kind: 'otherwise' };
  const fault = FAULT_TEXTS.find(([, pattern]) => pattern.test(said))?.[0] ?? 'Unknown';
  return { kind: 'refused', fault, said };
}

function causeIn(message: string): string {
  const cause = WRAPPED.reduce((text, pattern) => pattern.exec(text)?.[1] ?? text, message.trim());
  return cause.length <= SAID_MAX ? cause : `${cause.slice(0, SAID_MAX)} …`;
}
