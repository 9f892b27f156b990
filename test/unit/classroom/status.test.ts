import { describe, expect, test } from '@jest/globals';
import type { ClassroomStatus } from '../../../src/api/classroom.ts';
import { type Condition, findCondition } from '../../../src/api/condition.ts';
import type { ApplyOutcome } from '../../../src/classroom/apply.ts';
import type { ObservedClass } from '../../../src/classroom/observe.ts';
import { plan } from '../../../src/classroom/plan.ts';
import { status } from '../../../src/classroom/status.ts';
import type { Deployment, Pod } from '../../../src/kube/resources.ts';
import { classroom, studentQuota } from '../../support/builders.ts';
import { enginePod, observedClass, readyPod, settings } from '../../support/classroom.ts';
import { gpuNodeLike, knownGpus } from '../../support/gpu-nodes.ts';

const NOW_MS = Date.parse('2026-09-01T09:00:00.250Z');
const DONE: ApplyOutcome = { written: [], deleted: [], problems: [] };

function statusOf(difference: Partial<ObservedClass> = {}, outcome = DONE): ClassroomStatus {
  const observed = observedClass(difference);
  const planned = plan(observed, settings(), NOW_MS);
  return status({
    observed,
    plan: planned,
    outcome: planned.kind === 'wanted' ? outcome : undefined,
    settings: settings(),
    nowMs: NOW_MS,
  });
}

function condition(type: string, got: ClassroomStatus): Pick<Condition, 'status' | 'reason' | 'message'> {
  const found = findCondition(got.conditions, type);
  if (found === undefined) throw new Error(`no condition ${type}`);
  return { status: found.status, reason: found.reason, message: found.message };
}

const fourEngines = (status?: ClassroomStatus) =>
  classroom({ spec: { engine: { replicas: { min: 4, max: 4 } } }, ...(status && { status }) });

function seat(id: string, keyIssued: boolean) {
  const issued = {
    type: 'KeyIssued',
    reason: 'Issued',
    message: '',
    lastTransitionTime: '2026-09-01T08:00:00Z',
  };
  return studentQuota({
    spec: { student: { id } },
    status: { conditions: [{ ...issued, status: keyIssued ? 'True' : 'False' }] },
  });
}

const engines = ['a', 'b', 'c', 'd'].map((letter) => readyPod(`python-101-engine-${letter}`));

