import type { Pod } from '../../kube/resources.ts';
import type { AddressOfPod } from '../../vllm/pod-address.ts';
import { engineName } from '../children/metadata.ts';
import { instanceOf, serves } from '../engine-container.ts';

/** An engine that has loaded its model at least once since it was started, and so can be asked. */
export interface StartedEngine {
  /** The pod and the start of its container. */
  readonly instance: string;
  readonly name: string;
  /** Such as `http://10.0.0.7:8000`. */
  readonly origin: string;
}

/** Also those that do not answer their probe any more: about them most is to be learned. */
export function startedEngines(pods: readonly Pod[], addressOf: AddressOfPod): StartedEngine[] {
  return pods.filter(isStarted).flatMap((pod) => {
    const address = addressOf(pod);
    if (address === undefined) return [];
    return [{ instance: instanceOf(pod), name: pod.metadata.name, origin: `http://${address}` }];
  });
}

/** Whether students may have something running on it: it has loaded its model, runs, and is not being ended. */
export function isStarted(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp === undefined && serves(pod);
}

/** Whether the Deployment of the class made it: other pods may carry the labels of engines, and are left alone. */
export function isOfDeployment(pod: Pick<Pod, 'metadata'>, classroom: string): boolean {
  const owner = pod.metadata.ownerReferences?.find(({ controller }) => controller === true);
  return owner?.kind === 'ReplicaSet' && owner.name.startsWith(`${engineName(classroom)}-`);
}
