import type { Classroom } from '../api/classroom.ts';
import { LABELS, MANAGED_BY } from '../api/labels.ts';
import type { KubeObject } from '../kube/object.ts';

/**
 * Whose an object of a name we need is. `leftover`: of an earlier class of the same name; garbage collection is about
 * to remove it.
 */
export type Ownership = 'ours' | 'leftover' | 'foreign';

/** Ours are the objects that this very class controls; and the claim, which has no owner, by its labels. */
export function ownershipOf(classroom: Classroom, object: KubeObject): Ownership {
  const owner = object.metadata.ownerReferences?.find((reference) => reference.controller === true);
  if (owner?.uid !== undefined && owner.uid === classroom.metadata.uid) return 'ours';
  if (owner?.kind === 'Classroom' && owner.name === classroom.metadata.name) return 'leftover';
  return owner === undefined && isKeptClaim(classroom, object) ? 'ours' : 'foreign';
}

/** A claim that the operator made for a class of this name, also for an earlier one. */
function isKeptClaim(classroom: Classroom, object: KubeObject): boolean {
  const labels = object.metadata.labels ?? {};
  return (
    object.kind === 'PersistentVolumeClaim' &&
    labels[LABELS.managedBy] === MANAGED_BY &&
    labels[LABELS.classroom] === classroom.metadata.name
  );
}
