import type { Classroom } from '../../api/classroom.ts';
import { COMPONENTS } from '../../api/labels.ts';
import type { ServiceAccount } from '../../kube/resources.ts';
import { engineName, ownedMetadata } from './metadata.ts';

/** An identity without rights and without a token in the pod: an engine has no business with the API server. */
export function engineServiceAccount(classroom: Classroom): ServiceAccount {
  return {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: ownedMetadata(classroom, engineName(classroom.metadata.name), COMPONENTS.engine),
    automountServiceAccountToken: false,
  };
}
