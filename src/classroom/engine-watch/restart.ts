import { EVENT_REASONS } from '../../api/event-reasons.ts';
import { LABELS } from '../../api/labels.ts';
import { keyOf } from '../../kube/object.ts';
import { type Pod, pods } from '../../kube/resources.ts';
import type { ClassroomDependencies } from '../dependencies.ts';
import { instanceOf } from '../engine-container.ts';
import type { ObservedClass } from '../observe.ts';
import { isOfDeployment } from './engines.ts';
import { type Repair, type RepairInput, repairsDue, TURN_LOOK_MS } from './repairs.ts';

type RestartDependencies = Pick<ClassroomDependencies, 'events' | 'metrics' | 'engineBoard' | 'clock'> & {
  client: Pick<ClassroomDependencies['client'], 'delete'>;
};

/** Starts engines anew, in turn. */
export interface EngineRestarts {
  /**
   * Deletes the pods of engines that have to be started anew now, and tells of each.
   *
   * @returns when there may be more to do though nothing changes (epoch ms)
   * @throws KubeApiError for failures that another try may mend
   */
  carryOut(observed: ObservedClass, times: Times, signal: AbortSignal): Promise<number | undefined>;
}

interface Times {
  /** How long an engine may not have been asked, so that it may be started anew though it works (ms). */
  readonly idleMs: number;
  readonly nowMs: number;
}

/** Longer than the watch takes to show that a pod is being deleted: until then its node counts as in turn. */
const TURN_MS = 30_000;

/** A pod that was deleted: of which node, and when (monotonic ms). */
interface Turn {
  readonly node: string;
  readonly atMs: number;
}

/** Keeps in memory, between passes, which nodes are in turn. */
export function createEngineRestarts(dependencies: RestartDependencies): EngineRestarts {
  const { client, events, metrics, clock } = dependencies;
  /** Of all classes, by the uid of the pod. */
  const turns = new Map<string, Turn>();

  async function restart({ pod, gracePeriodSeconds }: Repair, signal: AbortSignal): Promise<boolean> {
    const { name, namespace, uid } = pod.metadata;
    const id = uid ?? name;
    // Before the request: the pass of another class may come in between.
    turns.set(id, { node: pod.spec?.nodeName ?? '', atMs: clock.monotonic() });
    let deleted = false;
    try {
      deleted = await client.delete(
        pods,
        { name, namespace },
        {
          signal,
          ...(uid === undefined ? {} : { uid }),
          ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
        },
      );
    } finally {
      if (!deleted) turns.delete(id);
    }
    if (deleted) metrics.objectWritten({ kind: pods.kind, verb: 'delete' });
    return deleted;
  }

  const nodesInTurn = () => new Set([...turns.values()].map(({ node }) => node));

  return {
    async carryOut(observed, times, signal) {
      const { nowMs } = times;
      for (const [uid, { atMs }] of turns) if (clock.monotonic() - atMs >= TURN_MS) turns.delete(uid);
      const due = repairsDue(inputOf(observed, dependencies, nodesInTurn(), times));
      let { lookAtMs = Number.POSITIVE_INFINITY } = due;
      for (const repair of due.now) {
        const { uid, name } = repair.pod.metadata;
        if (turns.has(uid ?? name)) continue;
        // Another class may have taken the turn while this one waited for an answer.
        if (repair.cause === 'StartRace' && nodesInTurn().has(repair.pod.spec?.nodeName ?? '')) {
          lookAtMs = Math.min(lookAtMs, nowMs + TURN_LOOK_MS);
          continue;
        }
        if (!(await restart(repair, signal))) continue;
        events.record(observed.classroom, {
          type: 'Warning',
          reason: EVENT_REASONS.engineRestarted,
          action: 'Restart',
          note: repair.note,
        });
      }
      return Number.isFinite(lookAtMs) ? lookAtMs : undefined;
    },
  };
}

function inputOf(
  { classroom, pods: own, enginePods, watched }: ObservedClass,
  { engineBoard }: RestartDependencies,
  nodesInTurn: ReadonlySet<string>,
  { idleMs, nowMs }: Times,
): RepairInput {
  return {
    pods: own.filter((pod) => isOfDeployment(pod, classroom.metadata.name)),
    enginePods,
    watched,
    isMeasured: (pod) =>
      engineBoard.of(classroomKeyOf(pod) ?? '', instanceOf(pod))?.kvCacheTokens !== undefined,
    status: classroom.status,
    nodesInTurn,
    idleMs,
    nowMs,
  };
}

/** `namespace/name` of the class that an engine belongs to. */
function classroomKeyOf(pod: Pod): string | undefined {
  const name = pod.metadata.labels?.[LABELS.classroom];
  return name === undefined ? undefined : keyOf({ namespace: pod.metadata.namespace ?? '', name });
}
