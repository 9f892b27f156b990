import { z } from 'zod';

/**
 * Building blocks of the schemas: every string, number and list in the API has a bound, because unbounded fields
 * let one object fill etcd and make CEL cost inestimable.
 */

/** Beyond 2^53 − 1 JSON numbers lose precision in JavaScript. */
const MAX_SAFE_INT64 = 9_007_199_254_740_991;

/** A DNS-1123 label: names of objects that end up in host names. */
export function dnsLabel(max = 63) {
  return z
    .string()
    .min(1)
    .max(max)
    .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);
}

/** A DNS-1035 label: names that Services are called after must begin with a letter. */
export function serviceLabel(max = 63) {
  return z
    .string()
    .min(1)
    .max(max)
    .regex(/^[a-z]([-a-z0-9]*[a-z0-9])?$/);
}

/** A DNS-1123 subdomain: names of Secrets, PersistentVolumeClaims and our own objects. */
export function dnsSubdomain(max = 253) {
  return z
    .string()
    .min(1)
    .max(max)
    .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/);
}

export function text(max: number) {
  return z.string().min(1).max(max);
}

/** A key in a Secret. */
export function secretKey() {
  return text(253).regex(/^[-._a-zA-Z0-9]+$/);
}

/** A path below a volume's root: no leading slash, no `..`, no hidden folder. */
export function volumePath(max: number) {
  return text(max).regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*(\/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$/);
}

export function int32(min: number, max: number) {
  return z.int().min(min).max(max).meta({ format: 'int32' });
}

export function int64(min: number, max: number = MAX_SAFE_INT64) {
  return z.int().min(min).max(max).meta({ format: 'int64' });
}

/** An instant: RFC 3339 with an offset. */
export function instant() {
  return z.iso.datetime({ offset: true }).max(40).meta({ format: 'date-time' });
}

/** A SHA-256 in hexadecimal. */
export function sha256() {
  return z
    .string()
    .min(64)
    .max(64)
    .regex(/^[0-9a-f]{64}$/);
}

/** A Kubernetes quantity such as `50Gi`. */
export function quantity() {
  return z
    .string()
    .min(1)
    .max(32)
    .regex(/^[0-9]+(\.[0-9]+)?(Ki|Mi|Gi|Ti|Pi|k|M|G|T|P)?$/);
}

/** How many items a list may have. */
export interface ListBounds {
  min?: number;
  max: number;
}

/** A list whose items differ: the API server merges it item by item, and refuses an item that is there twice. */
export function setOf<Item extends z.ZodType<string>>(item: Item, bounds: ListBounds) {
  return list(item, bounds).superRefine(refuseRepeated).meta({ 'x-kubernetes-list-type': 'set' });
}

/** A list of objects that differ in one field: the API server merges it by that field. */
export function listBy<Key extends string, Item extends z.ZodType<Record<Key, string>>>(
  key: Key,
  item: Item,
  bounds: ListBounds,
) {
  return list(item, bounds)
    .superRefine((items, context) =>
      refuseRepeated(
        items.map((each) => each[key]),
        context,
      ),
    )
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': [key] });
}

function list<Item extends z.ZodType>(item: Item, { min, max }: ListBounds) {
  const bounded = z.array(item).max(max);
  return min === undefined ? bounded : bounded.min(min);
}

function refuseRepeated(keys: readonly string[], context: z.RefinementCtx): void {
  keys.forEach((key, index) => {
    if (keys.indexOf(key) === index) return;
    context.addIssue({ code: 'custom', path: [index], message: `must not repeat '${key}'` });
  });
}
