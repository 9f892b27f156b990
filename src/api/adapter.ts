import { z } from 'zod';
import { dnsLabel, int32, volumePath } from './bounds.ts';
import { MODEL_VOLUME_PATH } from './model.ts';

/** The most adapters of a class; every engine keeps room for as many in its main memory. */
export const ADAPTERS_MAX = 64;

/**
 * The rank of an adapter of which the spec says none, and the least for which engines are started: vLLM's own default.
 *
 * @see https://docs.vllm.ai/en/latest/features/lora.html
 */
export const DEFAULT_ADAPTER_RANK = 16;

export const adapterSchema = z
  .object({
    name: dnsLabel().describe('Students write `servedName:name` as the model.'),
    path: volumePath(512).describe(
      'Folder of the LoRA adapter on the model volume. A new version is a new folder: files of a loaded adapter must stay.',
    ),
    rank: int32(1, 512)
      .default(DEFAULT_ADAPTER_RANK)
      .describe(
        'Rank of the adapter (`r` in its adapter_config.json); engines are started for the largest of the class.',
      ),
  })
  .describe('A LoRA adapter that every engine loads.');

export type AdapterSpec = z.infer<typeof adapterSchema>;

const ADAPTER_STATES = ['Loaded', 'Loading', 'Waiting', 'Failed', 'Quarantined'] as const;

export const adapterStatusSchema = z.object({
  name: dnsLabel().describe('Name of the adapter.'),
  model: z.string().max(640).describe('What students write as `model`.'),
  path: z.string().max(512).describe('The folder that this is about.'),
  state: z
    .enum(ADAPTER_STATES)
    .describe(
      'Loaded: by every engine that answers. Quarantined: it made an engine die and is not loaded any more.',
    ),
  loadedEngines: int32(0, 10_000).describe('Engines that have it.'),
  message: z.string().max(2048).optional().describe('Why it is not loaded, and what to do.'),
});

export type AdapterStatus = z.infer<typeof adapterStatusSchema>;

/**
 * The model name of an adapter, for students and for engines alike: engines are told to serve it under this very name,
 * so answers carry what the student wrote.
 *
 * @param servedName the base model's, or an alias of it
 */
export function adapterModelName(servedName: string, adapter: string): string {
  return `${servedName}:${adapter}`;
}

/** Where an engine finds the folder of an adapter. */
export function adapterFolder(path: AdapterSpec['path']): string {
  return `${MODEL_VOLUME_PATH}/${path}`;
}