describe('Ready reads like a sentence', () => {
  test('when all is well', () => {
    const seats = [seat('alice', true), seat('bob', true)];
    expect(condition('Ready', statusOf({ classroom: fourEngines(), pods: engines, seats }))).toEqual({
      status: 'True',
      reason: 'Serving',
      message: '4 of 4 engines answer; 2 students have keys.',
    });
  });

  test('when a student has no key yet', () => {
    const seats = [seat('alice', true), seat('bob', false)];
    const { message } = condition('Ready', statusOf({ classroom: fourEngines(), pods: engines, seats }));
    expect(message).toBe('4 of 4 engines answer; 1 of 2 students have keys.');
  });

  test('when an engine still loads', () => {
    const pods = [...engines.slice(0, 2), enginePod({ metadata: { name: 'python-101-engine-e' } })];
    expect(condition('Ready', statusOf({ classroom: fourEngines(), pods }))).toEqual({
      status: 'False',
      reason: 'PartlyServing',
      message:
        '2 of 4 engines answer: engine python-101-engine-e is loading: started at 2026-09-01T09:00:00Z. The last engine took 60 s to load.',
    });
  });

  test('when the very first engine loads', () => {
    const pods = [enginePod({ metadata: { name: 'python-101-engine-e' } })];
    expect(condition('Ready', statusOf({ classroom: fourEngines(), pods })).message).toBe(
      '0 of 4 engines answer: engine python-101-engine-e is loading: started at 2026-09-01T09:00:00Z. Loading can take half an hour the first time.',
    );
  });

  test('when no engine answers, the most urgent cause comes first', () => {
    const evicted = enginePod({
      metadata: { name: 'python-101-engine-x' },
      status: { phase: 'Failed', reason: 'Evicted' },
    });
    const got = condition('Ready', statusOf({ classroom: fourEngines(), pods: [enginePod(), evicted] }));
    expect(got).toMatchObject({ status: 'False', reason: 'Evicted' });
    expect(got.message).toMatch(
      /^0 of 4 engines answer: engine python-101-engine-x fails: Kubernetes ended the pod \(Evicted\)\. It is replaced/,
    );
  });

  test('when a node has GPUs for an engine, and not the memory that it asks for', () => {
    const message = '0/1 nodes are available: 1 Insufficient memory.';
    const unschedulable = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message };
    const waiting: Pod = {
      ...enginePod({ metadata: { name: 'python-101-engine-x' } }),
      spec: { containers: [] },
      status: { phase: 'Pending', conditions: [unschedulable] },
    };
    const got = condition(
      'Ready',
      statusOf({ pods: [waiting], gpus: knownGpus([gpuNodeLike('h100-whole')]) }),
    );
    expect(got.message).toBe(
      '0 of 1 engine answers: engine python-101-engine-x waits for a node: Unschedulable: 0/1 nodes are available: 1 Insufficient memory. Besides GPUs it asks for 500m of cpu and 2Gi of memory: free as much on a node with GPUs, or lower `engine.resources.requests`.',
    );
  });

  test('when the pods cannot even be made', () => {
    const deployment: Deployment = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'python-101-engine' },
      status: {
        conditions: [{ type: 'ReplicaFailure', status: 'True', message: 'exceeded quota: gpus' }],
      },
    };
    const got = condition('Ready', statusOf({ deployment }));
    expect(got.reason).toBe('Failing');
    expect(got.message).toMatch(/^0 of 1 engine answers: their pods cannot be made: exceeded quota: gpus\./);
  });

  test('when nobody is enrolled and no engine has to run', () => {
    const idle = classroom({ spec: { engine: { replicas: { min: 0, max: 1 } } } });
    expect(condition('Ready', statusOf({ classroom: idle }))).toMatchObject({
      status: 'True',
      message:
        'No engine runs, because no student is active and `engine.replicas.min` is 0; no student is enrolled yet: enrol some with kubectl classroom enroll.',
    });
  });
});

describe('what is in the way is said where it belongs and in Ready', () => {
  const cases = [
    { kind: 'conflict', reason: 'NameConflict', says: 'exists and does not belong to this class' },
    { kind: 'leftover', reason: 'AwaitingDeletion', says: 'belongs to an earlier class of this name' },
    { kind: 'refused', reason: 'ApplyRefused', says: 'refused Service python-101-engine: quota exceeded' },
  ] as const;
  test.each(cases)('$reason', ({ kind, reason, says }) => {
    const problem = { kind, child: 'Service python-101-engine', detail: 'quota exceeded' };
    const got = statusOf({ pods: [readyPod('a')] }, { ...DONE, problems: [problem] });
    for (const type of ['ChildrenApplied', 'Ready']) {
      expect(condition(type, got)).toMatchObject({ status: 'False', reason });
      expect(condition(type, got).message).toContain(says);
    }
  });

  test('ArgumentDenied; the status goes on saying how the engines run', () => {
    const before = statusOf({ pods: [readyPod('a')] });
    const denied = classroom({
      metadata: { generation: 2 },
      spec: { engine: { extraArgs: ['--port', '1'] } },
      status: before,
    });
    const got = statusOf({ classroom: denied, pods: [readyPod('a')] });
    expect(condition('SpecValid', got)).toMatchObject({ status: 'False', reason: 'ArgumentDenied' });
    expect(condition('Ready', got)).toMatchObject({ status: 'False', reason: 'ArgumentDenied' });
    expect(condition('EnginesReady', got)).toMatchObject({ status: 'Unknown', reason: 'Withheld' });
    expect(got).toMatchObject({ plan: before.plan, replicas: 1, readyReplicas: 1, observedGeneration: 2 });
  });

  test('ArgumentDenied, also of engines that go on by the timetable; how they are is told all the same', () => {
    const started = plan(observedClass(), settings(), NOW_MS);
    const deployment = started.kind === 'wanted' ? (started.deployment?.object as Deployment) : undefined;
    const denied = classroom({ spec: { engine: { extraArgs: ['--port', '1'] } } });
    const got = statusOf({ classroom: denied, deployment, pods: [readyPod('a')] });
    for (const type of ['SpecValid', 'Ready']) {
      expect(condition(type, got)).toMatchObject({ status: 'False', reason: 'ArgumentDenied' });
      expect(condition(type, got).message).toContain(
        'goes on with the engines that it had, and by its timetable',
      );
    }
    expect(condition('EnginesReady', got)).toMatchObject({ status: 'True', reason: 'AllReady' });
    for (const type of ['Fits', 'RolloutPending', 'NodesPrepared']) {
      expect(condition(type, got)).toMatchObject({ status: 'Unknown', reason: 'Withheld' });
    }
    expect(got).toMatchObject({ replicas: 1, plan: statusOf({ pods: [readyPod('a')] }).plan });
  });
});

