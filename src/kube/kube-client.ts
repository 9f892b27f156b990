import type { CallOptions, KubeClient, RawOptions, WatchEvent, WatchOptions } from './client.ts';
import { type Clock, systemClock } from './clock.ts';
import type { Credentials } from './credentials.ts';
import { KubeApiError } from './errors.ts';
import { jsonLines, LineTooLongError } from './json-lines.ts';
import { type Logger, silentLogger } from './log.ts';
import { type KubeMetrics, noMetrics } from './metrics.ts';
import { apiVersionOf, type KubeList, type KubeObject, type Resource } from './object.ts';
import { pathOf, queryOf, refOf } from './paths.ts';
import { createTransport, type HttpRequest, type Transport, type Verb } from './transport.ts';

export interface KubeClientOptions {
  credentials: Credentials;
  /** Default: the system's. */
  clock?: Clock;
  log?: Logger;
  metrics?: KubeMetrics;
  /** For every call that names none; default 30 s. */
  defaultDeadlineMs?: number;
  /** Client-side limit over all requests; default none. client-go's classic values are 20/s with a burst of 30. */
  rateLimit?: { ratePerSecond: number; burst: number };
  userAgent?: string;
}

/**
 * One watch event may hold one object; etcd takes at most 1.5 MiB of it, JSON is larger than what etcd stores
 * (https://etcd.io/docs/v3.6/dev-guide/limit/).
 */
const maxWatchLineBytes = 16 * 1024 * 1024;
/** How much longer than its own `timeoutSeconds` a watch may stay open before it counts as dead. */
const watchGraceMs = 15_000;

/** A {@link KubeClient} over one keep-alive pool. Close it to let the process end. */
export function createKubeClient(options: KubeClientOptions): KubeClient {
  const transport = createTransport({
    credentials: options.credentials,
    clock: options.clock ?? systemClock,
    log: options.log ?? silentLogger,
    metrics: options.metrics ?? noMetrics,
    defaultDeadlineMs: options.defaultDeadlineMs ?? 30_000,
    userAgent: options.userAgent ?? 'gpu-classroom',
    rateLimit: options.rateLimit,
  });
  return { ...readsOf(transport), ...writesOf(transport), close: () => transport.close() };
}

/** The answer is what the API server serves at this resource's own path, so its type is the resource's. */
async function sendFor<T>(transport: Transport, request: HttpRequest): Promise<T> {
  return (await transport.send(request)) as T;
}

function limitsOf(options: CallOptions | undefined): Pick<HttpRequest, 'signal' | 'deadlineMs'> {
  return { signal: options?.signal, deadlineMs: options?.deadlineMs };
}

function readsOf(transport: Transport): Pick<KubeClient, 'get' | 'list' | 'watch' | 'raw' | 'open'> {
  return {
    async get<T extends KubeObject>(
      resource: Resource<T>,
      ref: { namespace?: string; name: string },
      options?: CallOptions,
    ) {
      try {
        return await sendFor<T>(transport, {
          verb: 'get',
          method: 'GET',
          path: pathOf(resource, ref),
          resource: resource.plural,
          ...limitsOf(options),
        });
      } catch (error) {
        if (isAbsence(error)) return undefined;
        throw error;
      }
    },

    async list<T extends KubeObject>(resource: Resource<T>, options: Parameters<KubeClient['list']>[1] = {}) {
      const { namespace, labelSelector, fieldSelector, limit, resourceVersion } = options;
      const query = { labelSelector, fieldSelector, limit, continue: options.continue, resourceVersion };
      const list = await sendFor<KubeList<T>>(transport, {
        verb: 'list',
        method: 'GET',
        path: pathOf(resource, { namespace }) + queryOf(query),
        resource: resource.plural,
        ...limitsOf(options),
      });
      return { metadata: list.metadata, items: (list.items ?? []).map((item) => typed(resource, item)) };
    },

    watch: (resource, options) => watch(transport, resource, options),

    raw: async (method, path, options) => transport.send(rawRequest(method, path, options)),

    open: (method, path, options) => transport.open(rawRequest(method, path, options), options.lifetimeMs),
  };
}

function rawRequest(
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  options: RawOptions | undefined,
): HttpRequest {
  const { body, accept, headers } = options ?? {};
  return { verb: 'raw', method, path, resource: 'raw', body, accept, headers, ...limitsOf(options) };
}

