import type { KubeClient, ListOptions, WatchEvent, WatchOptions } from '../../src/kube/client.ts';
import { KubeApiError } from '../../src/kube/errors.ts';
import { type KubeObject, keyOf, type Resource } from '../../src/kube/object.ts';
import type { Pod } from '../../src/kube/resources.ts';

type Change = { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: KubeObject };

/** Objects that can be listed and watched, by `spec.nodeName` too, as from an API server, without one. */
export interface LiveObjects extends Pick<KubeClient, 'list' | 'watch'> {
  /** Adds or replaces an object, and tells who watches. */
  put(...objects: readonly KubeObject[]): void;
  remove(object: KubeObject): void;
  /** Answers requests for a resource with this status, until `allow`. */
  refuse(plural: string, status: number): void;
  allow(plural: string): void;
  /** `nodes`, `pods spec.nodeName=a10-1`: what is watched now. */
  watched(): string[];
  /** Lists asked for so far, the refused ones too. */
  readonly lists: readonly string[];
}

export function liveObjects(...initial: readonly KubeObject[]): LiveObjects {
  const objects = new Map<string, KubeObject>();
  const watchers = new Map<
    (change: Change) => void,
    { scope: string; selects: (object: KubeObject) => boolean }
  >();
  const refusals = new Map<string, number>();
  const lists: string[] = [];
  let version = 0;

  const idOf = (object: KubeObject): string => `${object.kind} ${keyOf(object.metadata)}`;
  const tell = (change: Change): void => {
    for (const [watcher, { selects }] of watchers) if (selects(change.object)) watcher(change);
  };
  const put = (object: KubeObject): void => {
    version += 1;
    const uid = object.metadata.uid ?? `uid-of-${object.metadata.name}`;
    const next = { ...object, metadata: { ...object.metadata, uid, resourceVersion: String(version) } };
    const type = objects.has(idOf(object)) ? 'MODIFIED' : 'ADDED';
    objects.set(idOf(object), next);
    tell({ type, object: next });
  };
  const check = (resource: Resource<KubeObject>): void => {
    const status = refusals.get(resource.plural);
    if (status !== undefined) throw new KubeApiError({ status, reason: 'Refused', message: 'refused' });
  };
  initial.forEach(put);

  return {
    lists,
    put: (...changed) => changed.forEach(put),
    remove(object) {
      const known = objects.get(idOf(object));
      objects.delete(idOf(object));
      if (known !== undefined) tell({ type: 'DELETED', object: known });
    },
    refuse: (plural, status) => void refusals.set(plural, status),
    allow: (plural) => void refusals.delete(plural),
    watched: () => [...watchers.values()].map(({ scope }) => scope).sort(),
    async list<T extends KubeObject>(resource: Resource<T>, options: ListOptions = {}) {
      lists.push(scopeOf(resource, options));
      check(resource);
      const items = [...objects.values()].filter((object) => isSelected(object, resource, options));
      return { metadata: { resourceVersion: String(version) }, items: items as T[] };
    },
    async *watch<T extends KubeObject>(resource: Resource<T>, options: WatchOptions) {
      check(resource);
      const queue: Change[] = [];
      let wake = (): void => {};
      const watcher = (change: Change): void => {
        queue.push(change);
        wake();
      };
      watchers.set(watcher, {
        scope: scopeOf(resource, options),
        selects: (object) => isSelected(object, resource, options),
      });
      options.onOpen?.();
      options.signal?.addEventListener('abort', () => wake(), { once: true });
      try {
        for (;;) {
          options.signal?.throwIfAborted();
          const next = queue.shift();
          if (next === undefined) await new Promise<void>((resolve) => (wake = resolve));
          else yield next as WatchEvent<T>;
        }
      } finally {
        watchers.delete(watcher);
      }
    },
  };
}

function scopeOf({ plural }: Resource<KubeObject>, { fieldSelector }: { fieldSelector?: string }): string {
  return fieldSelector === undefined ? plural : `${plural} ${fieldSelector}`;
}

function isSelected(
  object: KubeObject,
  { kind }: Resource<KubeObject>,
  { fieldSelector }: { fieldSelector?: string },
): boolean {
  if (object.kind !== kind) return false;
  const node = /^spec\.nodeName=(.+)$/.exec(fieldSelector ?? '')?.[1];
  return node === undefined || (object as Pod).spec?.nodeName === node;
}
