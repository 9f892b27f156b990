import type { Classroom, ClassroomSpec } from '../../api/classroom.ts';
import { COMPONENTS } from '../../api/labels.ts';
import { parseQuantity } from '../../kube/quantity.ts';
import type { PersistentVolumeClaim } from '../../kube/resources.ts';
import { childLabels, modelCacheName } from './metadata.ts';

/**
 * The claim for model files and compile caches, when `model.storage.size` asks for one. It has no owner, so that it
 * outlives the class; a class of the same name finds it by its labels and goes on with it.
 *
 * Of a claim that is there, everything but a larger size is immutable: what it has is repeated, and a smaller size is
 * not asked for. Access is ReadWriteOnce, which every storage class can do; engines on several nodes need an
 * existing claim (`model.storage.claimName`) that can be mounted by all of them.
 */
export function modelCacheClaim(
  classroom: Classroom,
  spec: ClassroomSpec,
  observed: PersistentVolumeClaim | undefined,
): PersistentVolumeClaim | undefined {
  const storage = spec.model.storage;
  if (storage?.size === undefined) return undefined;
  const { name, namespace } = classroom.metadata;
  const storageClassName = observed?.spec?.storageClassName ?? storage.storageClassName;
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      name: modelCacheName(name),
      ...(namespace === undefined ? {} : { namespace }),
      labels: childLabels(name, COMPONENTS.modelCache),
    },
    spec: {
      accessModes: observed?.spec?.accessModes ?? ['ReadWriteOnce'],
      ...(storageClassName === undefined ? {} : { storageClassName }),
      resources: { requests: { storage: largerOf(storage.size, requestOf(observed)) } },
    },
  };
}

function requestOf(claim: PersistentVolumeClaim | undefined): string | undefined {
  return claim?.spec?.resources?.requests?.storage;
}

function largerOf(wanted: string, there: string | undefined): string {
  if (there === undefined) return wanted;
  return (parseQuantity(there) ?? 0) >= (parseQuantity(wanted) ?? 0) ? there : wanted;
}
