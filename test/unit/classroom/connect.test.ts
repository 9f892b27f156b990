import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Classroom } from '../../../src/api/classroom.ts';
import { LABELS } from '../../../src/api/labels.ts';
import type { StudentQuota } from '../../../src/api/student-quota.ts';
import { type AdapterBoard, createAdapterBoard } from '../../../src/classroom/adapters/board.ts';
import { connect } from '../../../src/classroom/connect.ts';
import {
  createEngineBoard,
  type EngineBoard,
  type WatchedEngine,
} from '../../../src/classroom/engine-watch/board.ts';
import { createPreparationNotes } from '../../../src/classroom/node-preparation/notes.ts';
import { IN_TURN, START_GATE, STARTS_LABEL } from '../../../src/classroom/rollout/start-gate.ts';
import type { KubeObject } from '../../../src/kube/object.ts';
import type { Pod } from '../../../src/kube/resources.ts';
import { classroom, studentQuota } from '../../support/builders.ts';
import { enginePod, readyPod } from '../../support/classroom.ts';
import { quietInformers } from '../../support/quiet-cache.ts';

const makeInformers = () => quietInformers<Classroom, StudentQuota, Pod>({ classrooms: [classroom()] });

let informers: ReturnType<typeof makeInformers>;
let board: AdapterBoard;
let engineBoard: EngineBoard;
let enqueued: string[];
let disconnect: () => void;

beforeEach(() => {
  informers = makeInformers();
  enqueued = [];
  board = createAdapterBoard();
  engineBoard = createEngineBoard();
  disconnect = connect(
    informers,
    { adapterBoard: board, engineBoard, preparationNotes: createPreparationNotes() },
    (key, afterMs) => enqueued.push(`${key} ${afterMs ?? 0}`),
  );
});

const KEY = 'python-101/python-101';
const service = (labels: Record<string, string>): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'python-101-engine', namespace: 'python-101', labels },
});

describe('a change leads to its class', () => {
  test('of the class itself', () => {
    informers.classrooms.tell(classroom());
    expect(enqueued).toEqual([`${KEY} 0`]);
  });

  test('of an engine', () => {
    informers.pods.tell(readyPod('a'));
    expect(enqueued).toEqual([`${KEY} 0`]);
  });

  test('once, though both the old object and the new one name it', () => {
    informers.pods.tell(readyPod('a'), enginePod());
    informers.services.tell(
      service({ [LABELS.classroom]: 'python-101' }),
      service({ [LABELS.classroom]: 'python-101' }),
    );
    expect(enqueued).toEqual([`${KEY} 0`, `${KEY} 0`]);
  });

  test('of a seat, a moment later, together with those of its neighbours', () => {
    informers.studentQuotas.tell(studentQuota());
    informers.studentQuotas.tell(undefined, studentQuota());
    expect(enqueued).toEqual([`${KEY} 500`, `${KEY} 500`]);
  });

  test.each([
    'deployments',
    'services',
    'serviceAccounts',
    'networkPolicies',
    'podDisruptionBudgets',
    'persistentVolumeClaims',
    'demandLeases',
  ] as const)('of one of its %s, also when it is deleted', (kind) => {
    informers[kind].tell(undefined, service({ [LABELS.classroom]: 'python-101' }));
    expect(enqueued).toEqual([`${KEY} 0`]);
  });

  test('of what its engines have loaded, where that is news', () => {
    const adapters = { engines: [{ instance: 'a', loaded: ['sql-tutor'], troubles: [] }], quarantined: [] };
    board.put(KEY, adapters);
    board.put(KEY, { ...adapters });
    expect(enqueued).toEqual([`${KEY} 0`]);
  });

  test('of what its engines do, where that means something new', () => {
    const quietSince = (sinceMs: number): Map<string, WatchedEngine> =>
      new Map([['a', { health: 'Well', kvCacheTokens: 1024, use: { kind: 'quiet', sinceMs } }]]);
    engineBoard.put(KEY, quietSince(1));
    engineBoard.put(KEY, quietSince(2));
    expect(enqueued).toEqual([`${KEY} 0`]);
  });

  test('of requests that one of its engines got or answered', () => {
    const busy = (requests: number): Map<string, WatchedEngine> =>
      new Map([['a', { health: 'Well', kvCacheTokens: 1024, use: { kind: 'busy', requests } }]]);
    engineBoard.put(KEY, busy(1));
    engineBoard.put(KEY, busy(7));
    expect(enqueued).toEqual([`${KEY} 0`, `${KEY} 0`]);
  });

  test('also when somebody took away the label that says so', () => {
    informers.services.tell(service({}), service({ [LABELS.classroom]: 'python-101' }));
    expect(enqueued).toEqual([`${KEY} 0`]);
  });
});

describe('an engine that waits for its turn', () => {
  const inTurn = (namespace: string, spec: Partial<NonNullable<Pod['spec']>> = {}): Pod =>
    enginePod({ metadata: { namespace, labels: { [STARTS_LABEL]: IN_TURN } }, spec });
  const neighbour = classroom({ metadata: { namespace: 'physics' } });
  const problem = { type: 'ChildrenApplied', status: 'False' as const, reason: 'NameConflict', message: '' };
  const blocked = {
    ...neighbour,
    status: { conditions: [{ ...problem, lastTransitionTime: '2026-09-01T09:00:00Z' }] },
  };

  beforeEach(() => {
    disconnect();
    const waiting = inTurn('python-101', { schedulingGates: [{ name: START_GATE }] });
    informers = quietInformers<Classroom, StudentQuota, Pod>({ pods: [waiting] });
    const boards = { adapterBoard: board, engineBoard, preparationNotes: createPreparationNotes() };
    disconnect = connect(informers, boards, (key) => enqueued.push(key));
  });

  test.each<[string, () => void, string[]]>([
    [
      'when one of another class answers or goes',
      () => informers.pods.tell(undefined, inTurn('physics')),
      ['physics/python-101', KEY],
    ],
    [
      'not when one that has its GPU for itself does',
      () => informers.pods.tell(undefined, enginePod({ metadata: { namespace: 'physics' } })),
      ['physics/python-101'],
    ],
    [
      'when nobody gives those of another class their turn any more',
      () => informers.classrooms.tell(blocked, neighbour),
      ['physics/python-101', KEY],
    ],
    ['when another class is gone', () => informers.classrooms.tell(undefined, neighbour), [KEY]],
    [
      'not when another class changes in any other way',
      () => informers.classrooms.tell(neighbour, neighbour),
      ['physics/python-101'],
    ],
  ])('is looked at %s', (_, happen, want) => {
    happen();
    expect(enqueued).toEqual(want);
  });
});

test('a change of the GPUs of the cluster leads to every class, a moment later, together with those of its neighbours', () => {
  informers.gpus.tell();
  expect(enqueued).toEqual([`${KEY} 1000`]);
});

test('a deleted class needs nothing more: what it owned goes by itself', () => {
  informers.classrooms.tell(undefined, classroom());
  expect(enqueued).toEqual([]);
});

test('an object without a class leads nowhere', () => {
  informers.services.tell(service({}));
  expect(enqueued).toEqual([]);
});

test('nothing is subscribed to after the end', () => {
  disconnect();
  board.put(KEY, { engines: [], quarantined: [] });
  engineBoard.put(
    KEY,
    new Map([['a', { health: 'Well', kvCacheTokens: 1, use: { kind: 'busy', requests: 1 } }]]),
  );
  expect(enqueued).toEqual([]);
  expect(Object.values(informers).map(({ handlers }) => handlers.size)).toEqual(
    Object.values(informers).map(() => 0),
  );
});
