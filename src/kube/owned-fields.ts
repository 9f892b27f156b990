import { isJsonObject } from '../json/object.ts';
import type { ManagedFieldsEntry } from './object.ts';

/**
 * Whether the writer of an entry owns a field. Who changes a value owns it from then on; who writes the same, does not.
 *
 * @param path keys of `fieldsV1`, such as `f:spec`, `f:access`
 * @see https://pkg.go.dev/sigs.k8s.io/structured-merge-diff/v6/fieldpath#PathElement
 */
export function ownsField({ fieldsV1 }: ManagedFieldsEntry, path: readonly string[]): boolean {
  let fields: unknown = fieldsV1;
  for (const key of path) {
    if (!isJsonObject(fields) || fields[key] === undefined) return false;
    fields = fields[key];
  }
  return true;
}

/** {@link ownsField} of an annotation. */
export function ownsAnnotation(entry: ManagedFieldsEntry, annotation: string): boolean {
  return ownsField(entry, ['f:metadata', 'f:annotations', `f:${annotation}`]);
}
