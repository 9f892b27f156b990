import { ADAPTERS_MAX, DEFAULT_ADAPTER_RANK } from '../../api/adapter.ts';
import type { ClassroomSpec } from '../../api/classroom.ts';

/** What an engine keeps GPU memory for, so that it can serve adapters. */
export interface LoraSettings {
  /** Adapters whose requests are computed together; requests for others wait a step. */
  maxLoras: number;
  /** The highest rank that can be loaded. */
  maxLoraRank: number;
}

/**
 * Adapters of one batch. A constant, so that an adapter can be added or removed without a restart of the engines;
 * each slot costs GPU memory whether it is used or not.
 */
const ADAPTERS_PER_BATCH = 4;

/** What `--max-lora-rank` takes, but for 1. https://docs.vllm.ai/en/latest/cli/serve.html */
const RANK_STEPS = [8, DEFAULT_ADAPTER_RANK, 32, 64, 128, 256, 320, 512] as const;

/** Undefined for a class without adapters: its engines are started without LoRA, which costs memory and start time. */
export function loraSettings({ adapters }: Pick<ClassroomSpec, 'adapters'>): LoraSettings | undefined {
  if (adapters.length === 0) return undefined;
  const largest = Math.max(DEFAULT_ADAPTER_RANK, ...adapters.map(({ rank }) => rank));
  const maxLoraRank = RANK_STEPS.find((step) => step >= largest) ?? largest;
  return { maxLoras: ADAPTERS_PER_BATCH, maxLoraRank };
}

/**
 * The flags of vLLM for adapters that are loaded while it runs.
 *
 * `--max-cpu-loras` has room for every adapter that a class can have. An adapter that is pushed out of main memory is
 * read again at its next use, and when its files are gone by then the engine dies for everyone (vLLM 0.32: twice in two
 * tries); one that is never pushed out is never read again.
 */
export function adapterArgs(spec: Pick<ClassroomSpec, 'adapters'>): string[] {
  const lora = loraSettings(spec);
  if (lora === undefined) return [];
  return [
    ENABLE_LORA_FLAG,
    ...['--max-loras', String(lora.maxLoras)],
    ...[MAX_LORA_RANK_FLAG, String(lora.maxLoraRank)],
    ...['--max-cpu-loras', String(ADAPTERS_MAX)],
  ];
}

const ENABLE_LORA_FLAG = '--enable-lora';
const MAX_LORA_RANK_FLAG = '--max-lora-rank';

/**
 * Opens vLLM's paths for loading and unloading, which are for trusted parties only: the gateway's list of paths does
 * not have them, and the network policy lets nobody else but the operator and monitoring to the engine.
 *
 * @see https://docs.vllm.ai/en/latest/features/lora.html#dynamically-serving-lora-adapters
 */
export function adapterEnvironment({ adapters }: Pick<ClassroomSpec, 'adapters'>): {
  name: string;
  value: string;
}[] {
  return adapters.length === 0 ? [] : [{ name: 'VLLM_ALLOW_RUNTIME_LORA_UPDATING', value: 'True' }];
}

/** The highest rank that an engine with these arguments loads; undefined for one that loads no adapters at all. */
export function startedForRank(args: readonly string[]): number | undefined {
  if (!args.includes(ENABLE_LORA_FLAG)) return undefined;
  return Number(args[args.indexOf(MAX_LORA_RANK_FLAG) + 1]);
}
