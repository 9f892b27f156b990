import { ENGINE_PORT_NAME, LABELS } from '../../api/labels.ts';
import { keyOf } from '../../kube/object.ts';
import { isReady } from '../../kube/readiness.ts';
import type { Pod } from '../../kube/resources.ts';
import type { EngineAddress } from './registry.ts';

/** Where a pod's engine listens: `host:port`, or undefined while that is not known. */
export type AddressOfPod = (pod: Pod) => string | undefined;

/**
 * The pod's IP and its container port named `http`. Never an annotation: whoever may edit pods could then send the
 * students' prompts anywhere.
 */
export const podAddress: AddressOfPod = (pod) => {
  const ip = pod.status?.podIP;
  const ports = pod.spec?.containers.flatMap((container) => container.ports ?? []);
  const port = ports?.find((candidate) => candidate.name === ENGINE_PORT_NAME)?.containerPort;
  if (ip === undefined || ip === '' || port === undefined) return undefined;
  return `${ip.includes(':') ? `[${ip}]` : ip}:${port}`;
};

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
