import { withNullsAbsent } from '../../api/parse.ts';
import type { KubeClient } from '../../kube/client.ts';
import { KubeApiError } from '../../kube/errors.ts';
import type { KubeObject, Resource } from '../../kube/object.ts';

/** A merge patch (RFC 7386) of what people write: null takes a field away. */
export interface Patch {
  readonly metadata?: { readonly annotations: Readonly<Record<string, string | null>> };
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** What became of an object. */
export interface Changed<T> {
  /** As it is now; of a dry run, as it would be. */
  readonly object: T;
  readonly change: 'configured' | 'unchanged';
}

/** Operator and gateway write the status at most every few seconds: the same object does not change often. */
const MAX_ATTEMPTS = 5;

/**
 * Changes an object in one request, and only as what was decided upon: where somebody else has changed it since it was
 * read, it is read and decided upon again.
 *
 * @param found as it was read
 * @param decide what to write; undefined: it is as wanted. What it throws ends the change
 * @throws KubeApiError 409 when it changes again and again, or another object took its name
 */
export async function changeObject<T extends KubeObject>(
  client: Pick<KubeClient, 'get' | 'mergePatch'>,
  resource: Resource<T>,
  found: T,
  decide: (latest: T) => Patch | undefined | Promise<Patch | undefined>,
  { dryRun = false }: { dryRun?: boolean } = {},
): Promise<Changed<T>> {
  let latest = found;
  for (let attempt = 1; ; attempt++) {
    const patch = await decide(latest);
    if (patch === undefined) return { object: latest, change: 'unchanged' };
    const { uid, resourceVersion } = latest.metadata;
    const guarded = { ...patch, metadata: { ...patch.metadata, uid, resourceVersion } };
    try {
      const object = await client.mergePatch(resource, latest.metadata, guarded, { dryRun });
      return { object: withNullsAbsent(object), change: 'configured' };
    } catch (error) {
      if (!(error instanceof KubeApiError && error.isConflict) || attempt === MAX_ATTEMPTS) throw error;
      const read = await client.get(resource, latest.metadata);
      if (read === undefined || read.metadata.uid !== uid) throw error;
      latest = withNullsAbsent(read);
    }
  }
}
