import { errors } from '../http/errors.ts';

/** A LoRA adapter that is served. */
export interface ServedAdapter {
  readonly name: string;
  readonly path: string;
}

/** Names under which requests are answered: the base model's, its aliases and the adapters'. */
export class ServedModels {
  readonly root: string;
  readonly baseNames: readonly string[];
  readonly #adapters = new Map<string, ServedAdapter>();

  /** @param baseNames the first is the one answers carry */
  constructor(root: string, baseNames: readonly string[]) {
    this.root = root;
    this.baseNames = baseNames;
  }

  get baseName(): string {
    return this.baseNames[0] ?? this.root;
  }

  get adapters(): readonly ServedAdapter[] {
    return [...this.#adapters.values()];
  }

  adapter(name: string): ServedAdapter | undefined {
    return this.#adapters.get(name);
  }

  add(adapter: ServedAdapter): void {
    this.#adapters.set(adapter.name, adapter);
  }

  remove(name: string): boolean {
    return this.#adapters.delete(name);
  }

  /**
   * The model a request means: missing and empty names mean the base model.
   *
   * @throws {ApiError} 404 that lists the base model's names, never the adapters'
   */
  resolve(name: string | null | undefined): { name: string; adapter: ServedAdapter | undefined } {
    if (name === undefined || name === null || name === '' || this.baseNames.includes(name)) {
      return { name: this.baseName, adapter: undefined };
    }
    const adapter = this.#adapters.get(name);
    if (adapter === undefined) throw errors.unknownModel(name, this.baseNames);
    return { name, adapter };
  }
}
