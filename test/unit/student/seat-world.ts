import { classrooms } from '../../../src/api/classroom.ts';
import { type StudentQuota, studentQuotas } from '../../../src/api/student-quota.ts';
import { isJsonObject } from '../../../src/json/object.ts';
import type { KubeClient } from '../../../src/kube/client.ts';
import { KubeApiError } from '../../../src/kube/errors.ts';
import type { Logger } from '../../../src/kube/log.ts';
import { type KubeObject, keyOf, type ObjectRef, type Resource } from '../../../src/kube/object.ts';
import { type Secret, secrets } from '../../../src/kube/resources.ts';
import type { ObjectCache, ObjectChange } from '../../../src/reconcile/caches.ts';
import type { OperatorController } from '../../../src/reconcile/controller.ts';
import { createStudentController, type StudentDependencies } from '../../../src/student/controller.ts';
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts';
import { classroom, NAMESPACE, quota } from './builders.ts';

/** What a test throws in place of `kill -9`: nothing in the product catches it. */
export class Killed extends Error {}

type Objects = Map<string, KubeObject>;

/**
 * As much of an API server as a seat needs: creation that refuses namesakes, server-side apply with resource version
 * and uid as conditions, a status subresource, and a cache that is as old as the test wants.
 */
export class SeatWorld {
  readonly clock: FakeClock = createFakeClock();
  readonly events: { reason: string; type: string; note: string }[] = [];
  /** Everything that leaves the operator other than a Secret: where no key may ever be. */
  readonly emitted: string[] = [];
  /** Every write that was carried out, as `verb resource`. */
  readonly writes: string[] = [];
  /** Called after each write with what it wrote. */
  onWrite: (resource: string, object: KubeObject, before: KubeObject | undefined) => void = () => {};
  /** Kills the operator right after this many writes from now on. */
  killAfterWrites: number | undefined;
  /** The error with which writes of Secrets are refused. */
  refuse: ((object: KubeObject) => KubeApiError) | undefined;

