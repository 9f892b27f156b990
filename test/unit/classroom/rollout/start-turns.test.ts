import { describe, expect, test } from '@jest/globals';
import { LABELS } from '../../../../src/api/labels.ts';
import {
  IN_TURN,
  liftGate,
  START_GATE,
  STARTS_LABEL,
  TURN_ANNOTATION,
} from '../../../../src/classroom/rollout/start-gate.ts';
import {
  type Line,
  LONGEST_SEARCH_MS,
  LONGEST_WAY_MS,
  nextTurn,
} from '../../../../src/classroom/rollout/start-turns.ts';
import type { Pod } from '../../../../src/kube/resources.ts';
import type { Partially } from '../../../support/builders.ts';
import { containerStatus, enginePod } from '../../../support/classroom.ts';

const NOW_MS = Date.parse('2026-09-01T09:00:00Z');

/** An engine that shares a GPU, of the class python-101 unless told otherwise. */
function shared(name: string, difference: Partially<Pod> = {}): Pod {
  const labels = {
    [LABELS.classroom]: 'python-101',
    [STARTS_LABEL]: IN_TURN,
    ...difference.metadata?.labels,
  };
  return enginePod({
    ...difference,
    metadata: { creationTimestamp: '2026-09-01T08:00:00Z', ...difference.metadata, name, labels },
  });
}

/** No node was looked for yet: what has none has no field for it. */
function unbound({ spec, ...pod }: Pod): Pod {
  const { nodeName: _, ...rest } = spec ?? { containers: [] };
  return { ...pod, spec: rest };
}

const waiting = (name: string, difference: Partially<Pod> = {}) =>
  unbound(
    shared(name, {
      ...difference,
      spec: { schedulingGates: [{ name: START_GATE }], ...difference.spec },
      status: { phase: 'Pending', conditions: [], containerStatuses: [] },
    }),
  );
const loading = (name: string, difference: Partially<Pod> = {}) => shared(name, difference);
const answering = (name: string) =>
  shared(name, { status: { containerStatuses: [containerStatus({ started: true, ready: true })] } });
const leaving = (name: string, until: string) =>
  shared(name, {
    metadata: { deletionTimestamp: until },
    status: { containerStatuses: [containerStatus({ started: true })] },
  });

const line = (own: Pod[], others: Pod[] = [], difference: Partial<Line> = {}): Line => ({
  own,
  all: [...own, ...others],
  lifted: new Set(),
  isCalled: () => true,
  ...difference,
});
const started = (own: Pod[], others: Pod[] = [], difference: Partial<Line> = {}) =>
  nextTurn(line(own, others, difference), NOW_MS).start?.metadata.name;

/** Given its turn so long ago, and without a running container since. */
const onItsWay = (name: string, forMs: number, difference: Partially<Pod> = {}) =>
  shared(name, {
    ...difference,
    metadata: {
      ...difference.metadata,
      annotations: { [TURN_ANNOTATION]: new Date(NOW_MS - forMs).toISOString() },
    },
    status: { phase: 'Pending', conditions: [], containerStatuses: [], ...difference.status },
  });
const NO_NODE = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable' };
const unschedulable = (name: string, forMs: number, difference: Partially<Pod> = {}) =>
  unbound(onItsWay(name, forMs, { ...difference, status: { conditions: [NO_NODE] } }));

describe('of engines that share a GPU', () => {
  test('the first one starts', () => {
    expect(started([waiting('a'), waiting('b')])).toBe('a');
  });

  test('the next one waits until the one before answers', () => {
    expect(started([loading('a'), waiting('b')])).toBeUndefined();
    expect(started([answering('a'), waiting('b')])).toBe('b');
  });

  test('the oldest is first in line', () => {
    const older = waiting('z', { metadata: { creationTimestamp: '2026-09-01T07:00:00Z' } });
    expect(started([waiting('a'), older])).toBe('z');
  });

  test('none starts while one is on its way to a node', () => {
    expect(started([unbound(onItsWay('a', 1000)), waiting('b')])).toBeUndefined();
  });

  test('one that fails is not waited for: it may fail for ever', () => {
    const crashing = containerStatus({ state: { waiting: { reason: 'CrashLoopBackOff' } } });
    expect(started([shared('a', { status: { containerStatuses: [crashing] } }), waiting('b')])).toBe('b');
  });

  test('one that ends still frees memory, so it is waited for; not for longer than it may take', () => {
    const own = [leaving('a', '2026-09-01T09:01:00Z'), waiting('b')];
    expect(nextTurn(line(own), NOW_MS)).toEqual({
      start: undefined,
      lookAtMs: Date.parse('2026-09-01T09:01:00Z'),
    });
    expect(started([leaving('a', '2026-09-01T08:59:00Z'), waiting('b')])).toBe('b');
  });

  test('none starts while the caches do not show yet that another one does', () => {
    const [a, b] = [waiting('a'), waiting('b', { metadata: { uid: 'uid-of-b' } })];
    expect(started([a, b], [], { lifted: new Set(['uid-of-b']) })).toBeUndefined();
  });

  test('one whose container cannot be made is not waited for without end', () => {
    const own = [onItsWay('a', LONGEST_WAY_MS - 1000), waiting('b')];
    expect(nextTurn(line(own), NOW_MS)).toEqual({ start: undefined, lookAtMs: NOW_MS + 1000 });
    expect(started([onItsWay('a', LONGEST_WAY_MS), waiting('b')])).toBe('b');
  });

  test('one that loads is waited for as long as its startup probe lets it, and no longer', () => {
    const startupProbe = { periodSeconds: 10, failureThreshold: 180 };
    const since = (startedAt: string) =>
      shared('a', {
        spec: { containers: [{ name: 'vllm', startupProbe }] },
        status: { containerStatuses: [containerStatus({ state: { running: { startedAt } } })] },
      });
    expect(started([since('2026-09-01T08:30:00Z'), waiting('b')])).toBeUndefined();
    expect(started([since('2026-09-01T08:26:00Z'), waiting('b')])).toBe('b');
  });

  test('those of a class go on waiting for one that no node takes: none would take them either', () => {
    expect(started([unschedulable('a', 10 * LONGEST_WAY_MS), waiting('b')])).toBeUndefined();
  });

  test('one that has the GPU for itself is none of their business', () => {
    expect(started([waiting('b')], [enginePod()])).toBe('b');
  });
});

