import { isDeepStrictEqual } from 'node:util';

/** An adapter that an engine has not loaded, for a reason. */
export interface AdapterTrouble {
  readonly name: string;
  /** `Failed`: it does not take it. `Waiting`: it must be started anew first. `Loading`: it is about to. */
  readonly state: 'Failed' | 'Waiting' | 'Loading';
  /** A sentence without its end: why, and what to do. */
  readonly why: string;
}

/** One engine's adapters as they were last seen. */
export interface EngineAdapters {
  /** The pod and the start of its container. */
  readonly instance: string;
  /** Names of those loaded, also of those about to be unloaded. */
  readonly loaded: readonly string[];
  readonly troubles: readonly AdapterTrouble[];
}

/** An adapter that no engine is given any more. */
export interface QuarantinedAdapter {
  readonly name: string;
  /** As in the spec. */
  readonly path: string;
  readonly why: string;
}

/** The adapters of one class as they were last seen. */
export interface ClassAdapters {
  readonly engines: readonly EngineAdapters[];
  readonly quarantined: readonly QuarantinedAdapter[];
}

/** What is known of the adapters of all classes: written by who asks the engines, read for the status. In memory. */
export interface AdapterBoard {
  /** @param classroom `namespace/name` */
  of(classroom: string): ClassAdapters | undefined;
  /** Tells of it where it says something new. */
  put(classroom: string, adapters: ClassAdapters): void;
  remove(classroom: string): void;
  /** Calls `handler` with the key of a class of which something new is known. @returns ends the subscription */
  onChange(handler: (classroom: string) => void): () => void;
}

/** An empty board. */
export function createAdapterBoard(): AdapterBoard {
  const classes = new Map<string, ClassAdapters>();
  const handlers = new Set<(classroom: string) => void>();
  const tell = (classroom: string): void => {
    for (const handler of handlers) handler(classroom);
  };
  return {
    of: (classroom) => classes.get(classroom),
    put(classroom, adapters) {
      if (isDeepStrictEqual(classes.get(classroom), adapters)) return;
      classes.set(classroom, adapters);
      tell(classroom);
    },
    remove(classroom) {
      if (classes.delete(classroom)) tell(classroom);
    },
    onChange(handler) {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
  };
}