  readonly #stored: Record<string, Objects> = {
    [classrooms.plural]: new Map(),
    [studentQuotas.plural]: new Map(),
    [secrets.plural]: new Map(),
  };
  #cached: Record<string, Objects> = {};
  readonly #handlers: Record<string, ((change: ObjectChange<KubeObject>) => void)[]> = {};
  #versions = 0;
  #keys = 0;

  constructor(options: { withClassroom?: boolean } = {}) {
    if (options.withClassroom !== false) this.put(classrooms, classroom());
    this.put(studentQuotas, quota());
    this.refreshCaches();
  }

  /** What a controller of this world gets. */
  get dependencies(): StudentDependencies {
    return {
      client: this.client,
      informers: {
        classrooms: this.#cache(classrooms),
        studentQuotas: this.#cache(studentQuotas),
        secrets: this.#cache(secrets),
      },
      settings: { gatewayBaseURL: 'https://gateway.example/v1' },
      clock: this.clock,
      log: this.#log(),
      events: {
        record: (_regarding, event) => {
          this.events.push(event);
          this.emitted.push(JSON.stringify(event));
        },
      },
      metrics: {
        objectWritten: (write) => this.emitted.push(JSON.stringify(write)),
        nameConflict: (conflict) => this.emitted.push(JSON.stringify(conflict)),
        keyIssued: (issue) => this.emitted.push(JSON.stringify(issue)),
      },
      randomBytes: (length) => new Uint8Array(length).fill(++this.#keys),
    };
  }

  /** A freshly started operator, in place of the one before: it knows nothing but what the API server holds. */
  operator(): OperatorController & {
    enqueued: string[];
    pass(name?: string): ReturnType<OperatorController['reconcile']>;
  } {
    for (const handlers of Object.values(this.#handlers)) handlers.length = 0;
    const controller = createStudentController(this.dependencies);
    const enqueued: string[] = [];
    controller.connect((key) => enqueued.push(key));
    return Object.assign(controller, {
      enqueued,
      pass: (name = 'alice') => controller.reconcile(`${NAMESPACE}/${name}`, new AbortController().signal),
    });
  }

  /** Passes until one of them writes nothing, as events would make them follow each other. */
  async converge(names: readonly string[] = ['alice']): Promise<void> {
    const operator = this.operator();
    for (let round = 0; round < 12; round++) {
      this.refreshCaches();
      const before = this.writes.length;
      for (const name of names) await operator.pass(name);
      if (this.writes.length === before) return;
    }
    throw new Error(`not settled after 12 rounds: ${this.writes.slice(-12).join(', ')}`);
  }

  get<T extends KubeObject>(resource: Resource<T>, name: string): T | undefined {
    return this.#of(resource).get(`${NAMESPACE}/${name}`) as T | undefined;
  }

  quota(name = 'alice'): StudentQuota {
    const found = this.get(studentQuotas, name);
    if (found === undefined) throw new Error(`no StudentQuota ${name}`);
    return found;
  }

  secret(name = 'alice-api-key'): Secret | undefined {
    return this.get(secrets, name);
  }

  /** Writes as somebody else than the operator. */
  put<T extends KubeObject>(resource: Resource<T>, object: T): void {
    const { metadata } = object;
    const before = this.#of(resource).get(keyOf(metadata));
    const specChanged =
      JSON.stringify({ ...before, metadata: 0, status: 0 }) !==
      JSON.stringify({ ...object, metadata: 0, status: 0 });
    this.#store(resource, {
      ...object,
      metadata: {
        ...metadata,
        uid: metadata.uid ?? before?.metadata.uid ?? `uid-${++this.#versions}`,
        generation: (before?.metadata.generation ?? 0) + (specChanged ? 1 : 0),
      },
    });
  }

  /** Edits as somebody else than the operator. */
  edit<T extends KubeObject>(resource: Resource<T>, name: string, change: (draft: T) => void): void {
    const draft = structuredClone(this.get(resource, name));
    if (draft === undefined) return;
    change(draft);
    this.put(resource, draft);
  }

  remove<T extends KubeObject>(resource: Resource<T>, name: string): void {
    this.#of(resource).delete(`${NAMESPACE}/${name}`);
  }

  /** Makes the caches what the API server holds now, and tells the operators of every change. */
  refreshCaches(only?: Resource<KubeObject>): void {
    for (const plural of Object.keys(this.#stored)) {
      if (only !== undefined && only.plural !== plural) continue;
      const before = this.#cached[plural] ?? new Map<string, KubeObject>();
      const now = new Map(
        [...(this.#stored[plural] ?? [])].filter(([, object]) => isWatched(plural, object)),
      );
      this.#cached = { ...this.#cached, [plural]: now };
      for (const key of new Set([...before.keys(), ...now.keys()])) {
        const change = { now: now.get(key), before: before.get(key) };
        if (change.now === change.before) continue;
        for (const handler of this.#handlers[plural] ?? []) handler(change);
      }
    }
  }

  get client(): Pick<KubeClient, 'get' | 'create' | 'apply'> {
    return {
      get: async (resource, { name }) => this.get(resource, name),
      create: async (resource, object) => {
        if (this.#of(resource).has(keyOf(object.metadata))) throw refused(409, 'AlreadyExists');
        return this.#write('create', resource, object, undefined);
      },
      apply: async (resource, object, { subresource }) => {
        const before = this.get(resource, object.metadata.name);
        const { uid, resourceVersion } = object.metadata;
        if (before === undefined) throw refused(404, 'NotFound');
        if (uid !== undefined && uid !== before.metadata.uid) throw refused(409, 'Conflict');
        if (resourceVersion !== undefined && resourceVersion !== before.metadata.resourceVersion) {
          throw refused(409, 'Conflict');
        }
        const merged = subresource === 'status' ? withStatus(before, object) : merge(before, object);
        return this.#write('apply', resource, merged as typeof object, before);
      },
    };
  }

  #write<T extends KubeObject>(verb: string, resource: Resource<T>, object: T, before: T | undefined): T {
    if (this.refuse !== undefined && resource.plural === secrets.plural) throw this.refuse(object);
    const stored = this.#store(resource, object);
    this.writes.push(`${verb} ${resource.plural}`);
    if (resource.plural !== secrets.plural) this.emitted.push(JSON.stringify(stored));
    this.onWrite(resource.plural, stored, before);
    if (this.killAfterWrites !== undefined && --this.killAfterWrites === 0) {
      this.killAfterWrites = undefined;
      throw new Killed(`killed after ${verb} ${resource.plural}`);
    }
    return stored;
  }

  #store<T extends KubeObject>(resource: Resource<T>, object: T): T {
    const resourceVersion = String(++this.#versions);
    const stored = { ...structuredClone(object), metadata: { ...object.metadata, resourceVersion } };
    this.#of(resource).set(keyOf(object.metadata), stored);
    return stored;
  }

  #of(resource: Pick<Resource<KubeObject>, 'plural'>): Objects {
    const objects = this.#stored[resource.plural];
    if (objects === undefined) throw new Error(`this world has no ${resource.plural}`);
    return objects;
  }

  #cache<T extends KubeObject>(resource: Resource<T>): ObjectCache<T> {
    const all = (): T[] => [...(this.#cached[resource.plural]?.values() ?? [])] as T[];
    return {
      get: (ref: ObjectRef) => all().find((object) => keyOf(object.metadata) === keyOf(ref)),
      list: () => all(),
      ownedBy: (uid) => all().filter((o) => o.metadata.ownerReferences?.some((owner) => owner.uid === uid)),
      ofClassroom: () => [],
      onChange: (handler) => {
        const handlers = this.#handlers[resource.plural] ?? [];
        this.#handlers[resource.plural] = handlers;
        const told = handler as (change: ObjectChange<KubeObject>) => void;
        handlers.push(told);
        for (const now of all()) handler({ now, before: undefined });
        return () => void handlers.splice(handlers.indexOf(told), 1);
      },
    };
  }

  #log(): Logger {
    const line = (fields: object, message: string) =>
      void this.emitted.push(`${message} ${JSON.stringify(fields)}`);
    const log: Logger = { debug: line, info: line, warn: line, error: line, child: () => log };
    return log;
  }
}

/** The cache of Secrets holds only those with our label. */
function isWatched(plural: string, { metadata }: KubeObject): boolean {
  return (
    plural !== secrets.plural ||
    metadata.labels?.['app.kubernetes.io/managed-by'] === 'gpu-classroom-operator'
  );
}

export function refused(status: number, reason: string, message = `${reason} by the test`): KubeApiError {
  return new KubeApiError({ status, reason, message });
}

/** The status that is applied replaces what the operator wrote before; the gateway's usage stays. */
function withStatus(before: KubeObject, intent: KubeObject): KubeObject {
  const usage = 'status' in before ? (before as StudentQuota).status?.usage : undefined;
  const status = { ...('status' in intent ? (intent as StudentQuota).status : {}), ...(usage && { usage }) };
  return { ...before, ...{ status } };
}

function merge(before: unknown, intent: unknown): unknown {
  if (!isJsonObject(before) || !isJsonObject(intent)) return intent;
  const merged = { ...before };
  for (const [key, value] of Object.entries(intent)) merged[key] = merge(merged[key], value);
  return merged;
}
