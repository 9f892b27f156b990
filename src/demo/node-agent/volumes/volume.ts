import { join } from 'node:path';
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from '../../../kube/resources.ts';

/** Named by StorageClasses whose volumes the node agent makes. */
export const PROVISIONER = 'demo.gpu-classroom.io/node-agent';
/** What clusters on one machine usually call it. */
const STORAGE_CLASS = 'standard';

/** https://kubernetes.io/docs/reference/labels-annotations-taints/ */
const ANNOTATIONS = {
  defaultClass: 'storageclass.kubernetes.io/is-default-class',
  storageProvisioner: 'volume.kubernetes.io/storage-provisioner',
  selectedNode: 'volume.kubernetes.io/selected-node',
  provisionedBy: 'pv.kubernetes.io/provisioned-by',
} as const;
/** Access modes of which each lets several nodes have the volume. */
const SHARED_MODES: readonly string[] = ['ReadWriteMany', 'ReadOnlyMany'];

/**
 * The cluster's default: a folder on the node where the volume is first used, deleted with its claim. The same as in
 * https://github.com/rancher/local-path-provisioner, which k3s comes with.
 */
export function defaultStorageClass(): StorageClass {
  return {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: STORAGE_CLASS, annotations: { [ANNOTATIONS.defaultClass]: 'true' } },
    provisioner: PROVISIONER,
    reclaimPolicy: 'Delete',
    volumeBindingMode: 'WaitForFirstConsumer',
  };
}

/** Whether the volume controller has asked the agent for a volume and nobody has made it yet. */
export function awaitsVolume(claim: PersistentVolumeClaim): boolean {
  const { deletionTimestamp, annotations } = claim.metadata;
  return (
    deletionTimestamp === undefined &&
    claim.spec?.volumeName === undefined &&
    annotations?.[ANNOTATIONS.storageProvisioner] === PROVISIONER
  );
}

/** Why no volume can be made for a claim, or undefined when one can. */
export function unprovisionable({ spec }: PersistentVolumeClaim): string | undefined {
  if (spec?.volumeMode === 'Block') return 'the node agent makes folders, not block devices';
  if (spec?.selector !== undefined)
    return 'a claim with a selector takes only volumes that are there already';
  return undefined;
}

/**
 * The volume for a claim. One that a single node may have stays on the node that the scheduler chose for its first
 * pod; one that several may have is reached from all.
 *
 * @param folder where its files are on this machine
 */
export function renderVolume(
  claim: PersistentVolumeClaim,
  storageClass: StorageClass,
  folder: string,
): PersistentVolume {
  const { name, namespace, uid, resourceVersion, annotations } = claim.metadata;
  const accessModes = claim.spec?.accessModes ?? [];
  const node = annotations?.[ANNOTATIONS.selectedNode];
  const isShared = accessModes.some((mode) => SHARED_MODES.includes(mode));
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: volumeNameOf(claim), annotations: { [ANNOTATIONS.provisionedBy]: PROVISIONER } },
    spec: {
      accessModes,
      capacity: { storage: claim.spec?.resources?.requests?.storage ?? '' },
      claimRef: {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        name,
        ...(namespace !== undefined && { namespace }),
        ...(uid !== undefined && { uid }),
        ...(resourceVersion !== undefined && { resourceVersion }),
      },
      persistentVolumeReclaimPolicy: storageClass.reclaimPolicy ?? 'Delete',
      storageClassName: storageClass.metadata.name,
      volumeMode: 'Filesystem',
      hostPath: { path: folder, type: 'DirectoryOrCreate' },
      ...(node !== undefined && !isShared && { nodeAffinity: onlyOn(node) }),
    },
  };
}

/** As all provisioners name their volumes. */
export function volumeNameOf({ metadata }: PersistentVolumeClaim): string {
  return `pvc-${metadata.uid}`;
}

/** Whether a volume of the agent is to go with its files: its claim is gone, and its policy does not keep it. */
export function isToBeDeleted({ metadata, spec, status }: PersistentVolume): boolean {
  return (
    metadata.annotations?.[ANNOTATIONS.provisionedBy] === PROVISIONER &&
    status?.phase === 'Released' &&
    spec?.persistentVolumeReclaimPolicy === 'Delete'
  );
}

/** Where the files of the agent's volumes are, in the directory of the run. */
export function volumeFolder(runPath: string, volumeName: string): string {
  return join(runPath, 'volumes', volumeName);
}

function onlyOn(node: string): NonNullable<PersistentVolume['spec']>['nodeAffinity'] {
  return {
    required: {
      nodeSelectorTerms: [
        { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [node] }] },
      ],
    },
  };
}
