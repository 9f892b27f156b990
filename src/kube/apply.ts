import { createHash } from 'node:crypto';
import type { CallOptions, KubeClient } from './client.ts';
import { KubeApiError } from './errors.ts';
import {
  canonicalJson,
  type Difference,
  differencesOf,
  intentHashOf,
  upgradeManagedFields,
  withIntentHash,
} from './intent.ts';
import { type KubeObject, keyOf, type ObjectRef, type OwnerReference, type Resource } from './object.ts';
import { refOf } from './paths.ts';

/** An object of the wanted name exists and is not ours: it stays as it is. */
export class NameConflictError extends Error {
  readonly kind: string;
  readonly ref: ObjectRef;

  constructor(kind: string, ref: ObjectRef) {
    super(
      `${kind} "${keyOf(ref)}" exists and was not made by us. Rename or delete it, then it is made anew.`,
    );
    this.name = 'NameConflictError';
    this.kind = kind;
    this.ref = ref;
  }
}

export type ApplyResult = 'created' | 'configured' | 'unchanged';

/** Makes what is there what it should be, with as few requests as possible. */
export interface Applier {
  /**
   * Brings one object to its full intent; a field that an earlier intent had and this one has not is removed.
   *
   * No request is sent when `observed`, from an informer's store, is already what the intent says. An object that is
   * being deleted is left alone: its end is a change of its own. Where the server stores something else than it was
   * given (another spelling, an element somebody else put in), one write finds that out and it is remembered.
   *
   * An absent object is made with POST, which never takes over a namesake; everything later is server-side apply.
   *
   * @param observed absent: not known to exist. Not being up to date costs requests, never correctness
   * @throws NameConflictError when a foreign object has the name: one without the intent's controller owner, or, for
   *   an intent without owner, one that was not written from an intent
   * @throws KubeApiError
   */
  apply<T extends KubeObject>(
    resource: Resource<T>,
    desired: T,
    observed?: T,
    options?: CallOptions,
  ): Promise<ApplyResult>;
  /**
   * Deletes those of `children` whose controller owner is `ownerUid` and whose key is not in `wanted`.
   *
   * @returns the keys of what was deleted
   */
  prune<T extends KubeObject>(
    resource: Resource<T>,
    prune: { children: readonly T[]; wanted: ReadonlySet<string>; ownerUid: string },
    options?: CallOptions,
  ): Promise<string[]>;
}

/** What the server made of an intent that it did not store word for word. */
interface Accepted {
  uid: string | undefined;
  intentHash: string | undefined;
  differencesHash: string;
}

/** @param options.fieldManager constant for the life of the product */
export function createApplier(options: { client: KubeClient; fieldManager: string }): Applier {
  const { client, fieldManager } = options;
  const accepted = new Map<string, Accepted>();

  const remember = (memoryKey: string, intent: KubeObject, result: KubeObject): void => {
    const differences = differencesOf(intent, result);
    if (differences.length === 0) accepted.delete(memoryKey);
    else accepted.set(memoryKey, acceptance(intent, result, differences));
  };

  const isSettled = (memoryKey: string, intent: KubeObject, observed: KubeObject): boolean => {
    const differences = differencesOf(intent, observed);
    if (differences.length === 0) return true;
    const known = accepted.get(memoryKey);
    return (
      known !== undefined && canonicalJson(known) === canonicalJson(acceptance(intent, observed, differences))
    );
  };

  async function create<T extends KubeObject>(
    resource: Resource<T>,
    intent: T,
    call: CallOptions,
  ): Promise<T | undefined> {
    try {
      return await client.create(resource, intent, { ...call, fieldManager });
    } catch (error) {
      if (error instanceof KubeApiError && error.reason === 'AlreadyExists') return undefined;
      throw error;
    }
  }

  async function configure<T extends KubeObject>(
    resource: Resource<T>,
    intent: T,
    observed: T,
    call: CallOptions,
  ): Promise<ApplyResult> {
    const ref = refOf(resource, intent);
    assertOurs(resource, ref, intent, observed);
    const memoryKey = `${resource.group}/${resource.plural}/${keyOf(ref)}`;
    if (observed.metadata.deletionTimestamp || isSettled(memoryKey, intent, observed)) return 'unchanged';

    const managedFields = upgradeManagedFields(observed, fieldManager);
    if (managedFields !== undefined) {
      const { resourceVersion } = observed.metadata;
      await client.mergePatch(resource, ref, { metadata: { resourceVersion, managedFields } }, call);
    }
    const result = await client.apply(resource, withUid(intent, observed), { ...call, fieldManager });
    remember(memoryKey, intent, result);
    return result.metadata.resourceVersion === observed.metadata.resourceVersion ? 'unchanged' : 'configured';
  }

  return {
    async apply(resource, desired, observed, call = {}) {
      const intent = withIntentHash(desired);
      if (observed !== undefined) return configure(resource, intent, observed, call);
      const ref = refOf(resource, intent);
      const made = await create(resource, intent, call);
      if (made !== undefined) {
        remember(`${resource.group}/${resource.plural}/${keyOf(ref)}`, intent, made);
        return 'created';
      }
      const found = await client.get(resource, ref, call);
      if (found === undefined) throw vanished(resource.kind, ref);
      return configure(resource, intent, found, call);
    },

    async prune(resource, { children, wanted, ownerUid }, call = {}) {
      const deleted: string[] = [];
      for (const child of children) {
        const key = keyOf(child.metadata);
        const { uid, deletionTimestamp } = child.metadata;
        if (wanted.has(key) || deletionTimestamp || controllerOf(child)?.uid !== ownerUid) continue;
        const precondition = uid === undefined ? {} : { uid };
        const options = { ...call, ...precondition, propagationPolicy: 'Background' as const };
        if (await client.delete(resource, refOf(resource, child), options)) deleted.push(key);
        accepted.delete(`${resource.group}/${resource.plural}/${key}`);
      }
      return deleted;
    },
  };
}

function vanished(kind: string, ref: ObjectRef): KubeApiError {
  const message = `${kind} "${keyOf(ref)}" existed and was gone a moment later; try again`;
  return new KubeApiError({ status: 409, reason: 'Conflict', message });
}

/** The owner that controls the object, if any. */
export function controllerOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((owner) => owner.controller === true);
}

function assertOurs<T extends KubeObject>(
  resource: Resource<T>,
  ref: ObjectRef,
  intent: T,
  observed: T,
): void {
  const owner = controllerOf(intent);
  const ours =
    owner === undefined ? intentHashOf(observed) !== undefined : controllerOf(observed)?.uid === owner.uid;
  if (!ours) throw new NameConflictError(resource.kind, ref);
}

/** With the uid the API server refuses to write to a namesake that took the place meanwhile. */
function withUid<T extends KubeObject>(intent: T, observed: T): T {
  const { uid } = observed.metadata;
  return uid === undefined ? intent : { ...intent, metadata: { ...intent.metadata, uid } };
}

/** Differences go in as a hash: they may hold the data of a Secret. */
function acceptance(intent: KubeObject, object: KubeObject, differences: readonly Difference[]): Accepted {
  return {
    uid: object.metadata.uid,
    intentHash: intentHashOf(intent),
    differencesHash: createHash('sha256').update(canonicalJson(differences)).digest('hex'),
  };
}
