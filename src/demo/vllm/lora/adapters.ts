import { z } from 'zod';
import type { LoraOptions } from '../command-line/options.ts';
import { errors } from '../http/errors.ts';
import type { ServedAdapter, ServedModels } from '../serving/models.ts';

/** What is found at an adapter's path. */
export type AdapterFiles =
  | { readonly kind: 'missing' }
  | { readonly kind: 'file' }
  | { readonly kind: 'directory'; readonly config: string | undefined; readonly hasWeights: boolean };

/** Looks at an adapter's folder. */
export type InspectAdapter = (path: string) => AdapterFiles;

const configSchema = z.looseObject({ r: z.number().optional() });

/** Python's `json` names the first thing it did not expect; this is what it says of a broken object. */
const JSON_ERROR = 'Expecting property name enclosed in double quotes: line 1 column 2 (char 1)';

/**
 * Loads and unloads adapters as vLLM does: in the order of its checks and with its words, without looking at the
 * weights. An adapter that was pushed out of CPU memory is read again at its next use; if its files are gone then,
 * the engine dies for everyone.
 */
export class AdapterLoader {
  readonly options: LoraOptions;
  readonly #models: ServedModels;
  readonly #inspect: InspectAdapter;
  readonly #onFilesGone: (adapter: ServedAdapter) => void;
  /** Names in CPU memory, least recently used first. */
  readonly #cached: string[] = [];

  /** @param onFilesGone kills the engine */
  constructor(
    options: LoraOptions,
    models: ServedModels,
    inspect: InspectAdapter,
    onFilesGone: (adapter: ServedAdapter) => void,
  ) {
    this.options = options;
    this.#models = models;
    this.#inspect = inspect;
    this.#onFilesGone = onFilesGone;
  }

  /**
   * Loads an adapter.
   *
   * @throws {ApiError} 400 for names, 404 for a path without an adapter, 500 for a broken one
   */
  load(adapter: ServedAdapter, inPlace: boolean): void {
    if (adapter.name === '' || adapter.path === '') throw errors.adapterIncomplete();
    if (this.#models.baseNames.includes(adapter.name)) throw errors.adapterIsBaseModel(adapter.name);
    if (!inPlace && this.#models.adapter(adapter.name) !== undefined)
      throw errors.adapterLoaded(adapter.name);
    this.#check(adapter);
    this.#models.add(adapter);
    this.#remember(adapter.name);
  }

  /** @throws {ApiError} 404 if there is no such adapter */
  unload(name: string): void {
    if (name === '') throw errors.adapterIncomplete();
    if (!this.#models.remove(name)) throw errors.adapterUnknown(name);
    this.#forget(name);
  }

  /**
   * A request is about to run with this adapter.
   *
   * @throws {ApiError} 500 if its files have to be read again and are gone; the engine is dead then
   */
  use(adapter: ServedAdapter | undefined): void {
    if (adapter === undefined) return;
    if (!this.#cached.includes(adapter.name) && this.#inspect(adapter.path).kind === 'missing') {
      this.#onFilesGone(adapter);
      throw errors.engineDead();
    }
    this.#remember(adapter.name);
  }

  #check({ name, path }: ServedAdapter): void {
    const files = this.#inspect(path);
    if (files.kind === 'file') {
      throw errors.adapterBroken(`[Errno 20] Not a directory: '${path}/adapter_config.json'`);
    }
    if (files.kind === 'missing' || files.config === undefined) throw errors.adapterMissing(name, path);
    const rank = readRank(files.config);
    if (rank === undefined) throw errors.adapterBroken("Missing required configuration fields: {'r'}");
    if (rank > this.options.maxLoraRank) {
      throw errors.adapterBroken(
        `LoRA rank ${rank} is greater than max_lora_rank ${this.options.maxLoraRank}.`,
      );
    }
    if (!files.hasWeights) throw errors.adapterBroken(`${path} doesn't contain tensors`);
  }

  #remember(name: string): void {
    this.#forget(name);
    this.#cached.push(name);
    while (this.#cached.length > this.options.maxCpuLoras) this.#cached.shift();
  }

  #forget(name: string): void {
    const index = this.#cached.indexOf(name);
    if (index >= 0) this.#cached.splice(index, 1);
  }
}

function readRank(config: string): number | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(config);
  } catch {
    throw errors.adapterBroken(JSON_ERROR);
  }
  return configSchema.safeParse(parsed).data?.r;
}
