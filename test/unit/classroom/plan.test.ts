import { describe, expect, test } from '@jest/globals';
import { LABELS, MANAGED_BY } from '../../../src/api/labels.ts';
import type { ObservedClass } from '../../../src/classroom/observe.ts';
import { isActive, plan, type WantedPlan } from '../../../src/classroom/plan.ts';
import type { KubeObject, OwnerReference } from '../../../src/kube/object.ts';
import { type PersistentVolumeClaim, services } from '../../../src/kube/resources.ts';
import { classroom, studentQuota } from '../../support/builders.ts';
import { observedClass, settings } from '../../support/classroom.ts';

const NOW_MS = Date.parse('2026-09-01T09:00:00Z');

function wanted(difference: Partial<ObservedClass> = {}, options = settings()): WantedPlan {
  const result = plan(observedClass(difference), options, NOW_MS);
  if (result.kind !== 'wanted') throw new Error(result.message);
  return result;
}

const controlledBy = (uid: string): OwnerReference[] => [
  { apiVersion: 'gpu-classroom.io/v1alpha1', kind: 'Classroom', name: 'python-101', uid, controller: true },
];

function child(name: string, metadata: Partial<KubeObject['metadata']>): KubeObject {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'python-101', ...metadata } };
}

describe('objects that are no longer wanted', () => {
  const old = {
    resource: services,
    object: child('old', { ownerReferences: controlledBy('uid-of-python-101') }),
  };

  test('are deleted when the class controls them', () => {
    expect(wanted({ children: [old] }).delete).toEqual([old]);
  });

  test.each([
    ['somebody else controls', { ownerReferences: controlledBy('another') }],
    ['nobody controls', {}],
    [
      'are on their way out already',
      { ownerReferences: controlledBy('uid-of-python-101'), deletionTimestamp: '2026-09-01T09:00:00Z' },
    ],
  ])('stay when %s', (_, metadata) => {
    expect(wanted({ children: [{ resource: services, object: child('old', metadata) }] }).delete).toEqual([]);
  });

  test('wanted ones stay', () => {
    const object = child('python-101-engine', { ownerReferences: controlledBy('uid-of-python-101') });
    expect(wanted({ children: [{ resource: services, object }] }).delete).toEqual([]);
  });
});

describe('the model cache', () => {
  const withStorage = (size: string) => classroom({ spec: { model: { storage: { size } } } });
  const claim = (storage: string): PersistentVolumeClaim => ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      name: 'python-101-models',
      labels: { [LABELS.managedBy]: MANAGED_BY, [LABELS.classroom]: 'python-101' },
    },
    spec: {
      accessModes: ['ReadWriteMany'],
      storageClassName: 'nfs',
      resources: { requests: { storage } },
    },
  });
  const claimOf = (result: WantedPlan) =>
    result.foundations.find(({ object }) => object.kind === 'PersistentVolumeClaim')?.object;

  test('has no owner, so that it outlives the class', () => {
    expect(claimOf(wanted({ classroom: withStorage('50Gi') }))?.metadata.ownerReferences).toBeUndefined();
  });

  test.each([
    { there: '50Gi', asked: '80Gi', want: '80Gi' },
    { there: '50Gi', asked: '20Gi', want: '50Gi' },
    { there: '50Gi', asked: '51200Mi', want: '50Gi' },
  ])('of $there, asked for $asked, is $want and keeps what cannot change', ({ there, asked, want }) => {
    const result = wanted({ classroom: withStorage(asked), modelCache: claim(there) });
    expect(claimOf(result)).toMatchObject({
      spec: {
        accessModes: ['ReadWriteMany'],
        storageClassName: 'nfs',
        resources: { requests: { storage: want } },
      },
    });
  });

  test('stays when the class no longer asks for one', () => {
    const observed = { resource: services, object: claim('50Gi') };
    expect(wanted({ children: [observed], modelCache: claim('50Gi') }).delete).toEqual([]);
  });
});

test('monitoring is let through to the engines where it is named', () => {
  const prometheusPeer = { namespace: 'monitoring', podLabels: { app: 'prometheus' } };
  const policy = wanted({}, settings({ prometheusPeer })).foundations.find(
    ({ object }) => object.kind === 'NetworkPolicy',
  );
  expect(policy?.object).toMatchObject({
    spec: {
      ingress: [{ from: [{}, {}, { podSelector: { matchLabels: { app: 'prometheus' } } }] }],
    },
  });
});

test('the plan is looked at again when the next seat ends', () => {
  const seats = [
    studentQuota({ spec: { student: { id: 'past' }, expiresAt: '2026-08-01T00:00:00Z' } }),
    studentQuota({ spec: { student: { id: 'later' }, expiresAt: '2026-09-03T00:00:00Z' } }),
    studentQuota({ spec: { student: { id: 'next' }, expiresAt: '2026-09-02T00:00:00Z' } }),
    studentQuota({ spec: { student: { id: 'open' } } }),
  ];
  expect(wanted({ seats }).nextLookAtMs).toBe(Date.parse('2026-09-02T00:00:00Z'));
  expect(wanted().nextLookAtMs).toBeUndefined();
});

test('a seat whose end is null in the API server has none', () => {
  const stored = studentQuota();
  Object.assign(stored.spec, { expiresAt: null, access: null });
  expect(isActive(stored, NOW_MS)).toBe(true);
});

test('a spec of another version is reported and not acted on', () => {
  const broken = classroom();
  const result = plan(
    observedClass({ classroom: { ...broken, spec: { ...broken.spec, access: 'Sometimes' as 'Open' } } }),
    settings(),
    NOW_MS,
  );
  expect(result).toMatchObject({ kind: 'withheld', reason: 'SpecUnreadable' });
  expect(result).toMatchObject({ message: expect.stringContaining('`spec.access` must be') });
});