describe('a class without engines that is as it should be', () => {
  /** Its sessions are on Wednesdays; it is Tuesday. */
  const schedule = { sessions: [{ days: ['Wed' as const], start: '09:00', end: '12:00' }] };
  const held = { specHash: '', count: 2, retries: 0, memorySteps: [], reason: 'ModelNotFound' };
  const since = '2026-09-01T08:00:00Z';
  const openSince = (status: 'True' | 'False', lastTransitionTime: string): Condition => ({
    type: 'Open',
    status,
    reason: status === 'True' ? 'AlwaysOpen' : 'OutsideSessions',
    message: '',
    lastTransitionTime,
  });
  const deployment = (replicas: number): Deployment => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'python-101-engine' },
    spec: { replicas, selector: {}, template: {} },
  });

  test('is closed outside of its sessions, and Ready says when it opens', () => {
    const got = statusOf({ classroom: classroom({ spec: { schedule } }) });
    expect(condition('Ready', got)).toEqual({
      status: 'False',
      reason: 'Closed',
      message: condition('Open', got).message,
    });
    expect(condition('EnginesReady', got)).toEqual({
      status: 'True',
      reason: 'Closed',
      message: 'No engine runs, because the class is closed: see the condition Open.',
    });
    expect(condition('Open', got).message).toContain('Wed 2026-09-02 09:00');
    expect(got.replicas).toBe(0);
  });

  test('is closed while its engines load for a session, and Ready tells of both', () => {
    const early = { ...schedule, sessions: [{ days: ['Tue' as const], start: '09:10', end: '12:00' }] };
    const got = statusOf({ classroom: classroom({ spec: { schedule: early } }), pods: [enginePod()] });
    expect(condition('Ready', got)).toMatchObject({ status: 'False', reason: 'Closed' });
    expect(condition('Ready', got).message).toMatch(
      /^No session runs\..* 0 of 1 engine answers: engine .* is loading/,
    );
    expect(condition('EnginesReady', got)).toMatchObject({ status: 'False', reason: 'Loading' });
  });

  const sleeper = (status: ClassroomStatus) =>
    classroom({
      spec: { idle: { scaleToZeroAfterMinutes: 5 }, engine: { replicas: { min: 0 } } },
      status: { lastLoadSeconds: 103, ...status },
    });

  test('sleeps when nobody asks, and is ready: the first request wakes it', () => {
    const own = sleeper({ conditions: [openSince('True', since)] });
    const got = statusOf({
      classroom: own,
      deployment: deployment(0),
      seats: [seat('alice', true)],
      needHistory: { engines: 0, before: [] },
    });
    expect(condition('Ready', got)).toEqual({
      status: 'True',
      reason: 'Asleep',
      message:
        'No engine runs, because nobody has asked for as long as `idle` says. The first request wakes them. The last engine took 103 s to load; 1 student has a key.',
    });
    expect(condition('EnginesReady', got)).toMatchObject({ status: 'True', reason: 'Asleep' });
  });

  test('says the same again while it sleeps on: nothing is written', () => {
    const own = sleeper({ conditions: [openSince('True', since)] });
    const asleep = { deployment: deployment(0), needHistory: { engines: 0, before: [] } };
    const first = statusOf({ ...asleep, classroom: own });
    const again = statusOf({ ...asleep, classroom: { ...own, status: first } });
    expect(again).toEqual(first);
  });

  test('says so all the same where its engines will not start', () => {
    const asleep = {
      classroom: sleeper({ conditions: [openSince('True', since)] }),
      deployment: deployment(0),
    };
    const specHash = plannedHash(asleep);
    const failures = { ...held, specHash, message: 'no such model', held: { since } };
    const own = sleeper({ conditions: [openSince('True', since)], failures });
    const got = statusOf({ ...asleep, classroom: own, seats: [seat('alice', true)] });
    expect(condition('EnginesReady', got)).toMatchObject({ status: 'False', reason: 'ModelNotFound' });
    expect(condition('Ready', got)).toMatchObject({ status: 'False', reason: 'ModelNotFound' });
  });
});

