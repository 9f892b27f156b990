import { ENGINE_PORT_NAME } from '../api/labels.ts';
import type { Pod } from '../kube/resources.ts';

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
