import type { Classroom } from '../../api/classroom.ts';
import { COMPONENTS } from '../../api/labels.ts';
import type { PodDisruptionBudget } from '../../kube/resources.ts';
import { engineName, engineSelector, ownedMetadata } from './metadata.ts';

/**
 * A drain takes one engine at a time. `maxUnavailable` rather than `minAvailable`: a class with one engine would
 * otherwise block the drain of its node for ever.
 *
 * @param isGivingWay the operator empties a node for this very class: the engines that go would wait for successors
 *   that only the emptied node can take, so all may go at once
 */
export function enginePodDisruptionBudget(classroom: Classroom, isGivingWay = false): PodDisruptionBudget {
  const name = classroom.metadata.name;
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: ownedMetadata(classroom, engineName(name), COMPONENTS.engine),
    spec: { maxUnavailable: isGivingWay ? '100%' : 1, selector: { matchLabels: engineSelector(name) } },
  };
}
