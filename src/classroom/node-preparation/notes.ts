import type { PreparationNote } from '../../gpu/node-preparation/note.ts';

/**
 * What the last try found in the way of a class, from the controller that prepares nodes to the one that writes the
 * status. It is found anew after a restart.
 */
export interface PreparationNotes {
  /** @param key `namespace/name` of the class */
  get(key: string): PreparationNote | undefined;
  set(key: string, note: PreparationNote | undefined): void;
  /** Calls `handler` with the class whose note changed. Returns the unsubscribe function. */
  onChange(handler: (key: string) => void): () => void;
}

export function createPreparationNotes(): PreparationNotes {
  const notes = new Map<string, PreparationNote>();
  const handlers = new Set<(key: string) => void>();
  return {
    get: (key) => notes.get(key),
    set(key, note) {
      const before = notes.get(key);
      if (before?.why === note?.why && before?.message === note?.message) return;
      if (note === undefined) notes.delete(key);
      else notes.set(key, note);
      for (const handler of handlers) handler(key);
    },
    onChange(handler) {
      handlers.add(handler);
      return () => void handlers.delete(handler);
    },
  };
}