function writesOf(
  transport: Transport,
): Pick<KubeClient, 'create' | 'replace' | 'apply' | 'mergePatch' | 'delete'> {
  const write = <T extends KubeObject>(
    resource: Resource<T>,
    verb: Verb,
    request: Omit<HttpRequest, 'verb' | 'resource' | 'signal' | 'deadlineMs'>,
    options: CallOptions | undefined,
  ): Promise<T> =>
    sendFor<T>(transport, { verb, resource: resource.plural, ...request, ...limitsOf(options) });

  return {
    create: (resource, object, options) => {
      const { namespace } = refOf(resource, object);
      const query = queryOf({
        fieldManager: options?.fieldManager,
        dryRun: options?.dryRun ? 'All' : undefined,
      });
      const path = pathOf(resource, { namespace }) + query;
      return write(resource, 'create', { method: 'POST', path, body: object }, options);
    },
    replace: (resource, object, options) => {
      const path = pathOf(resource, refOf(resource, object), options?.subresource);
      return write(resource, 'update', { method: 'PUT', path, body: object }, options);
    },
    apply: (resource, object, options) => {
      const query = queryOf({
        fieldManager: options.fieldManager,
        force: options.force ?? true,
        dryRun: options.dryRun ? 'All' : undefined,
      });
      const path = pathOf(resource, refOf(resource, object), options.subresource) + query;
      const contentType = 'application/apply-patch+yaml';
      return write(resource, 'apply', { method: 'PATCH', path, body: object, contentType }, options);
    },
    mergePatch: (resource, ref, patch, options) => {
      const query = queryOf({ dryRun: options?.dryRun ? 'All' : undefined });
      const path = pathOf(resource, ref, options?.subresource) + query;
      const contentType = 'application/merge-patch+json';
      return write(resource, 'patch', { method: 'PATCH', path, body: patch, contentType }, options);
    },
    async delete(resource, ref, options = {}) {
      const { propagationPolicy, gracePeriodSeconds, uid, resourceVersion } = options;
      const preconditions =
        uid === undefined && resourceVersion === undefined ? undefined : { uid, resourceVersion };
      const body = {
        kind: 'DeleteOptions',
        apiVersion: 'v1',
        propagationPolicy,
        gracePeriodSeconds,
        preconditions,
      };
      try {
        await write(resource, 'delete', { method: 'DELETE', path: pathOf(resource, ref), body }, options);
        return true;
      } catch (error) {
        if (isAbsence(error)) return false;
        throw error;
      }
    },
  };
}

async function* watch<T extends KubeObject>(
  transport: Transport,
  resource: Resource<T>,
  options: WatchOptions,
): AsyncGenerator<WatchEvent<T>, void, void> {
  const { namespace, labelSelector, fieldSelector, resourceVersion, timeoutSeconds, includeObject } = options;
  const query = { labelSelector, fieldSelector, resourceVersion, timeoutSeconds, includeObject };
  const path =
    pathOf(resource, { namespace }) + queryOf({ watch: true, allowWatchBookmarks: true, ...query });
  const stream = await transport.open(
    {
      verb: 'watch',
      method: 'GET',
      path,
      resource: resource.plural,
      accept: options.accept,
      ...limitsOf(options),
    },
    timeoutSeconds * 1000 + watchGraceMs,
  );
  try {
    options.onOpen?.();
    for await (const event of jsonLines(stream.body, maxWatchLineBytes)) yield event as WatchEvent<T>;
  } catch (error) {
    throw watchError(stream.explain(error), error);
  } finally {
    stream.close();
  }
}

function watchError(explained: KubeApiError, error: unknown): KubeApiError {
  const message = 'The watch sent something that is no event';
  if (error instanceof LineTooLongError) {
    return new KubeApiError({ status: 0, reason: 'LineTooLong', message: error.message });
  }
  // The parser's message quotes the text, which may be a Secret.
  if (error instanceof SyntaxError) return new KubeApiError({ status: 0, reason: 'InvalidBody', message });
  return explained;
}

/** Items of a list come without `apiVersion` and `kind`; everything after this line may rely on them. */
function typed<T extends KubeObject>(resource: Resource<T>, item: T): T {
  return { ...item, apiVersion: item.apiVersion ?? apiVersionOf(resource), kind: item.kind ?? resource.kind };
}

/** 404 with a Status means there is no such object. Without one, the path itself is unknown: that is an error. */
function isAbsence(error: unknown): boolean {
  return error instanceof KubeApiError && error.isNotFound && error.reason === 'NotFound';
}
