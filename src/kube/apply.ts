import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { CallOptions, KubeClient } from './client.ts';
import { type Clock, systemClock } from './clock.ts';
import { KubeApiError } from './errors.ts';
import {
  canonicalJson,
  type Difference,
  differencesOf,
  statusDifferencesOf,
  upgradeManagedFields,
  wasWrittenBy,
  withIntentHash,
} from './intent.ts';
import { type KubeObject, keyOf, type ObjectRef, type OwnerReference, type Resource } from './object.ts';
import { createOwnWrites } from './own-writes.ts';
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

/** What became of an intent. */
export interface Applied<T extends KubeObject> {
  /** `unchanged` also when a write turned out to change nothing. */
  outcome: 'created' | 'configured' | 'unchanged';
  /** Whether a write was sent. */
  written: boolean;
  /** The object as it is now, as far as we know. */
  object: T;
}

export interface ApplyIntentOptions<T extends KubeObject> extends CallOptions {
  /**
   * What an informer's store holds; undefined where it holds nothing. Being out of date costs requests, never
   * correctness.
   */
  observed?: T | undefined;
  /** Applies only `status`, through its subresource. */
  subresource?: 'status' | undefined;
}

/** Makes what is there what it should be, with as few requests as possible. */
export interface Applier {
  /**
   * Brings one object to its full intent; a field that an earlier intent had and this one has not is removed.
   *
   * No request is sent when `observed`, or what this applier wrote since, is already what the intent says, or is being
   * deleted (its end is a change of its own). Where the server stores something else than it was given (another spelling, an element somebody else
   * put in), one write finds that out and it is remembered.
   *
   * An absent object is made with POST, which never takes over a namesake; everything later is server-side apply.
   * Secrets must be given as `data`: `stringData` is never read back.
   *
   * @throws NameConflictError when a foreign object has the name: one without the intent's controller owner, or, for
   *   an intent without owner, one that we never wrote. A status is applied to whatever is there.
   * @throws KubeApiError
   */
  apply<T extends KubeObject>(
    resource: Resource<T>,
    intent: T,
    options?: ApplyIntentOptions<T>,
  ): Promise<Applied<T>>;
}

const causesSchema = z.object({ causes: z.array(z.object({ field: z.string().optional() })) });
const maxOwnershipAttempts = 4;

/** @param options.fieldManager constant for the life of the product */
export function createApplier(options: {
  client: Pick<KubeClient, 'get' | 'create' | 'apply' | 'mergePatch'>;
  fieldManager: string;
  /** Default: the system's. */
  clock?: Clock;
}): Applier {
  const { client, fieldManager } = options;
  const memory = createMemory();
  const ownWrites = createOwnWrites(options.clock ?? systemClock);

  async function create<T extends KubeObject>(
    resource: Resource<T>,
    intent: T,
    call: CallOptions,
  ): Promise<Applied<T>> {
    try {
      const object = await client.create(resource, intent, { ...call, fieldManager });
      memory.remember(resource, intent, differencesOf(intent, object), object);
      return { outcome: 'created', written: true, object };
    } catch (error) {
      if (!(error instanceof KubeApiError && error.reason === 'AlreadyExists')) throw error;
    }
    const ref = refOf(resource, intent);
    const object = await client.get(resource, ref, call);
    if (object === undefined) throw vanished(resource.kind, ref);
    return configure(resource, intent, object, call);
  }

  async function configure<T extends KubeObject>(
    resource: Resource<T>,
    intent: T,
    observed: T,
    call: CallOptions,
  ): Promise<Applied<T>> {
    const ref = refOf(resource, intent);
    if (!isOurs(intent, observed, fieldManager)) throw new NameConflictError(resource.kind, ref);
    const differences = differencesOf(intent, observed);
    if (observed.metadata.deletionTimestamp || memory.isSettled(resource, intent, differences, observed)) {
      return { outcome: 'unchanged', written: false, object: observed };
    }
    await ownByApply(resource, ref, observed, call);
    const object = await applyTo(resource, intent, observed, call);
    memory.remember(resource, intent, differencesOf(intent, object), object);
    return { outcome: outcomeOf(observed, object), written: true, object };
  }

  /** With the uid the API server refuses to write to a namesake that took the place meanwhile. */
  async function applyTo<T extends KubeObject>(
    resource: Resource<T>,
    intent: T,
    observed: T | undefined,
    call: CallOptions & { subresource?: 'status' },
  ): Promise<T> {
    const uid = observed?.metadata.uid;
    const given = uid === undefined ? intent : { ...intent, metadata: { ...intent.metadata, uid } };
    try {
      return await client.apply(resource, given, { ...call, fieldManager });
    } catch (error) {
      throw isOtherUid(error) ? vanished(resource.kind, refOf(resource, intent)) : error;
    }
  }

  /** Turns the ownership that our create left into one by Apply. Status updates of controllers come between. */
  async function ownByApply<T extends KubeObject>(
    resource: Resource<T>,
    ref: ObjectRef,
    observed: T,
    call: CallOptions,
  ): Promise<void> {
    // A cache may do without managed fields: then only the API server knows them.
    const isKnown = observed.metadata.managedFields !== undefined;
    let latest = isKnown ? observed : await client.get(resource, ref, call);
    // A namesake that took the place is refused by the apply that follows.
    for (let attempt = 1; latest && latest.metadata.uid === observed.metadata.uid; attempt++) {
      const managedFields = upgradeManagedFields(latest, fieldManager);
      if (managedFields === undefined) return;
      const { resourceVersion } = latest.metadata;
      try {
        await client.mergePatch(resource, ref, { metadata: { resourceVersion, managedFields } }, call);
        return;
      } catch (error) {
        const stale = error instanceof KubeApiError && error.isConflict;
        if (!stale || attempt >= maxOwnershipAttempts) throw error;
      }
      latest = await client.get(resource, ref, call);
    }
  }

  async function applyStatus<T extends KubeObject>(
    resource: Resource<T>,
    intent: T,
    observed: T | undefined,
    call: CallOptions,
  ): Promise<Applied<T>> {
    const differences = observed && statusDifferencesOf(intent, observed, fieldManager);
    if (observed && differences && memory.isSettled(resource, intent, differences, observed)) {
      return { outcome: 'unchanged', written: false, object: observed };
    }
    const object = await applyTo(resource, intent, observed, { ...call, subresource: 'status' });
    memory.remember(resource, intent, statusDifferencesOf(intent, object, fieldManager), object);
    return { outcome: outcomeOf(observed, object), written: true, object };
  }

  function applyObject<T extends KubeObject>(
    resource: Resource<T>,
    given: T,
    observed: T | undefined,
    call: CallOptions,
  ): Promise<Applied<T>> {
    if ('stringData' in given) throw new TypeError('A Secret must be given as data, not as stringData');
    const intent = withIntentHash(given);
    return observed === undefined
      ? create(resource, intent, call)
      : configure(resource, intent, observed, call);
  }

  return {
    async apply(resource, intent, { observed, subresource, ...call } = {}) {
      const key = [resource.group, resource.plural, keyOf(intent.metadata), subresource].join(' ');
      const newest = ownWrites.newest(key, observed);
      try {
        const applied = await (subresource === 'status'
          ? applyStatus(resource, intent, newest, call)
          : applyObject(resource, intent, newest, call));
        if (applied.object !== newest) ownWrites.record(key, observed, applied.object);
        return applied;
      } catch (error) {
        ownWrites.forget(key);
        throw error;
      }
    },
  };
}

