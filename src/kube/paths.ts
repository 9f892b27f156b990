import { apiVersionOf, type KubeObject, type ObjectRef, type Resource } from './object.ts';

type Query = Record<string, string | number | boolean | undefined>;

/** The path of a collection, or of one object, as the API server serves it. */
export function pathOf<T extends KubeObject>(
  resource: Resource<T>,
  ref: { namespace?: string | undefined; name?: string | undefined },
  subresource?: string,
): string {
  const root = resource.group === '' ? '/api' : '/apis';
  const parts = [root, apiVersionOf(resource)];
  if (resource.namespaced && ref.namespace !== undefined) {
    parts.push('namespaces', encodeURIComponent(ref.namespace));
  }
  parts.push(resource.plural);
  if (ref.name !== undefined) parts.push(encodeURIComponent(ref.name));
  if (subresource !== undefined) parts.push(subresource);
  return parts.join('/');
}

/** Where an object lives; an object that lacks its name or namespace is a programming error, caught here. */
export function refOf<T extends KubeObject>(resource: Resource<T>, object: T): ObjectRef {
  const { name, namespace } = object.metadata;
  if (!name) throw new TypeError(`${resource.kind} without metadata.name`);
  if (!resource.namespaced) return { name };
  if (!namespace) throw new TypeError(`${resource.kind} "${name}" without metadata.namespace`);
  return { namespace, name };
}

/** `?a=b` of the values that are set; empty when none is. */
export function queryOf(query: Query): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) params.set(name, String(value));
  }
  const text = params.toString();
  return text === '' ? '' : `?${text}`;
}
