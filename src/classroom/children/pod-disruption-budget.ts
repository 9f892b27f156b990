import type { Classroom } from '../../api/classroom.ts';
import { COMPONENTS } from '../../api/labels.ts';
import type { PodDisruptionBudget } from '../../kube/resources.ts';
import { engineName, engineSelector, ownedMetadata } from './metadata.ts';

/**
 * A drain takes one engine at a time. `maxUnavailable` rather than `minAvailable`: a class with one engine would
 * otherwise block the drain of its node for ever.
 */
export function enginePodDisruptionBudget(classroom: Classroom): PodDisruptionBudget {
  const name = classroom.metadata.name;
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: ownedMetadata(classroom, engineName(name), COMPONENTS.engine),
    spec: { maxUnavailable: 1, selector: { matchLabels: engineSelector(name) } },
  };
}