function plannedHash(difference: Partial<ObservedClass>): string {
  const planned = plan(observedClass(difference), settings(), NOW_MS);
  return planned.kind === 'wanted' ? planned.specHash : '';
}

describe('fields that nothing acts on yet', () => {
  test('are named', () => {
    const window = { days: ['Mon' as const], start: '22:00', end: '06:00' };
    const jobs = [{ name: 'sql-tutor', dataset: { claimName: 'datasets', path: 'sql.jsonl' } }];
    const nights = classroom({ spec: { fineTuning: { window, jobs } } });
    const got = condition('FeaturePending', statusOf({ classroom: nights }));
    expect(got).toMatchObject({ status: 'True', reason: 'FieldsIgnored' });
    expect(got.message).toContain('does not act on them yet: fineTuning.');
  });

  test('are not the limits', () => {
    const limits = { tokensPerDay: 1, tokensTotal: 1 };
    const limited = classroom({
      spec: { limits: { perStudent: limits, classroom: { requestsPerMinute: 1 } } },
    });
    expect(condition('FeaturePending', statusOf({ classroom: limited })).status).toBe('False');
  });

  test('do not keep a class from being ready', () => {
    expect(condition('Ready', statusOf({ pods: [readyPod('a')] })).status).toBe('True');
  });
});

describe('the status as a whole', () => {
  test('holds what a trainer and the gateway want to know', () => {
    expect(statusOf({ pods: [readyPod('a')], seats: [seat('alice', true)] })).toMatchObject({
      observedGeneration: 1,
      replicas: 1,
      readyReplicas: 1,
      students: 1,
      servedName: 'Qwen/Qwen2.5-7B-Instruct',
      baseURL: 'http://gateway.test/v1',
      selector: 'app.kubernetes.io/component=engine,gpu-classroom.io/classroom=python-101',
      plan: { maxModelLen: 4096, maxNumSeqs: 8, resourceName: 'nvidia.com/gpu' },
      engines: [{ name: 'a', state: 'Ready', node: 'node-1' }],
      lastReadyTime: '2026-09-01T09:01:00Z',
    });
  });

  test('is the same again while nothing happens, however much time passes', () => {
    const pods = [readyPod('a'), enginePod()];
    const first = statusOf({ classroom: fourEngines(), pods });
    const later = observedClass({ classroom: fourEngines(first), pods });
    const nowMs = NOW_MS + 3_600_000;
    const again = status({
      observed: later,
      plan: plan(later, settings(), nowMs),
      outcome: DONE,
      settings: settings(),
      nowMs,
    });
    expect(again).toEqual(first);
  });

  test('remembers when an engine last became ready after the engine is gone', () => {
    const before = statusOf({ pods: [readyPod('a')] });
    expect(statusOf({ classroom: classroom({ status: before }) }).lastReadyTime).toBe('2026-09-01T09:01:00Z');
  });
});
