import type { Classroom } from '../../api/classroom.ts';
import { COMPONENTS, ENGINE_PORT, ENGINE_PORT_NAME } from '../../api/labels.ts';
import type { Service } from '../../kube/resources.ts';
import { engineName, engineSelector, ownedMetadata } from './metadata.ts';

/** Headless: one DNS record per ready engine. The gateway finds engines by their pods and does not need it. */
export function engineService(classroom: Classroom): Service {
  const name = classroom.metadata.name;
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: ownedMetadata(classroom, engineName(name), COMPONENTS.engine),
    spec: {
      clusterIP: 'None',
      selector: engineSelector(name),
      ports: [{ name: ENGINE_PORT_NAME, port: ENGINE_PORT, targetPort: ENGINE_PORT_NAME, protocol: 'TCP' }],
    },
  };
}
