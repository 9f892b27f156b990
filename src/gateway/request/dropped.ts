import { isJsonObject } from '../../json/object.ts';

const MAX_NAMES = 20;
const MAX_NAME_LENGTH = 64;

/**
 * The fields of `before` that `after` lacks, in the order of the request: `user`, `messages[].cache_control`. Lists
 * are compared entry by entry; what is the same object in both is not looked into. Of very many only the first are named,
 * and "…" stands for the others.
 */
export function droppedFields(before: unknown, after: unknown): string[] {
  const paths = new Set<string>();
  if (differs(before, after)) collect(before, after, '', paths);
  const names = [...paths].slice(0, MAX_NAMES);
  return paths.size > MAX_NAMES ? [...names, '…'] : names;
}

/** Most requests lose nothing: this finds that out without building a path. */
function differs(before: unknown, after: unknown): boolean {
  if (before === after) return false;
  if (Array.isArray(before) && Array.isArray(after)) {
    return before.some((item, index) => differs(item, after[index]));
  }
  if (!isJsonObject(before) || !isJsonObject(after)) return false;
  for (const key of Object.keys(before)) {
    if (!Object.hasOwn(after, key) || differs(before[key], after[key])) return true;
  }
  return false;
}

/** Recursion is as deep as the schema, which made `after`. */
function collect(before: unknown, after: unknown, path: string, paths: Set<string>): void {
  if (before === after) return;
  if (Array.isArray(before) && Array.isArray(after)) {
    for (const [index, item] of before.entries()) collect(item, after[index], `${path}[]`, paths);
    return;
  }
  if (!isJsonObject(before) || !isJsonObject(after)) return;
  for (const key of Object.keys(before)) {
    if (paths.size > MAX_NAMES) return;
    const at = path === '' ? key : `${path}.${key}`;
    if (!Object.hasOwn(after, key)) paths.add(at);
    else collect(before[key], after[key], at, paths);
  }
}

/** For a header: names are text of a stranger, so only harmless characters of them. */
export function droppedHeader(names: readonly string[]): string {
  return names
    .map((name) => (name === '…' ? '...' : name.slice(0, MAX_NAME_LENGTH).replace(/[^\w.[\]-]/g, '?')))
    .join(', ');
}
