import { describe, expect, test } from '@jest/globals';
import type { Classroom } from '../../../src/api/classroom.ts';
import { LABELS, MANAGED_BY } from '../../../src/api/labels.ts';
import type { ObservedClass } from '../../../src/classroom/observe.ts';
import { isActive, plan, type WantedPlan } from '../../../src/classroom/plan.ts';
import type { KubeObject, OwnerReference } from '../../../src/kube/object.ts';
import {
  type Deployment,
  deployments,
  type PersistentVolumeClaim,
  services,
} from '../../../src/kube/resources.ts';
import { classroom, studentQuota } from '../../support/builders.ts';
import { observedClass, readyPod, settings } from '../../support/classroom.ts';

const NOW_MS = Date.parse('2026-09-01T09:00:00Z');

function wanted(difference: Partial<ObservedClass> = {}, options = settings()): WantedPlan {
  const result = plan(observedClass(difference), options, NOW_MS);
  if (result.kind !== 'wanted') throw new Error(result.refusal.message);
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
  const message = expect.stringContaining('`spec.access` must be');
  expect(result).toMatchObject({ kind: 'withheld', refusal: { reason: 'SpecUnreadable', message } });
});

test('a time zone that nobody knows is reported, and the class looked at when it opens or closes by UTC', () => {
  const sessions = [{ days: ['Tue' as const], start: '10:00', end: '17:00' }];
  const schedule = { timeZone: 'Europe/Berlim', sessions };
  const result = plan(observedClass({ classroom: classroom({ spec: { schedule } }) }), settings(), NOW_MS);
  expect(result).toMatchObject({
    kind: 'withheld',
    refusal: { reason: 'TimeZoneUnknown', message: expect.stringContaining("'Europe/Berlim'") },
    nextLookAtMs: Date.parse('2026-09-01T10:00:00Z'),
  });
});

describe('while a change waits', () => {
  const change = { engine: { replicas: { min: 1, max: 4, studentsPerReplica: 2 }, maxNumSeqs: 16 } };
  const before = wanted({ classroom: classroom({ spec: { engine: { ...change.engine, maxNumSeqs: 8 } } }) });
  const running: Partial<ObservedClass> = {
    classroom: classroom({ spec: change }),
    deployment: before.deployment?.object as Deployment,
    pods: [readyPod('python-101-engine-a')],
    activity: { kind: 'busy' },
  };
  const deploymentOf = (result: WantedPlan) => result.deployment?.object as Deployment;
  const argsOf = (result: WantedPlan) =>
    deploymentOf(result).spec?.template.spec?.containers[0]?.args?.join(' ') ?? '';

  test('the Deployment stays, word for word', () => {
    const result = wanted(running);
    expect(result.rollout.kind).toBe('wait');
    expect(result.deployment?.object).toEqual(before.deployment?.object);
  });

  test('an edit by hand is still brought back', () => {
    const edited = structuredClone(deploymentOf(before));
    const container = edited.spec?.template.spec?.containers[0];
    if (container !== undefined) container.image = 'somebody/else:1';
    expect(wanted({ ...running, deployment: edited }).deployment?.object).toEqual(before.deployment?.object);
  });

  test.each([
    ['in a session', '09:00', 'wait', 1, '8'],
    ['between sessions, while its engines end', '13:00', 'wait', 1, '8'],
  ] as const)('of a class that waits for its end, it does so %s', (_, start, kind, replicas, maxNumSeqs) => {
    const schedule = { sessions: [{ days: ['Tue' as const], start, end: '17:00' }] };
    const engine = { ...change.engine, rollout: 'AfterClass' as const };
    const result = wanted({ ...running, classroom: classroom({ spec: { schedule, engine } }) });
    expect([result.rollout.kind, deploymentOf(result).spec?.replicas]).toEqual([kind, replicas]);
    expect(argsOf(result)).toContain(`--max-num-seqs ${maxNumSeqs}`);
  });

  test.each([
    ['sleeps, also in a session', '09:00', 'AfterClass'],
    ['is closed', '13:00', 'WhenIdle'],
  ] as const)('it is made at once where the class %s: no engine runs', (_, start, rollout) => {
    const schedule = { sessions: [{ days: ['Tue' as const], start, end: '17:00' }], warmUpMinutes: 0 };
    const engine = { ...change.engine, rollout };
    const result = wanted({ ...running, pods: [], classroom: classroom({ spec: { schedule, engine } }) });
    expect(result.rollout).toMatchObject({ kind: 'now', why: 'no engine serves anybody' });
    expect(argsOf(result)).toContain('--max-num-seqs 16');
  });

  test('students who enrol get an engine as it runs now', () => {
    const seats = ['alice', 'bob', 'carol'].map((id) => studentQuota({ spec: { student: { id } } }));
    const result = wanted({ ...running, seats });
    expect(deploymentOf(result).spec?.replicas).toBe(2);
    expect(argsOf(result)).toContain('--max-num-seqs 8');
  });

  test('time brings the change', () => {
    const activity = { kind: 'quiet' as const, sinceMs: NOW_MS - 299_000 };
    expect(wanted({ ...running, activity }).nextLookAtMs).toBe(NOW_MS + 1_000);
    const result = wanted({ ...running, activity: { kind: 'quiet', sinceMs: NOW_MS - 300_000 } });
    expect(argsOf(result)).toContain('--max-num-seqs 16');
  });

  test('once it has begun, the next pass finds nothing to change', () => {
    const begun = wanted({ ...running, activity: { kind: 'quiet', sinceMs: 0 } });
    const next = wanted({ ...running, deployment: deploymentOf(begun), pods: [] });
    expect(next.rollout.kind).toBe('current');
    expect(next.deployment?.object).toEqual(begun.deployment?.object);
  });
});