/**
 * What the server made of intents that it did not store word for word. Kept as hashes: differences may hold the data
 * of a Secret. Lost at a restart, which then costs one write that changes nothing.
 */
interface Memory {
  remember<T extends KubeObject>(
    resource: Resource<T>,
    intent: T,
    differences: readonly Difference[],
    result: T,
  ): void;
  /** The intent is there, or what is missing is what was missing right after it had been written. */
  isSettled<T extends KubeObject>(
    resource: Resource<T>,
    intent: T,
    differences: readonly Difference[],
    observed: T,
  ): boolean;
}

function createMemory(): Memory {
  const accepted = new Map<string, string>();
  const keyFor = <T extends KubeObject>(resource: Resource<T>, intent: T): string =>
    [resource.group, resource.plural, keyOf(intent.metadata), 'status' in intent].join(' ');
  const digest = (intent: KubeObject, differences: readonly Difference[], object: KubeObject): string =>
    createHash('sha256')
      .update(canonicalJson([object.metadata.uid, intent, differences]))
      .digest('hex');
  return {
    remember(resource, intent, differences, result) {
      const key = keyFor(resource, intent);
      if (differences.length === 0) accepted.delete(key);
      else accepted.set(key, digest(intent, differences, result));
    },
    isSettled(resource, intent, differences, observed) {
      if (differences.length === 0) return true;
      const known = accepted.get(keyFor(resource, intent));
      return known !== undefined && known === digest(intent, differences, observed);
    },
  };
}

function outcomeOf(before: KubeObject | undefined, after: KubeObject): 'configured' | 'unchanged' {
  return before?.metadata.resourceVersion === after.metadata.resourceVersion ? 'unchanged' : 'configured';
}

function vanished(kind: string, ref: ObjectRef): KubeApiError {
  const message = `${kind} "${keyOf(ref)}" went, or was replaced, while it was looked at; try again`;
  return new KubeApiError({ status: 409, reason: 'Conflict', message });
}

/** The owner that controls the object, if any. */
export function controllerOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((owner) => owner.controller === true);
}

function isOurs(intent: KubeObject, observed: KubeObject, fieldManager: string): boolean {
  const owner = controllerOf(intent);
  return owner === undefined
    ? wasWrittenBy(observed, fieldManager)
    : controllerOf(observed)?.uid === owner.uid;
}

/** An object of another uid has the name: the API server calls that an invalid change of an immutable field. */
export function isOtherUid(error: unknown): boolean {
  if (!(error instanceof KubeApiError) || error.status !== 422) return false;
  return (
    causesSchema.safeParse(error.details).data?.causes.some(({ field }) => field === 'metadata.uid') ?? false
  );
}
