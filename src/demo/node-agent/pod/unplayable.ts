import { type ProbeKind, probeOf } from './probes.ts';
import type { Container } from './spec.ts';

const PROBES: readonly ProbeKind[] = ['startup', 'readiness', 'liveness'];

/** Why the agent cannot play a container, or undefined when it can: better said than played wrongly. */
export function unplayable(container: Container): string | undefined {
  const { name } = container;
  // On an init container this makes a sidecar: https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/
  if (container.restartPolicy === 'Always') {
    return `container ${name} is a sidecar: the node agent plays only init containers that end`;
  }
  for (const kind of PROBES) {
    const probe = probeOf(container, kind);
    if (probe !== undefined && probe.httpGet === undefined && probe.tcpSocket === undefined) {
      return `the ${kind} probe of container ${name} is neither httpGet nor tcpSocket: the node agent plays only these`;
    }
  }
  return undefined;
}
