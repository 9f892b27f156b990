import type { AccessStatus, Classroom } from '../../api/classroom.ts';
import { ANNOTATIONS } from '../../api/labels.ts';
import { instantOf } from '../../kube/instant.ts';
import type { KubeObject, ManagedFieldsEntry } from '../../kube/object.ts';
import { ownsAnnotation, ownsField } from '../../kube/owned-fields.ts';

/** As long as `status.access.changedBy` may be. */
const NAME_LENGTH = 253;

/**
 * What the status says of `access`: how it is, and who changed it when. A class that is seen for the first time has
 * not changed.
 *
 * @param previous what the status said before
 * @param nowMs epoch ms
 */
export function accessStatus(
  classroom: Classroom,
  previous: AccessStatus | undefined,
  nowMs: number,
): AccessStatus {
  const mode = classroom.spec.access;
  if (previous === undefined) return { mode };
  if (previous.mode === mode) return previous;
  const { by, time = instantOf(nowMs) } = lastWriter(classroom);
  return { mode, changedTime: time, ...(by && { changedBy: by.slice(0, NAME_LENGTH) }) };
}

/** When `spec.access` was written last, as far as the API server says: RFC 3339. */
export function accessWrittenTime(classroom: Classroom): string | undefined {
  return lastWriter(classroom).time;
}

/**
 * Who wrote `spec.access` last, and when. The annotation counts only where the same client wrote both: it may stand
 * there from an earlier change.
 */
function lastWriter({ metadata }: Classroom): { by?: string; time?: string } {
  const writer = (metadata.managedFields ?? [])
    .filter(ownsAccess)
    .toSorted((a, b) => (a.time ?? '').localeCompare(b.time ?? ''))
    .at(-1);
  if (writer === undefined) return {};
  const { manager, time } = writer;
  const name = ownsChangedBy(writer) ? metadata.annotations?.[ANNOTATIONS.accessChangedBy] : undefined;
  const by = name === undefined || name === '' ? manager : name;
  return { ...(by === undefined ? {} : { by }), ...(time === undefined ? {} : { time }) };
}

/** Whether the writer of an entry has written `spec.access`. */
export function ownsAccess(entry: ManagedFieldsEntry): boolean {
  return ownsField(entry, ['f:spec', 'f:access']);
}

function ownsChangedBy(entry: ManagedFieldsEntry): boolean {
  return ownsAnnotation(entry, ANNOTATIONS.accessChangedBy);
}

/** A `transform` for caches: of the managed fields it keeps what tells who wrote `spec.access`, which is little. */
export function withOwnersOfAccess<T extends KubeObject>(object: T): T {
  const { managedFields = [], ...metadata } = object.metadata;
  const kept = managedFields.filter(ownsAccess).map((entry) => ({
    ...entry,
    fieldsV1: {
      'f:spec': { 'f:access': {} },
      ...(ownsChangedBy(entry)
        ? { 'f:metadata': { 'f:annotations': { [`f:${ANNOTATIONS.accessChangedBy}`]: {} } } }
        : {}),
    },
  }));
  return { ...object, metadata: { ...metadata, managedFields: kept } };
}
