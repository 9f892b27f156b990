import { type Pod, pods } from '../../kube/resources.ts';
import type { ClassroomDependencies } from '../dependencies.ts';
import { engineContainerStatus } from '../engine-container.ts';
import type { ObservedClass } from '../observe.ts';
import { isOfDeployment } from './engines.ts';

/** Not 0: the kubelet still says when its processes are gone, and only then another pod may have GPU and volume. */
const GRACE_OF_LOADING_SECONDS = 5;

/**
 * Engines that are being ended before they ever answered. Such a one has no answer to finish, and vLLM may not heed
 * SIGTERM while it loads: it would keep its GPU, and its successor waiting, for the whole grace period of an engine
 * that serves. One whose container does not run ends at once anyway.
 */
export function endingWhileLoading({
  classroom,
  pods: own,
}: Pick<ObservedClass, 'classroom' | 'pods'>): Pod[] {
  return own.filter(({ metadata, status }) => {
    const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = metadata;
    return (
      deletionTimestamp !== undefined &&
      deletionGracePeriodSeconds > GRACE_OF_LOADING_SECONDS &&
      neverAnswered({ status }) &&
      isOfDeployment({ metadata }, classroom.metadata.name)
    );
  });
}

/**
 * Whether the container that runs has not been ready since it was started. `started` alone does not tell: a kubelet that
 * is restarted while it ends a pod forgets which containers had passed their startup probe, and says false of all.
 */
function neverAnswered(pod: Pick<Pod, 'status'>): boolean {
  const container = engineContainerStatus(pod);
  const ready = pod.status?.conditions?.find(({ type }) => type === 'Ready');
  if (container?.started === true || ready?.status !== 'False') return false;
  return Date.parse(ready.lastTransitionTime ?? '') <= Date.parse(container?.state?.running?.startedAt ?? '');
}

/**
 * Ends them sooner, whoever ends them: a second deletion may shorten the grace period of the first. The pods' own cannot
 * be shorter, as it is also that of engines that serve, and the Deployment deletes with no other.
 *
 * @see https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination
 * @throws KubeApiError for failures that another try may mend
 */
export async function shortenEndsOfLoading(
  observed: Pick<ObservedClass, 'classroom' | 'pods'>,
  {
    client,
    metrics,
  }: Pick<ClassroomDependencies, 'metrics'> & { client: Pick<ClassroomDependencies['client'], 'delete'> },
  signal: AbortSignal,
): Promise<void> {
  for (const pod of endingWhileLoading(observed)) {
    const { name, namespace, uid } = pod.metadata;
    const options = { signal, gracePeriodSeconds: GRACE_OF_LOADING_SECONDS };
    const shortened = await client.delete(
      pods,
      { name, namespace },
      uid === undefined ? options : { ...options, uid },
    );
    if (shortened) metrics.objectWritten({ kind: pods.kind, verb: 'delete' });
  }
}
