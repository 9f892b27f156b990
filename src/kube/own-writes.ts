import type { Clock } from './clock.ts';
import type { KubeObject } from './object.ts';

/**
 * What we wrote ourselves and an informer's store may not show yet. A pass that runs before the watch has caught up
 * would otherwise write everything once more.
 */
export interface OwnWrites {
  /** The newer of `observed` and our own write under `key`. */
  newest<T extends KubeObject>(key: string, observed: T | undefined): T | undefined;
  /** We wrote `written` while the store showed `observed`. */
  record(key: string, observed: KubeObject | undefined, written: KubeObject): void;
  forget(key: string): void;
}

/**
 * The store shows each write sooner or later, but for an object that was made and deleted in a gap of the watch: it
 * would be believed to exist for ever.
 */
const believedForMs = 30_000;

/** An empty memory. Each key must belong to one kind. */
export function createOwnWrites(clock: Clock): OwnWrites {
  const writes = new Map<string, { basis: string | undefined; written: KubeObject; atMs: number }>();
  return {
    newest<T extends KubeObject>(key: string, observed: T | undefined): T | undefined {
      const entry = writes.get(key);
      if (entry === undefined) return observed;
      const storeMoved = entry.basis !== observed?.metadata.resourceVersion;
      if (storeMoved || clock.monotonic() - entry.atMs >= believedForMs) {
        writes.delete(key);
        return observed;
      }
      return entry.written as T;
    },
    record(key, observed, written) {
      const basis = observed?.metadata.resourceVersion;
      writes.set(key, { basis, written, atMs: clock.monotonic() });
    },
    forget: (key) => void writes.delete(key),
  };
}
