import { isJsonObject } from '../../../src/json/object.ts';

/** A place in a JSON object: names of fields, keys of maps, and indexes of lists. */
export type ObjectPath = readonly (string | number)[];

/** What is there, or undefined. */
export function valueAt(object: unknown, path: ObjectPath): unknown {
  return path.reduce<unknown>((value, part) => {
    if (Array.isArray(value) && typeof part === 'number') return value[part];
    return isJsonObject(value) ? value[part] : undefined;
  }, object);
}

/** A copy with another value at the path; undefined removes the field. */
export function withValueAt(object: unknown, path: ObjectPath, value: unknown): unknown {
  const [part, ...rest] = path;
  if (part === undefined) return value;
  if (typeof part === 'number') {
    if (!Array.isArray(object)) throw new Error(`no list to set item ${part} of`);
    return object.with(part, withValueAt(object[part], rest, value));
  }
  const fields = isJsonObject(object) ? object : {};
  const child = withValueAt(fields[part], rest, value);
  if (child !== undefined) return { ...fields, [part]: child };
  const { [part]: _removed, ...others } = fields;
  return others;
}