describe('engines of several classes', () => {
  const other = (name: string, make: typeof waiting, difference: Partially<Pod> = {}) =>
    make(name, { ...difference, metadata: { ...difference.metadata, namespace: 'physics' } });

  test('stand in one line', () => {
    expect(started([waiting('a')], [other('b', loading)])).toBeUndefined();
    const older = other('b', waiting, { metadata: { creationTimestamp: '2026-09-01T07:00:00Z' } });
    expect(started([waiting('a')], [older])).toBeUndefined();
    expect(started([older], [waiting('a')])).toBe('b');
  });

  test('do not wait for long for one that no node takes, nor for those behind it', () => {
    const fresh = other('a', (name, difference) => unschedulable(name, LONGEST_SEARCH_MS - 1000, difference));
    const older = other('b', waiting, { metadata: { creationTimestamp: '2026-09-01T07:00:00Z' } });
    const own = [waiting('c')];
    expect(nextTurn(line(own, [fresh, older]), NOW_MS)).toEqual({
      start: undefined,
      lookAtMs: NOW_MS + 1000,
    });
    const stuck = other('a', (name, difference) => unschedulable(name, LONGEST_SEARCH_MS, difference));
    expect(started(own, [stuck, older])).toBe('c');
    expect(started([older], [...own, stuck])).toBeUndefined();
  });

  test('do not wait for one that nobody calls', () => {
    const older = other('b', waiting, { metadata: { creationTimestamp: '2026-09-01T07:00:00Z' } });
    expect(started([waiting('a')], [older], { isCalled: (pod) => pod !== older })).toBe('a');
  });

  const selecting = (room: string) => ({ spec: { nodeSelector: { room } } });
  const product = (...values: string[]) => ({
    spec: {
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [
              { matchExpressions: [{ key: 'nvidia.com/gpu.product', operator: 'In', values }] },
            ],
          },
        },
      },
    },
  });

  test.each([
    { name: 'other labels of nodes', a: selecting('214'), b: selecting('215'), want: 'a' },
    { name: 'the same labels', a: selecting('214'), b: selecting('214'), want: undefined },
    { name: 'other GPUs', a: product('NVIDIA-A10'), b: product('NVIDIA-L4'), want: 'a' },
    {
      name: 'a GPU in common',
      a: product('NVIDIA-A10', 'NVIDIA-A10-SHARED'),
      b: product('NVIDIA-A10-SHARED'),
      want: undefined,
    },
    { name: 'labels of one of them only', a: selecting('214'), b: {}, want: undefined },
  ])('do not wait for each other where their nodes differ: $name', ({ a, b, want }) => {
    expect(started([waiting('a', a)], [other('b', loading, b)])).toBe(want);
  });
});

test('lifting the gate leaves the gates of others, says when, and refuses a namesake', () => {
  const gates = [{ name: START_GATE }, { name: 'kueue.x-k8s.io/admission' }];
  const pod = waiting('a', { metadata: { uid: 'uid-of-a' }, spec: { schedulingGates: gates } });
  expect(liftGate(pod, NOW_MS)).toEqual({
    metadata: { uid: 'uid-of-a', annotations: { [TURN_ANNOTATION]: '2026-09-01T09:00:00.000Z' } },
    spec: { schedulingGates: [{ name: 'kueue.x-k8s.io/admission' }] },
  });
  expect(liftGate(waiting('a'), NOW_MS)).toMatchObject({ spec: { schedulingGates: null } });
});
