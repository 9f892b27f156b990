import { ENGINE_CONTAINER } from '../../api/labels.ts';
import type { AddressOfPod } from '../../gateway/engines/pods.ts';
import type { Pod } from '../../kube/resources.ts';
import { instanceOf } from '../adapters/engines.ts';
import { engineName } from '../children/metadata.ts';

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
  if (pod.metadata.deletionTimestamp !== undefined) return false;
  const container = engineContainer(pod);
  return container?.started === true && container.state?.running !== undefined;
}

/** Whether the Deployment of the class made it: other pods may carry the labels of engines, and are left alone. */
export function isOfDeployment(pod: Pod, classroom: string): boolean {
  const owner = pod.metadata.ownerReferences?.find(({ controller }) => controller === true);
  return owner?.kind === 'ReplicaSet' && owner.name.startsWith(`${engineName(classroom)}-`);
}

/** Whether the kubelet gets an answer from it. */
export function isReady(pod: Pod): boolean {
  return pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}

/** What the kubelet says of the engine's container. */
export function engineContainer(pod: Pod) {
  return pod.status?.containerStatuses?.find(({ name }) => name === ENGINE_CONTAINER);
}

/** Image and arguments of the engine: what it was told of memory is in there. */
export function engineCommand(
  pod: Pick<Pod, 'spec'>,
): { image: string; args: readonly string[] } | undefined {
  const container = pod.spec?.containers.find(({ name }) => name === ENGINE_CONTAINER);
  if (container === undefined) return undefined;
  return { image: container.image ?? '', args: container.args ?? [] };
}
