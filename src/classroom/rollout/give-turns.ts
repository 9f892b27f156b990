import type { Classroom } from '../../api/classroom.ts';
import { findCondition } from '../../api/condition.ts';
import { EVENT_REASONS } from '../../api/event-reasons.ts';
import { COMPONENTS, LABELS } from '../../api/labels.ts';
import { CLASSROOM_CONDITIONS } from '../../api/reasons.ts';
import { isOtherUid } from '../../kube/apply.ts';
import { KubeApiError } from '../../kube/errors.ts';
import { type Pod, pods } from '../../kube/resources.ts';
import type { OperatorDependencies } from '../../reconcile/controller.ts';
import { liftGate, startsInTurn, waitsForTurn } from './start-gate.ts';
import { nextTurn } from './start-turns.ts';

type TurnDependencies = Pick<OperatorDependencies, 'events' | 'metrics' | 'clock'> & {
  client: Pick<OperatorDependencies['client'], 'mergePatch'>;
  informers: Pick<OperatorDependencies['informers'], 'classrooms' | 'pods'>;
};

/** Starts engines that share GPUs, one after another. */
export interface GivenTurns {
  /**
   * Lets the scheduler have the engine of the class whose turn it is, if it is one's, and tells of it.
   *
   * @returns when it may be one's turn though nothing changes (epoch ms)
   * @throws KubeApiError for failures that another try may mend
   */
  carryOut(classroom: Classroom, signal: AbortSignal): Promise<number | undefined>;
}

/** One for all classes: what one of them was given another one must not miss. */
export function createGivenTurns(dependencies: TurnDependencies): GivenTurns {
  const { client, informers, events, metrics, clock } = dependencies;
  /** Uids of pods whose gate was lifted, as long as the cache still shows it. */
  const lifted = new Set<string>();

  async function start(pod: Pod, signal: AbortSignal): Promise<boolean> {
    const { name, namespace, uid = '' } = pod.metadata;
    // Before the request: the pass of another class may come in between.
    lifted.add(uid);
    try {
      await client.mergePatch(pods, { name, namespace }, liftGate(pod, clock.now()), { signal });
    } catch (error) {
      lifted.delete(uid);
      // One that went meanwhile has no turn.
      if (error instanceof KubeApiError && (error.isNotFound || isOtherUid(error))) return false;
      throw error;
    }
    metrics.objectWritten({ kind: pods.kind, verb: 'apply' });
    return true;
  }

  return {
    async carryOut(classroom, signal) {
      const { namespace = '', name } = classroom.metadata;
      const own = informers.pods.ofClassroom(namespace, name).filter(isEngine);
      if (!own.some(waitsForTurn)) return undefined;
      const all = informers.pods.list().filter(startsInTurn);
      const shownToWait = new Set(all.filter(waitsForTurn).map(({ metadata }) => metadata.uid));
      for (const uid of lifted) if (!shownToWait.has(uid)) lifted.delete(uid);
      const isCalled = (pod: Pod) => givesTurns(classOf(pod, informers));
      const turn = nextTurn({ own, all, lifted, isCalled }, clock.now());
      if (turn.start === undefined || !(await start(turn.start, signal))) return turn.lookAtMs;
      events.record(classroom, {
        type: 'Normal',
        reason: EVENT_REASONS.engineStarted,
        action: 'Start',
        note: `It is the turn of engine ${turn.start.metadata.name} to start: engines that share a GPU start one by one.`,
      });
      return undefined;
    },
  };
}

function isEngine({ metadata }: Pod): boolean {
  return metadata.labels?.[LABELS.component] === COMPONENTS.engine;
}

function classOf(
  { metadata: { namespace = '', labels } }: Pod,
  { classrooms }: TurnDependencies['informers'],
): Classroom | undefined {
  return classrooms.get({ namespace, name: labels?.[LABELS.classroom] ?? '' });
}

/** Nobody lifts the gates of a class that is going, or whose engines must not start yet: others need not wait for it. */
export function givesTurns(classroom: Classroom | undefined): boolean {
  if (classroom === undefined || classroom.metadata.deletionTimestamp !== undefined) return false;
  const { conditions } = classroom.status ?? {};
  return findCondition(conditions, CLASSROOM_CONDITIONS.childrenApplied)?.status !== 'False';
}
