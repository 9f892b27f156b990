import type { Classroom } from '../../api/classroom.ts';
import { API_GROUP_VERSION } from '../../api/group.ts';
import { APP_NAME, COMPONENTS, LABELS, MANAGED_BY } from '../../api/labels.ts';
import type { ObjectMeta, OwnerReference } from '../../kube/object.ts';

type Component = (typeof COMPONENTS)[keyof typeof COMPONENTS];

/**
 * Name of the Deployment, Service, ServiceAccount, NetworkPolicy and PodDisruptionBudget of a class. It ends in
 * `-engine`, so that no Service is called `vllm`, whose link variable `VLLM_PORT` would keep vLLM from starting.
 */
export function engineName(classroom: string): string {
  return `${classroom}-engine`;
}

/** Name of the PersistentVolumeClaim that the operator makes for the model files of a class. */
export function modelCacheName(classroom: string): string {
  return `${classroom}-models`;
}

/** Selects the engine pods of one class. Minimal, because the selector of a Deployment can never change. */
export function engineSelector(classroom: string): Record<string, string> {
  return { [LABELS.component]: COMPONENTS.engine, [LABELS.classroom]: classroom };
}

/** Labels of every object of a class. */
export function childLabels(classroom: string, component: Component): Record<string, string> {
  return {
    [LABELS.name]: APP_NAME,
    [LABELS.instance]: classroom,
    [LABELS.component]: component,
    [LABELS.partOf]: APP_NAME,
    [LABELS.managedBy]: MANAGED_BY,
    [LABELS.classroom]: classroom,
  };
}

/** The controller reference: the object goes when the class goes. */
function ownerReference(classroom: Classroom): OwnerReference {
  return {
    apiVersion: API_GROUP_VERSION,
    kind: 'Classroom',
    name: classroom.metadata.name,
    uid: classroom.metadata.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** Metadata of an owned object of the class. */
export function ownedMetadata(classroom: Classroom, name: string, component: Component): ObjectMeta {
  const { namespace, name: className } = classroom.metadata;
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    labels: childLabels(className, component),
    ownerReferences: [ownerReference(classroom)],
  };
}
