import type { Pod, Service } from '../../kube/resources.ts';
import { type Container, containersOf, isTerminating } from '../node-agent/pod/spec.ts';

/**
 * Where a connection to a port of a Service may go now, each as `host:port`: its pods that are ready.
 * A headless Service has no port of its own: its name stands for the pods, and the port is theirs.
 *
 * @param pods of any namespace
 */
export function backendsOf(service: Service, port: number, pods: readonly Pod[]): string[] {
  const { spec, metadata } = service;
  const target =
    spec?.clusterIP === 'None' ? port : spec?.ports?.find((one) => one.port === port)?.targetPort;
  const selector = Object.entries(spec?.selector ?? {});
  if (target === undefined || selector.length === 0) return [];
  return pods
    .filter((pod) => pod.metadata.namespace === metadata.namespace && isReady(pod))
    .filter((pod) => selector.every(([key, value]) => pod.metadata.labels?.[key] === value))
    .flatMap((pod) => {
      const own = portOf(pod, target);
      return own === undefined ? [] : [`${pod.status?.podIP}:${own}`];
    });
}

function isReady(pod: Pod): boolean {
  const ready = pod.status?.conditions?.find(({ type }) => type === 'Ready');
  return ready?.status === 'True' && pod.status?.podIP !== undefined && !isTerminating(pod);
}

/** A port that a Service names is one that a container declares. */
function portOf(pod: Pod, target: number | string): number | undefined {
  if (typeof target === 'number') return target;
  const ports: NonNullable<Container['ports']> = containersOf(pod).flatMap(({ container, init }) =>
    init ? [] : (container.ports ?? []),
  );
  return ports.find(({ name }) => name === target)?.containerPort;
}
