import type { Classroom } from '../../api/classroom.ts';
import { COMPONENTS, ENGINE_CONTAINER, LABELS } from '../../api/labels.ts';
import { createInformer } from '../../kube/informer.ts';
import { type Pod, pods } from '../../kube/resources.ts';
import type { Cluster } from '../cluster/command.ts';

/** Tells of each start of an engine once. */
export interface StartFinder {
  /** @returns whether the pod's container has begun, as it had not when this pod was seen last */
  begins(pod: Pod): boolean;
}

/** A container that is started anew in its pod is another start: its log is another one. */
export function createStartFinder(): StartFinder {
  const begun = new Map<string, number>();
  return {
    begins({ metadata, status }) {
      const container = status?.containerStatuses?.find(({ name }) => name === ENGINE_CONTAINER);
      if (container?.state?.running === undefined) return false;
      const { uid = metadata.name } = metadata;
      if (begun.get(uid) === container.restartCount) return false;
      begun.set(uid, container.restartCount);
      return true;
    },
  };
}

/**
 * Follows the engines of a class.
 *
 * @param known those that were seen already: of them only what starts later is told
 * @param onStart hears of each start of an engine
 * @returns ends it
 */
export function followEngineStarts(
  { client, machine: { clock, random } }: Pick<Cluster, 'client' | 'machine'>,
  { metadata: { name, namespace } }: Classroom,
  known: readonly Pod[],
  onStart: (pod: Pod) => void,
): () => Promise<void> {
  const labelSelector = `${LABELS.component}=${COMPONENTS.engine},${LABELS.classroom}=${name}`;
  const engines = createInformer<Pod>({ client, resource: pods, namespace, labelSelector, clock, random });
  const starts = createStartFinder();
  for (const pod of known) starts.begins(pod);
  engines.store.subscribe((change) => {
    if (change.type !== 'deleted' && starts.begins(change.object)) onStart(change.object);
  });
  engines.start();
  return () => engines.stop();
}