describe('a plan that does not fit', () => {
  const tooLarge = (model = 'Qwen/Qwen2.5-14B-Instruct') =>
    classroom({ spec: { model: { id: model }, gpu: { product: 'NVIDIA-A10' } } });

  test('reaches no GPU', () => {
    const result = wanted({ classroom: tooLarge() });
    expect(result.planning?.kind).toBe('unfit');
    expect(result.deployment).toBeUndefined();
  });

  test('takes nothing away: the engines that run stay', () => {
    const before = wanted({ classroom: tooLarge('Qwen/Qwen2.5-7B-Instruct') });
    const deployment = before.deployment?.object as Deployment;
    const result = wanted({
      classroom: tooLarge(),
      deployment,
      children: [{ resource: deployments, object: deployment }],
    });
    expect(result.deployment?.object).toEqual(deployment);
    expect(result.delete).toEqual([]);
  });

  test('leaves alone a Deployment of which nothing is known', () => {
    const unknown: Deployment = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: {
        name: 'python-101-engine',
        namespace: 'python-101',
        ownerReferences: controlledBy('uid-of-python-101'),
      },
    };
    const result = wanted({
      classroom: tooLarge(),
      deployment: unknown,
      children: [{ resource: deployments, object: unknown }],
    });
    expect(result.deployment).toBeUndefined();
    expect(result.delete).toEqual([]);
  });
});

describe('a spec with an argument that is denied, of a class that has had engines', () => {
  // It is Tuesday, 09:00.
  const meets = (start: string, end: string) => ({
    sessions: [{ days: ['Tue' as const], start, end }],
    warmUpMinutes: 0,
  });
  const engine = { replicas: { min: 1, max: 2, studentsPerReplica: 2 } };
  const before = wanted({ classroom: classroom({ spec: { engine } }) });
  const running = (replicas: number): Deployment => {
    const deployment = structuredClone(before.deployment?.object as Deployment);
    if (deployment.spec !== undefined) deployment.spec.replicas = replicas;
    return deployment;
  };
  const denied = (schedule: ReturnType<typeof meets> & { timeZone?: string }): Classroom =>
    classroom({ spec: { engine: { ...engine, maxNumSeqs: 16, extraArgs: ['--port=1'] }, schedule } });
  const deploymentOf = ({ deployment }: WantedPlan) => deployment?.object as Deployment;

  test.each([
    ['in a session they stay', meets('08:00', '12:00'), 1, [readyPod('a')], 1],
    ['after it they go, so that no GPU is kept over a weekend', meets('05:00', '06:00'), 1, [], 0],
    ['at the next one they come back', meets('09:00', '12:00'), 0, [], 1],
  ])('its engines go on as they were, by the timetable: %s', (_, schedule, current, pods, want) => {
    const result = wanted({ classroom: denied(schedule), deployment: running(current), pods });
    expect(result.rollout).toMatchObject({ kind: 'refused', refusal: { reason: 'ArgumentDenied' } });
    expect(deploymentOf(result)).toEqual(running(want));
    expect(result.delete).toEqual([]);
  });

  test('those that are held after failures stay held, though the spec is another one', () => {
    const failures = {
      specHash: 'of-before',
      memorySteps: [],
      count: 2,
      retries: 0,
      held: { since: '2026-09-01T08:00:00Z' },
    };
    const given = { ...denied(meets('08:00', '12:00')), status: { failures } };
    const result = wanted({ classroom: given, deployment: running(1) });
    expect(result).toMatchObject({ held: true, specHash: 'of-before' });
    expect(deploymentOf(result).spec?.replicas).toBe(0);
  });

  test.each([
    ['its time zone is not known either', 'TimeZoneUnknown', { timeZone: 'Europe/Berlim' }, running(1)],
    ['no engine was ever started', 'ArgumentDenied', {}, undefined],
  ])('nothing is touched where %s', (_, reason, zone, deployment) => {
    const observed = observedClass({
      classroom: denied({ ...meets('05:00', '06:00'), ...zone }),
      deployment,
    });
    expect(plan(observed, settings(), NOW_MS)).toMatchObject({ kind: 'withheld', refusal: { reason } });
  });
});
