import { type Classroom, classrooms } from '../../api/classroom.ts';
import { type Condition, findCondition } from '../../api/condition.ts';
import { CLASSROOM_CONDITIONS, CLASSROOM_REASONS, MISFIT_REASONS } from '../../api/reasons.ts';
import type { ObjectRef } from '../../kube/object.ts';
import { problems } from '../problems.ts';
import type { Cluster } from './command.ts';
import { type Look, waitUntil } from './wait.ts';

/** `--wait` of commands after which a class is expected to serve. */
export function waitForClass(
  cluster: Pick<Cluster, 'client' | 'machine'>,
  ref: ObjectRef,
  timeoutMs: number,
): Promise<void> {
  const { name, namespace = '' } = ref;
  return waitUntil<Classroom>(cluster, {
    what: `Class "${name}"`,
    resource: classrooms,
    ref,
    timeoutMs,
    look: (classroom) => {
      if (classroom === undefined) throw problems.classNotFound({ name, namespace });
      return lookAtClass(classroom);
    },
  });
}

/** Only another spec helps. */
const IN_VAIN: ReadonlySet<string> = new Set([
  ...Object.values(MISFIT_REASONS),
  CLASSROOM_REASONS.argumentDenied,
  CLASSROOM_REASONS.specUnreadable,
]);

/**
 * Whether a class serves its students, as far as the operator has seen its present spec.
 *
 * @throws CliError when it never will as it is written
 */
export function lookAtClass(classroom: Classroom): Look {
  const ready = currentReady(classroom);
  if (ready === undefined) return { done: false, waitingFor: 'the operator has not looked at it yet.' };
  const { name, namespace = '' } = classroom.metadata;
  if (IN_VAIN.has(ready.reason)) throw problems.classCannotServe({ name, namespace, why: ready.message });
  return ready.status === 'True' ? { done: true } : { done: false, waitingFor: ready.message };
}

/** The summary of a class; undefined while the operator has not seen the present spec. */
export function currentReady({ metadata, status }: Classroom): Condition | undefined {
  const ready = findCondition(status?.conditions, CLASSROOM_CONDITIONS.ready);
  return ready?.observedGeneration === metadata.generation ? ready : undefined;
}
