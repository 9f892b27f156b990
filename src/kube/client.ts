import type { KubeList, KubeObject, ObjectRef, Resource } from './object.ts';
import type { OpenStream } from './transport.ts';

/** What every call accepts. Without a `deadlineMs` the client's own default holds: no request is ever unbounded. */
export interface CallOptions {
  signal?: AbortSignal;
  deadlineMs?: number;
}

export interface ListOptions extends CallOptions {
  /** Absent: all namespaces. */
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  limit?: number;
  continue?: string;
  /** `'0'` reads from the API server's cache. */
  resourceVersion?: string;
}

export interface WatchOptions extends CallOptions {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  resourceVersion: string;
  /** The server ends the watch after this long. */
  timeoutSeconds: number;
  /** Media type of what comes; default: the objects as JSON. */
  accept?: string;
  /** Where tables are asked for: whether their rows come with metadata, the default, or with whole objects. */
  includeObject?: 'Metadata' | 'Object' | undefined;
  /** Called when the server has accepted the watch; the first event of a quiet resource may be minutes away. */
  onOpen?: () => void;
}

export interface ApplyOptions extends CallOptions {
  fieldManager: string;
  /** Default true: our own fields win over other managers. */
  force?: boolean;
  subresource?: 'status' | 'scale';
  dryRun?: boolean;
}

export interface DeleteOptions extends CallOptions {
  propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  /** Refused with 409 when the object there has another uid: never delete somebody's namesake. */
  uid?: string;
  resourceVersion?: string;
  gracePeriodSeconds?: number;
}

/** Of a path that is none of the typed calls'. */
export interface RawOptions extends CallOptions {
  /** Sent as JSON. */
  body?: unknown;
  /** Media type that is asked for; default: JSON. */
  accept?: string;
  /** Besides the client's own, which win: `Authorization` is always that of the kubeconfig. */
  headers?: Readonly<Record<string, string>>;
}

export interface OpenOptions extends RawOptions {
  /** The stream ends with an error after this long, whatever it still has to say. */
  lifetimeMs: number;
}

/** One event of a watch, as the API server sends it. */
export type WatchEvent<T extends KubeObject> =
  | { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: T }
  | { type: 'BOOKMARK'; object: KubeObject }
  | { type: 'ERROR'; object: { kind: 'Status'; code?: number; reason?: string; message?: string } };

/**
 * Typed access to a Kubernetes API server over one pooled, keep-alive transport.
 *
 * Every method throws `KubeApiError` (see `errors.ts`) for an answer that is not 2xx, and for a request that got
 * no answer. Objects go out as given: no generated model drops fields it does not know.
 */
export interface KubeClient {
  /** The object, or undefined when there is none of that name. */
  get<T extends KubeObject>(
    resource: Resource<T>,
    ref: ObjectRef,
    options?: CallOptions,
  ): Promise<T | undefined>;
  list<T extends KubeObject>(resource: Resource<T>, options?: ListOptions): Promise<KubeList<T>>;
  /** Refused with 409 when an object of that name is there already. */
  create<T extends KubeObject>(
    resource: Resource<T>,
    object: T,
    options?: CallOptions & { fieldManager?: string; dryRun?: boolean },
  ): Promise<T>;
  /** Replaces the whole object; the API server refuses with 409 when `resourceVersion` is stale. */
  replace<T extends KubeObject>(
    resource: Resource<T>,
    object: T,
    options?: CallOptions & { subresource?: 'status' },
  ): Promise<T>;
  /** Server-side apply of the full intent. */
  apply<T extends KubeObject>(resource: Resource<T>, object: T, options: ApplyOptions): Promise<T>;
  /** JSON merge patch (RFC 7386). */
  mergePatch<T extends KubeObject>(
    resource: Resource<T>,
    ref: ObjectRef,
    patch: Record<string, unknown>,
    options?: CallOptions & { subresource?: 'status'; dryRun?: boolean },
  ): Promise<T>;
  /** True when the object was there; false when it was gone already. */
  delete<T extends KubeObject>(
    resource: Resource<T>,
    ref: ObjectRef,
    options?: DeleteOptions,
  ): Promise<boolean>;
  /** Events until the server ends the watch or the signal aborts. Throws when the watch cannot be opened. */
  watch<T extends KubeObject>(resource: Resource<T>, options: WatchOptions): AsyncIterable<WatchEvent<T>>;
  /**
   * Any other path: `/version`, `/readyz`, TokenRequest … An answer that is not JSON is its text. Of a refusal without
   * a Status, such as of a service behind the API server's proxy, `details` of the error is the text.
   */
  raw(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, options?: RawOptions): Promise<unknown>;
  /**
   * Any other path, read as it comes: logs that are followed, answers through the API server's proxy. The caller
   * iterates `body` to its end or calls `close`.
   */
  open(method: 'GET' | 'POST', path: string, options: OpenOptions): Promise<OpenStream>;
  /** Closes the pool; requests in flight are aborted. */
  close(): Promise<void>;
}
