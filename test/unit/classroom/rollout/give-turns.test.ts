import { describe, expect, test } from '@jest/globals';
import type { Classroom } from '../../../../src/api/classroom.ts';
import type { StudentQuota } from '../../../../src/api/student-quota.ts';
import { createGivenTurns } from '../../../../src/classroom/rollout/give-turns.ts';
import { IN_TURN, START_GATE, STARTS_LABEL } from '../../../../src/classroom/rollout/start-gate.ts';
import { KubeApiError } from '../../../../src/kube/errors.ts';
import type { Pod } from '../../../../src/kube/resources.ts';
import { classroom } from '../../../support/builders.ts';
import { enginePod } from '../../../support/classroom.ts';
import { createFakeClock } from '../../../support/fake-clock.ts';
import { quietInformers } from '../../../support/quiet-cache.ts';

/** An engine of the class python-101 of a namespace, which waits with its gate. */
function waiting(name: string, namespace: string): Pod {
  const { spec: _, ...pod } = enginePod({
    metadata: {
      name,
      namespace,
      uid: `uid-of-${name}`,
      creationTimestamp: '2026-09-01T08:00:00Z',
      labels: { [STARTS_LABEL]: IN_TURN },
    },
    status: { phase: 'Pending', conditions: [], containerStatuses: [] },
  });
  return { ...pod, spec: { containers: [], schedulingGates: [{ name: START_GATE }] } };
}

const room = (namespace: string, difference: Partial<Classroom['metadata']> = {}): Classroom =>
  classroom({ metadata: { ...difference, namespace } });

interface World {
  /** What the caches show. */
  pods: Pod[];
  classrooms?: Classroom[];
  /** What the API server answers, when it does; undefined: at once that it is done. */
  answer?: () => Promise<void>;
}

function world({ pods, classrooms = [room('chemistry'), room('physics')], answer = async () => {} }: World) {
  const lifted: string[] = [];
  const events: string[] = [];
  const turns = createGivenTurns({
    client: {
      mergePatch: async (_, { name }) => {
        lifted.push(name);
        await answer();
        return undefined as never;
      },
    },
    informers: quietInformers<Classroom, StudentQuota, Pod>({ classrooms, pods }),
    events: { record: ({ metadata }, { reason }) => events.push(`${metadata.namespace} ${reason}`) },
    metrics: { objectWritten: () => {}, nameConflict: () => {}, keyIssued: () => {} },
    clock: createFakeClock(),
  });
  const carryOut = (name: string) => turns.carryOut(room(name), new AbortController().signal);
  return { lifted, events, carryOut };
}

describe('engines that share a GPU get their turn', () => {
  test('one at a time, and the class is told', async () => {
    const { carryOut, lifted, events } = world({ pods: [waiting('b', 'physics'), waiting('c', 'physics')] });
    await carryOut('physics');
    await carryOut('physics');
    expect(lifted).toEqual(['b']);
    expect(events).toEqual(['physics EngineStarted']);
  });

  test('also when one that sorts before comes while the caches do not show the turn yet', async () => {
    const pods = [waiting('b', 'physics')];
    const { carryOut, lifted } = world({ pods });
    await carryOut('physics');
    pods.push(waiting('a', 'chemistry'), waiting('a', 'physics'));
    await carryOut('chemistry');
    await carryOut('physics');
    expect(lifted).toEqual(['b']);
  });

  test('also when the passes of two classes overlap', async () => {
    const answered = Promise.withResolvers<void>();
    const pods = [waiting('b', 'physics')];
    const { carryOut, lifted } = world({ pods, answer: () => answered.promise });
    const first = carryOut('physics');
    pods.push(waiting('a', 'chemistry'));
    await carryOut('chemistry');
    answered.resolve();
    await first;
    expect(lifted).toEqual(['b']);
  });

  test('the next one as soon as the caches show that the one before is gone', async () => {
    const pods = [waiting('b', 'physics'), waiting('c', 'physics')];
    const { carryOut, lifted } = world({ pods });
    await carryOut('physics');
    pods.shift();
    await carryOut('physics');
    expect(lifted).toEqual(['b', 'c']);
  });
});

describe('a turn that was not taken', () => {
  test('because the pod went meanwhile holds up nobody', async () => {
    const gone = new KubeApiError({ status: 404, reason: 'NotFound', message: 'gone' });
    const { carryOut, lifted, events } = world({
      pods: [waiting('b', 'physics')],
      answer: () => Promise.reject(gone),
    });
    await carryOut('physics');
    await carryOut('physics');
    expect(lifted).toEqual(['b', 'b']);
    expect(events).toEqual([]);
  });

  test('because the API server failed is given again', async () => {
    const failed = new KubeApiError({ status: 500, reason: 'InternalError', message: 'because' });
    const { carryOut, lifted } = world({
      pods: [waiting('b', 'physics')],
      answer: () => Promise.reject(failed),
    });
    await expect(carryOut('physics')).rejects.toThrow('because');
    await expect(carryOut('physics')).rejects.toThrow('because');
    expect(lifted).toEqual(['b', 'b']);
  });
});

describe('nobody waits for an engine', () => {
  const problem = { type: 'ChildrenApplied', status: 'False' as const, reason: 'NameConflict', message: '' };
  const conditions = [{ ...problem, lastTransitionTime: '2026-09-01T08:00:00Z' }];
  test.each<[string, Classroom[]]>([
    ['of a class that is gone', []],
    ['of a class that goes', [room('chemistry', { deletionTimestamp: '2026-09-01T09:00:00Z' })]],
    ['of a class whose engines must not start yet', [{ ...room('chemistry'), status: { conditions } }]],
  ])('%s', async (_, others) => {
    const pods = [waiting('a', 'chemistry'), waiting('b', 'physics')];
    const { carryOut, lifted } = world({ pods, classrooms: [room('physics'), ...others] });
    await carryOut('physics');
    expect(lifted).toEqual(['b']);
  });
});
