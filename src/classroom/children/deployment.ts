import type { Classroom } from '../../api/classroom.ts';
import { COMPONENTS } from '../../api/labels.ts';
import type { Deployment } from '../../kube/resources.ts';
import { startupSeconds } from '../failures/symptom.ts';
import { type RolledOut, rolledOutAnnotation, type Strategy } from '../rollout/rolled-out.ts';
import { engineName, engineSelector, ownedMetadata } from './metadata.ts';

/** On top of what the startup probe allows, so that a slow load is not reported as a failed rollout: images are large. */
const PROGRESS_MARGIN_SECONDS = 1800;

/**
 * The engines of a class, as they were or are being rolled out. Never with a surge: there is no spare GPU, and a new
 * pod would wait for ever for the one that the old pod holds. The operator is the only writer of `replicas`.
 *
 * @param isPaused pods that still run as before are left for now
 */
export function engineDeployment(
  classroom: Classroom,
  rolledOut: RolledOut,
  { replicas, isPaused = false }: { replicas: number; isPaused?: boolean },
): Deployment {
  const name = classroom.metadata.name;
  const metadata = ownedMetadata(classroom, engineName(name), COMPONENTS.engine);
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { ...metadata, annotations: rolledOutAnnotation(rolledOut) },
    spec: {
      replicas,
      ...(isPaused ? { paused: true } : {}),
      strategy: deploymentStrategy(rolledOut.strategy),
      revisionHistoryLimit: 2,
      progressDeadlineSeconds: (startupSeconds(rolledOut.template) ?? 0) + PROGRESS_MARGIN_SECONDS,
      selector: { matchLabels: engineSelector(name) },
      template: rolledOut.template,
    },
  };
}

function deploymentStrategy(strategy: Strategy): NonNullable<NonNullable<Deployment['spec']>['strategy']> {
  switch (strategy) {
    case 'Recreate':
      return { type: 'Recreate' };
    case 'OneByOne':
      return { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } };
  }
}
