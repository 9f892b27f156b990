import { createHash } from 'node:crypto';
import { isJsonObject } from '../json/object.ts';
import type { KubeObject, ManagedFieldsEntry } from './object.ts';
import { sameQuantity } from './quantity.ts';

/** Holds the hash of the intent that was last written: an intent that lost a field is seen although the rest is there. */
export const intentHashAnnotation = 'gpu-classroom.io/intent-hash';

/** One place where the observed object is not what the intent says. */
export interface Difference {
  /** As in `spec.template.spec.containers.0.image`. */
  path: string;
  observed: unknown;
}

/** The intent with its own hash in an annotation. */
export function withIntentHash<T extends KubeObject>(intent: T): T {
  const hash = createHash('sha256').update(canonicalJson(intent)).digest('hex').slice(0, 32);
  const annotations = { ...intent.metadata.annotations, [intentHashAnnotation]: hash };
  return { ...intent, metadata: { ...intent.metadata, annotations } };
}

/** Whether the object was written by this manager from an intent: it has our annotation or our managed fields. */
export function wasWrittenBy(object: KubeObject, manager: string): boolean {
  if (object.metadata.annotations?.[intentHashAnnotation] !== undefined) return true;
  return (object.metadata.managedFields ?? []).some(
    (entry) => entry.manager === manager && !entry.subresource,
  );
}

/**
 * Where `observed` lacks something that `intent` says. What the API server adds (defaults, status, allocated
 * addresses) and other managers' fields are no difference; neither is another spelling of a quantity, nor an empty
 * list or map that was left out. Lists and selectors count as whole: an element more is a difference, except among
 * owners and finalizers, which others add to.
 */
export function differencesOf(intent: KubeObject, observed: KubeObject): Difference[] {
  const found: Difference[] = [];
  compare(intent, observed, [], found);
  return found;
}

/**
 * The same for the status alone, plus what `manager` applied there earlier and the intent no longer says. (Objects
 * themselves carry a hash for that: their managed fields hold defaults as well, being made by POST.)
 */
export function statusDifferencesOf(intent: KubeObject, observed: KubeObject, manager: string): Difference[] {
  const found: Difference[] = [];
  compare(statusOf(intent), statusOf(observed), ['status'], found);
  const entries = observed.metadata.managedFields ?? [];
  const ours = entries.find(
    (entry) => entry.manager === manager && entry.operation === 'Apply' && entry.subresource === 'status',
  );
  const fields = ours?.fieldsV1?.['f:status'];
  if (isJsonObject(fields)) findDropped(fields, statusOf(intent), ['status'], found);
  return found;
}

function statusOf(object: KubeObject): unknown {
  return 'status' in object ? object.status : undefined;
}

/**
 * Fields we own and no longer say. Keys of `fieldsV1`: `f:<field>`, `k:<keys of the element>`, `v:<value>`,
 * `i:<index>`, `.` for the parent itself
 * (https://pkg.go.dev/sigs.k8s.io/structured-merge-diff/v6/fieldpath#PathElement).
 */
function findDropped(
  fields: Record<string, unknown>,
  intent: unknown,
  path: readonly string[],
  found: Difference[],
): void {
  for (const [key, children] of Object.entries(fields)) {
    if (key === '.') continue;
    const name = key.slice(2);
    const child = childOf(intent, key.slice(0, 2), name);
    if (child === undefined) found.push({ path: [...path, name].join('.'), observed: 'owned' });
    else if (isJsonObject(children)) findDropped(children, child, [...path, name], found);
  }
}

function childOf(intent: unknown, prefix: string, name: string): unknown {
  if (prefix === 'f:') return isJsonObject(intent) ? intent[name] : undefined;
  if (!Array.isArray(intent)) return undefined;
  if (prefix === 'i:') return intent[Number(name)];
  const wanted: unknown = JSON.parse(name);
  return intent.find((element: unknown) => contains(element, wanted));
}

/** JSON with sorted keys and without undefined values: equal objects give equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(withSortedKeys(value));
}

function withSortedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withSortedKeys);
  if (!isJsonObject(value)) return value;
  const keys = Object.keys(value).sort();
  return Object.fromEntries(keys.map((key) => [key, withSortedKeys(value[key])]));
}

/** The parents under which Kubernetes' own types hold quantities. */
const quantityParents: ReadonlySet<string> = new Set(['limits', 'requests', 'capacity', 'overhead']);
const quantityFields: ReadonlySet<string> = new Set(['sizeLimit', 'divisor']);
const sharedLists: ReadonlySet<string> = new Set(['metadata.ownerReferences', 'metadata.finalizers']);
/**
 * Maps that Kubernetes' own types declare atomic: who writes one writes all of it. A label more in a selector selects
 * other pods, or none (https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy).
 */
