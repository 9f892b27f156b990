import type { KubeClient } from './client.ts';
import type { Clock } from './clock.ts';
import type { Informer } from './informer.ts';
import { type KubeObject, keyOf, type Resource } from './object.ts';

/** What an informer says of how far it is. */
export type Followed = Pick<Informer<KubeObject>, 'resource' | 'resourceVersion' | 'store'>;

/** A client that remembers what was written with it. */
export interface RememberingClient {
  readonly client: KubeClient;
  /**
   * Whether the informers show all that was written of their kinds. What their selectors leave out counts too: it is
   * heard of with the next bookmark.
   */
  isShownBy(informers: readonly Followed[]): boolean;
}

/** What was written of one kind. */
interface Written {
  /** The newest. */
  version: bigint;
  readonly deleted: Map<string, Deletion>;
}

interface Deletion {
  /** Undefined: whatever has the name. */
  readonly uid: string | undefined;
  readonly atMs: number;
}

/** The API server tells of a deletion within seconds. Of what is there after so long, a namesake was made. */
const BELIEVED_FOR_MS = 30_000;

/** Remembers the newest version of each kind and its latest deletions: the memory does not grow with the writes. */
export function rememberWrites(client: KubeClient, clock: Clock): RememberingClient {
  const kinds = new Map<string, Written>();

  function writtenOf<T extends KubeObject>(resource: Resource<T>): Written {
    const kind = kindOf(resource);
    const known = kinds.get(kind) ?? { version: 0n, deleted: new Map<string, Deletion>() };
    kinds.set(kind, known);
    return known;
  }

  function remember<T extends KubeObject>(resource: Resource<T>, object: T, dryRun: boolean | undefined): T {
    const version = versionOf(object.metadata.resourceVersion);
    const written = writtenOf(resource);
    if (!dryRun && version > written.version) written.version = version;
    return object;
  }

  return {
    client: {
      ...client,
      create: async (resource, object, options) =>
        remember(resource, await client.create(resource, object, options), options?.dryRun),
      replace: async (resource, object, options) =>
        remember(resource, await client.replace(resource, object, options), false),
      apply: async (resource, object, options) =>
        remember(resource, await client.apply(resource, object, options), options.dryRun),
      mergePatch: async (resource, ref, patch, options) =>
        remember(resource, await client.mergePatch(resource, ref, patch, options), options?.dryRun),
      async delete(resource, ref, options) {
        const wasThere = await client.delete(resource, ref, options);
        const { deleted } = writtenOf(resource);
        forgetOld(deleted, clock);
        deleted.set(keyOf(ref), { uid: options?.uid, atMs: clock.monotonic() });
        return wasThere;
      },
    },
    isShownBy: (informers) =>
      informers.every((informer) => {
        const written = kinds.get(kindOf(informer.resource));
        if (written === undefined) return true;
        forgetOld(written.deleted, clock);
        return isShown(written, informer);
      }),
  };
}

function forgetOld(deleted: Map<string, Deletion>, clock: Clock): void {
  for (const [key, { atMs }] of deleted) {
    if (clock.monotonic() - atMs >= BELIEVED_FOR_MS) deleted.delete(key);
  }
}

function isShown({ version, deleted }: Written, { resourceVersion, store }: Followed): boolean {
  const stillThere = [...deleted].some(([key, { uid }]) => {
    const { metadata } = store.get(key) ?? {};
    if (metadata === undefined || metadata.deletionTimestamp !== undefined) return false;
    return uid === undefined || metadata.uid === uid;
  });
  return !stillThere && versionOf(resourceVersion) >= version;
}

/**
 * Versions of one kind are numbers that grow: https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
 *
 * @returns 0 for what is none
 */
function versionOf(resourceVersion: string | undefined): bigint {
  return /^\d+$/.test(resourceVersion ?? '') ? BigInt(resourceVersion ?? '') : 0n;
}

function kindOf({ group, plural }: Pick<Resource<KubeObject>, 'group' | 'plural'>): string {
  return `${plural}.${group}`;
}
