import { describe, expect, test } from '@jest/globals';
import { LABELS } from '../../../../src/api/labels.ts';
import { IN_TURN, liftGate, START_GATE, STARTS_LABEL } from '../../../../src/classroom/rollout/start-gate.ts';
import { nextTurn } from '../../../../src/classroom/rollout/start-turns.ts';
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

const started = (own: Pod[], others: Pod[] = []) =>
  nextTurn(own, [...own, ...others], NOW_MS).start?.metadata.name;

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
    const onItsWay = shared('a', { status: { phase: 'Pending', conditions: [], containerStatuses: [] } });
    expect(started([unbound(onItsWay), waiting('b')])).toBeUndefined();
  });

  test('one that fails is not waited for: it may fail for ever', () => {
    const crashing = containerStatus({ state: { waiting: { reason: 'CrashLoopBackOff' } } });
    expect(started([shared('a', { status: { containerStatuses: [crashing] } }), waiting('b')])).toBe('b');
  });

  test('one that ends still frees memory, so it is waited for; not for longer than it may take', () => {
    const own = [leaving('a', '2026-09-01T09:01:00Z'), waiting('b')];
    expect(nextTurn(own, own, NOW_MS)).toEqual({
      start: undefined,
      lookAtMs: Date.parse('2026-09-01T09:01:00Z'),
    });
    expect(started([leaving('a', '2026-09-01T08:59:00Z'), waiting('b')])).toBe('b');
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

test('lifting the gate leaves the gates of others, and refuses a namesake', () => {
  const gates = [{ name: START_GATE }, { name: 'kueue.x-k8s.io/admission' }];
  const pod = waiting('a', { metadata: { uid: 'uid-of-a' }, spec: { schedulingGates: gates } });
  expect(liftGate(pod)).toEqual({
    metadata: { uid: 'uid-of-a' },
    spec: { schedulingGates: [{ name: 'kueue.x-k8s.io/admission' }] },
  });
  expect(liftGate(waiting('a'))).toMatchObject({ spec: { schedulingGates: null } });
});
