import type { Classroom, ClassroomSpec } from '../../api/classroom.ts';
import { COMPONENTS } from '../../api/labels.ts';
import type { Deployment } from '../../kube/resources.ts';
import type { EngineSettings } from '../engine-settings.ts';
import { enginePodTemplate } from './engine-pod.ts';
import { engineName, engineSelector, ownedMetadata } from './metadata.ts';

/** Longer than the startup probe allows, so that a slow load is not reported as a failed rollout. */
const PROGRESS_DEADLINE_SECONDS = 3600;

/**
 * The engines of a class. `Recreate`, because there is no spare GPU for a surge: a new pod would wait for ever for
 * the one that the old pod holds. The operator is the only writer of `replicas`.
 */
export function engineDeployment(
  classroom: Classroom,
  spec: ClassroomSpec,
  settings: EngineSettings,
): Deployment {
  const name = classroom.metadata.name;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: ownedMetadata(classroom, engineName(name), COMPONENTS.engine),
    spec: {
      replicas: settings.replicas,
      strategy: { type: 'Recreate' },
      revisionHistoryLimit: 2,
      progressDeadlineSeconds: PROGRESS_DEADLINE_SECONDS,
      selector: { matchLabels: engineSelector(name) },
      template: enginePodTemplate(name, spec, settings),
    },
  };
}
