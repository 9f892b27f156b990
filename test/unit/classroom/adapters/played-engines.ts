import type { CallEngine, EngineAnswer } from '../../../../src/classroom/engine-calls.ts';

/** An engine that knows vLLM's paths for adapters; a test says what it does otherwise. */
export class PlayedEngine {
  /** Folders by model name. */
  readonly loaded = new Map<string, string>();
  /** Calls that change something, in order: `load qwen:sql-tutor /models/adapters/sql`. */
  readonly told: string[] = [];
  /** What it answers in the place of loading, by folder. */
  readonly refusals = new Map<string, EngineAnswer>();
  /** What it answers to the first request on an adapter, by model name. */
  readonly warmUps = new Map<string, EngineAnswer>();
  /** What it answers in the place of unloading anything. */
  unloading: EngineAnswer | undefined;
  health = 200;
  /** The folder that it says it has an adapter from. */
  rootOf = (folder: string) => folder;
  /** In the place of everything. */
  silence: EngineAnswer | undefined;

  answer(path: string, body: Record<string, unknown>): EngineAnswer {
    if (this.silence !== undefined) return this.silence;
    switch (path) {
      case '/health':
        return answered(this.health, '');
      case '/v1/models':
        return answered(200, JSON.stringify({ object: 'list', data: [base, ...this.#adapters()] }));
      case '/v1/load_lora_adapter':
        return this.#load(String(body.lora_name), String(body.lora_path));
      case '/v1/unload_lora_adapter':
        return this.#unload(String(body.lora_name));
      case '/v1/completions':
        return this.warmUps.get(String(body.model)) ?? answered(200, '{}');
      default:
        throw new Error(`the operator must not ask for ${path}`);
    }
  }

  #adapters() {
    return [...this.loaded].map(([id, folder]) => ({ id, root: this.rootOf(folder), parent: base.id }));
  }

  #load(model: string, folder: string): EngineAnswer {
    this.told.push(`load ${model} ${folder}`);
    const refusal = this.refusals.get(folder);
    if (refusal !== undefined) return refusal;
    if (this.loaded.has(model)) return failed(400, `The lora adapter '${model}' has already been loaded.`);
    this.loaded.set(model, folder);
    return answered(200, `Success: LoRA adapter '${model}' added successfully.`);
  }

  #unload(model: string): EngineAnswer {
    this.told.push(`unload ${model}`);
    if (this.unloading !== undefined) return this.unloading;
    if (!this.loaded.delete(model)) return failed(404, `The lora adapter '${model}' cannot be found.`);
    return answered(200, `Success: LoRA adapter '${model}' removed successfully.`);
  }
}

const base = { id: 'qwen', root: '/models/qwen', parent: null };

/** Leads each origin to its engine. */
export function callEngines(engines: Readonly<Record<string, PlayedEngine>>): CallEngine {
  return async (origin, { path, body }) => {
    const engine = engines[origin];
    if (engine === undefined) throw new Error(`no engine is at ${origin}`);
    return engine.answer(path, { ...body });
  };
}

export function answered(status: number, text: string): EngineAnswer {
  return { kind: 'answered', status, text };
}

/** vLLM's error of this message. */
export function failed(status: number, message: string): EngineAnswer {
  return answered(status, JSON.stringify({ error: { message, type: 'x', param: null, code: status } }));
}

export const MISSING = failed(404, 'Loading lora x failed: No adapter found for /models/adapters/sql');
export const RANK_64 = failed(
  500,
  'Call to add_lora method failed: LoRA rank 64 is greater than max_lora_rank 16.',
);
export const DEAD = failed(
  500,
  'EngineCore encountered an issue. See stack trace (above) for the root cause.',
);
export const CUT: EngineAnswer = { kind: 'unanswered', cause: 'cut', why: 'other side closed' };
