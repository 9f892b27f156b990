import { LABELS } from '../../api/labels.ts';
import { keyOf } from '../../kube/object.ts';
import { isReady } from '../../kube/readiness.ts';
import type { Pod } from '../../kube/resources.ts';
import type { AddressOfPod } from '../../vllm/pod-address.ts';
import type { EngineAddress } from './registry.ts';

/** The engine that a pod runs, if it can be asked now: ready, with an address, and not being deleted. */
export function engineOfPod(pod: Pod, addressOf: AddressOfPod): EngineAddress | undefined {
  const classroom = pod.metadata.labels?.[LABELS.classroom];
  if (classroom === undefined || !isReady(pod) || pod.metadata.deletionTimestamp !== undefined)
    return undefined;
  const address = addressOf(pod);
  if (address === undefined) return undefined;
  return {
    id: engineIdOf(pod),
    classroomKey: keyOf({ namespace: pod.metadata.namespace ?? 'default', name: classroom }),
    origin: `http://${address}`,
  };
}

/** The uid: a pod that is made anew under the same name is another engine. */
export function engineIdOf(pod: Pod): string {
  return pod.metadata.uid ?? keyOf(pod.metadata);
}
