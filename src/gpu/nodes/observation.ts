import type { DraDevices } from './dra.ts';
import type { GpuNode } from './gpu-node.ts';
import type { GpuPod } from './gpu-pod.ts';

/** What is known of the cluster's GPUs at one moment. */
export type GpuObservation =
  | {
      kind: 'Unknown';
      /** NotAllowed: the operator has no right to read nodes. NotRead: it has not been told of them yet. */
      why: 'NotAllowed' | 'NotRead';
    }
  | KnownGpus;

export interface KnownGpus {
  kind: 'Known';
  /** Nodes that have or claim to have a GPU, by name. */
  nodes: readonly GpuNode[];
  /** Pods that hold GPUs of these nodes. */
  pods: readonly GpuPod[];
  /** Nodes that offer GPUs by dynamic resource allocation. */
  dra: readonly DraDevices[];
  /** False: only pods of the classes' own namespace are seen, so others may hold what looks free. */
  seesAllPods: boolean;
}