const atomicMaps: ReadonlySet<string> = new Set([
  'selector',
  'podSelector',
  'namespaceSelector',
  'nodeSelector',
  'matchLabels',
]);

/** @param path where we are; as it was when this returns. Thousands of objects are compared: no copy a step. */
function compare(intent: unknown, observed: unknown, path: string[], found: Difference[]): void {
  if (intent === undefined || isAbsentAlike(intent, observed)) return;
  if (Array.isArray(intent) && Array.isArray(observed)) {
    compareLists(intent, observed, path, found);
  } else if (isJsonObject(intent) && isJsonObject(observed)) {
    compareMaps(intent, observed, path, found);
  } else if (intent !== observed && !(isQuantity(path) && sameQuantity(intent, observed))) {
    found.push({ path: path.join('.'), observed });
  }
}

function compareMaps(
  intent: Readonly<Record<string, unknown>>,
  observed: Readonly<Record<string, unknown>>,
  path: string[],
  found: Difference[],
): void {
  if (atomicMaps.has(path.at(-1) ?? '') && Object.keys(observed).some((key) => !(key in intent))) {
    found.push({ path: path.join('.'), observed });
  }
  for (const key of Object.keys(intent)) {
    path.push(key);
    compare(intent[key], observed[key], path, found);
    path.pop();
  }
}

function compareLists(
  intent: readonly unknown[],
  observed: readonly unknown[],
  path: string[],
  found: Difference[],
): void {
  if (sharedLists.has(path.join('.'))) {
    const missing = intent.some((element) => !observed.some((candidate) => contains(candidate, element)));
    if (missing) found.push({ path: path.join('.'), observed });
    return;
  }
  if (intent.length !== observed.length) {
    found.push({ path: path.join('.'), observed });
    return;
  }
  for (const [index, element] of intent.entries()) {
    path.push(String(index));
    compare(element, observed[index], path, found);
    path.pop();
  }
}

function contains(observed: unknown, intent: unknown): boolean {
  const found: Difference[] = [];
  compare(intent, observed, [], found);
  return found.length === 0;
}

/** Go leaves empty lists and maps out of JSON. Empty strings, 0 and false are not treated so: they can mean something. */
function isAbsentAlike(intent: unknown, observed: unknown): boolean {
  if (observed !== undefined && observed !== null) return false;
  if (intent === null) return true;
  return Array.isArray(intent)
    ? intent.length === 0
    : isJsonObject(intent) && Object.keys(intent).length === 0;
}

function isQuantity(path: readonly string[]): boolean {
  return quantityParents.has(path.at(-2) ?? '') || quantityFields.has(path.at(-1) ?? '');
}

/**
 * The managed fields with what `manager` owns by an Update (its create) owned by an Apply, or undefined when there is
 * nothing to change. Without this, fields that a later intent drops would stay: Apply removes only what it owns.
 * The same as client-go's `csaupgrade` (https://pkg.go.dev/k8s.io/client-go/util/csaupgrade).
 */
export function upgradeManagedFields(object: KubeObject, manager: string): ManagedFieldsEntry[] | undefined {
  const entries = object.metadata.managedFields ?? [];
  const isOurs = (entry: ManagedFieldsEntry, operation: string): boolean =>
    entry.manager === manager && entry.operation === operation && !entry.subresource;
  const created = entries.find((entry) => isOurs(entry, 'Update'));
  if (created === undefined) return undefined;
  const applied = entries.find((entry) => isOurs(entry, 'Apply'));
  const fieldsV1 = unionOfFields(created.fieldsV1 ?? {}, applied?.fieldsV1 ?? {});
  const others = entries.filter((entry) => entry !== created && entry !== applied);
  return [...others, { ...created, operation: 'Apply', fieldsV1 }];
}

function unionOfFields(a: Record<string, unknown>, b: Record<string, unknown>): Record<string, unknown> {
  const union = { ...a };
  for (const [key, value] of Object.entries(b)) {
    const known = union[key];
    union[key] = isJsonObject(known) && isJsonObject(value) ? unionOfFields(known, value) : value;
  }
  return union;
}
