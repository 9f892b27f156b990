import { describe, expect, test } from '@jest/globals';
import type { Classroom, ClassroomStatus } from '../../../src/api/classroom.ts';
import { findCondition } from '../../../src/api/condition.ts';
import { demandLease } from '../../../src/api/demand.ts';
import type { StudentQuota } from '../../../src/api/student-quota.ts';
import { createAdapterBoard } from '../../../src/classroom/adapters/board.ts';
import { createClassroomController } from '../../../src/classroom/controller.ts';
import { createEngineBoard } from '../../../src/classroom/engine-watch/board.ts';
import { createPreparationNotes } from '../../../src/classroom/node-preparation/notes.ts';
import { IN_TURN, START_GATE, STARTS_LABEL } from '../../../src/classroom/rollout/start-gate.ts';
import type { GpuObservation } from '../../../src/gpu/nodes/observation.ts';
import { type Applier, NameConflictError } from '../../../src/kube/apply.ts';
import type { KubeClient } from '../../../src/kube/client.ts';
import { KubeApiError } from '../../../src/kube/errors.ts';
import { silentLogger } from '../../../src/kube/log.ts';
import type { KubeObject, ObjectRef } from '../../../src/kube/object.ts';
import type { Lease, Pod } from '../../../src/kube/resources.ts';
import type { ReconcilePass } from '../../../src/reconcile/controller.ts';
import { podAddress } from '../../../src/vllm/pod-address.ts';
import { classroom } from '../../support/builders.ts';
import { enginePod, settings } from '../../support/classroom.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { gpuNodeLike, knownGpus } from '../../support/gpu-nodes.ts';
import { quietInformers } from '../../support/quiet-cache.ts';

interface World {
  classrooms?: Classroom[];
  /** What the API server answers to an object of this kind. */
  answers?: Record<string, 'unchanged' | Error>;
  /** What it answers to a status. */
  statusAnswer?: Error;
  /** Default: the operator may not read nodes. */
  gpus?: GpuObservation;
  pods?: Pod[];
  demandLeases?: Lease[];
}

interface Pass {
  pass: ReconcilePass;
  applied: string[];
  statuses: ClassroomStatus[];
  events: string[];
  /** Pods whose gate was lifted. */
  started: string[];
}

/** One pass over python-101. */
async function pass({
  classrooms = [classroom()],
  answers = {},
  statusAnswer,
  gpus = { kind: 'Unknown', why: 'NotAllowed' },
  pods = [],
  demandLeases = [],
}: World = {}): Promise<Pass> {
  const started: string[] = [];
  const applied: string[] = [];
  const statuses: ClassroomStatus[] = [];
  const events: string[] = [];
  const controller = createClassroomController({
    client: clientThat((object) => {
      if (statusAnswer !== undefined) throw statusAnswer;
      statuses.push((object as Classroom).status ?? {});
    }, started),
    applier: applierThat((object) => {
      const answer = answers[object.kind];
      if (answer instanceof Error) throw answer;
      if (answer !== 'unchanged') applied.push(object.kind);
      return answer ?? 'created';
    }),
    informers: quietInformers<Classroom, StudentQuota, Pod>({ classrooms, gpus, pods, demandLeases }),
    events: { record: (_, { type, reason }) => events.push(`${type} ${reason}`) },
    clock: createFakeClock(),
    log: silentLogger,
    randomBytes: (length) => new Uint8Array(length),
    settings: settings(),
    metrics: { objectWritten: () => {}, nameConflict: () => {}, keyIssued: () => {} },
    callEngine: () => Promise.reject(new Error('this controller asks no engine')),
    adapterBoard: createAdapterBoard(),
    preparationNotes: createPreparationNotes(),
    engineBoard: createEngineBoard(),
    addressOf: podAddress,
  });
  const result = await controller.reconcile('python-101/python-101', new AbortController().signal);
  return { pass: result, applied, statuses, events, started };
}

function clientThat(applyStatus: (object: KubeObject) => void, started: string[]): KubeClient {
  const unused = () => Promise.reject(new Error('this pass must not ask for that'));
  return {
    get: unused,
    list: unused,
    create: unused,
    replace: unused,
    mergePatch: async <T>(_: unknown, { name }: ObjectRef) => {
      started.push(name);
      return undefined as T;
    },
    delete: unused,
    raw: unused,
    open: unused,
    close: unused,
    watch: () => {
      throw new Error('this pass must not watch');
    },
    apply: async (_, object) => {
      applyStatus(object);
      return object;
    },
  };
}

function applierThat(answer: (object: KubeObject) => 'created' | 'unchanged'): Applier {
  return {
    apply: async (_, object) => {
      const outcome = answer(object);
      return { outcome, written: outcome !== 'unchanged', object };
    },
  };
}

const NOTHING: Pass = { pass: {}, applied: [], statuses: [], events: [], started: [] };
const FOUNDATIONS = ['ServiceAccount', 'NetworkPolicy', 'Service', 'PodDisruptionBudget'];
const ALL_UNCHANGED = Object.fromEntries(
  [...FOUNDATIONS, 'Deployment'].map((kind) => [kind, 'unchanged' as const]),
);
const error = (status: number, reason: string) => new KubeApiError({ status, reason, message: 'because' });
const childrenApplied = (statuses: ClassroomStatus[]) =>
  findCondition(statuses[0]?.conditions, 'ChildrenApplied');

describe('a pass', () => {
  test('applies what the engines stand on before the engines, then the status', async () => {
    const { applied, statuses, events } = await pass();
    expect(applied).toEqual([...FOUNDATIONS, 'Deployment']);
    expect(childrenApplied(statuses)?.status).toBe('True');
    expect(events).toEqual(['Normal ChildrenApplied']);
  });

  test('writes nothing and tells nothing where everything is as wanted', async () => {
    const { statuses } = await pass();
    const settled = await pass({
      classrooms: [classroom({ status: statuses[0] ?? {} })],
      answers: ALL_UNCHANGED,
    });
    expect(settled).toEqual(NOTHING);
  });

  test.each([
    ['that is gone', []],
    ['that is being deleted', [classroom({ metadata: { deletionTimestamp: '2026-09-01T09:00:00Z' } })]],
  ])('leaves a class %s alone', async (_, classrooms) => {
    expect(await pass({ classrooms })).toEqual(NOTHING);
  });

  test('does not mind that the class was deleted meanwhile', async () => {
    const gone = await pass({ statusAnswer: error(404, 'NotFound') });
    expect(gone.pass).toEqual({});
  });
});

describe('a class that finds no GPU', () => {
  const gpus = knownGpus([gpuNodeLike('a10-time-sliced')]);

  test('is told of it once', async () => {
    const { statuses, events } = await pass({ gpus });
    const condition = findCondition(statuses[0]?.conditions, 'GPUAvailable');
    expect(condition).toMatchObject({ status: 'False', reason: 'SharingDiffers' });
    expect(events).toContain('Warning GPUUnavailable');
    const again = await pass({
      gpus,
      classrooms: [classroom({ status: statuses[0] ?? {} })],
      answers: ALL_UNCHANGED,
    });
    expect(again).toEqual(NOTHING);
  });

  test('is told when that has changed', async () => {
    const { statuses } = await pass({ gpus });
    const later = await pass({
      gpus: knownGpus([gpuNodeLike('h100-whole')]),
      classrooms: [classroom({ status: statuses[0] ?? {} })],
    });
    const condition = findCondition(later.statuses[0]?.conditions, 'GPUAvailable');
    expect(condition).toMatchObject({ status: 'True', reason: 'GPUsFree' });
    expect(later.events).not.toContain('Warning GPUUnavailable');
  });
});

test('a gateway that cannot wake a class, because its clock is ahead, is told of in the class', async () => {
  const asked = { namespace: 'python-101', name: 'python-101', uid: 'uid-of-python-101' };
  const lastAskedMs = Date.parse('2026-09-01T09:05:00Z');
  const demand = { lastAskedMs, inFlight: 0, queued: 1, trustedSeconds: 60 };
  const got = await pass({ demandLeases: [demandLease(asked, '0a1b2c3d', 'gateway-0', demand)] });
  expect(got.events).toContain('Warning GatewayClockAhead');
});

describe('a class with a timetable', () => {
  // It is Tuesday, 2026-09-01, 09:00 UTC.
  const meets = (start: string, end: string, { warmUpMinutes = 0, extraArgs = [] as string[] } = {}) =>
    classroom({
      spec: { engine: { extraArgs }, schedule: { sessions: [{ days: ['Tue'], start, end }], warmUpMinutes } },
    });
  const MINUTE_MS = 60_000;

  test.each<[name: string, given: Classroom, minutes: number]>([
    ['when its session ends', meets('08:00', '09:30'), 30],
    ['when its session begins', meets('11:00', '12:00'), 120],
    ['when its engines start to warm up', meets('11:00', '12:00', { warmUpMinutes: 45 }), 75],
    ['though its arguments are denied', meets('08:00', '09:30', { extraArgs: ['--port=1'] }), 30],
  ])('is looked at again at that very moment: %s', async (_, given, minutes) => {
    const got = await pass({ classrooms: [given] });
    expect(got.pass.requeueAfterMs).toBe(minutes * MINUTE_MS);
  });

  test('is looked at again when its boost ends, which is told then', async () => {
    const until = '2026-09-01T09:45:00Z';
    const boosted = (status: Classroom['status'] = {}, ends = until) =>
      classroom({ spec: { boost: { factor: 2, until: ends } }, status });
    const began = await pass({ classrooms: [boosted()] });
    expect(began.pass.requeueAfterMs).toBe(45 * MINUTE_MS);
    expect(began.events).toContain('Normal BoostStarted');
    expect(findCondition(began.statuses[0]?.conditions, 'Boosted')).toMatchObject({
      status: 'True',
      message:
        'The limits of all students are 2 times the usual ones until Tue 2026-09-01 09:45 (UTC), and then by themselves as before.',
    });
    const over = await pass({
      classrooms: [boosted(began.statuses[0], '2026-09-01T09:00:00Z')],
      answers: ALL_UNCHANGED,
    });
    expect(over.events).toEqual(['Normal BoostEnded']);
    expect(over.pass.requeueAfterMs).toBeUndefined();
  });

  test('is told of when it opens', async () => {
    const { statuses } = await pass({ classrooms: [meets('11:00', '12:00')] });
    const opened = meets('08:00', '09:30');
    const got = await pass({
      classrooms: [{ ...opened, status: statuses[0] ?? {} }],
      answers: ALL_UNCHANGED,
    });
    expect(got.events).toEqual(['Normal ClassOpened']);
    expect(findCondition(got.statuses[0]?.conditions, 'Open')).toMatchObject({ status: 'True' });
  });

  test('is told of when somebody closes it, and says who', async () => {
    const { statuses } = await pass();
    const fieldsV1 = { 'f:spec': { 'f:access': {} } };
    const managedFields = [{ manager: 'kubectl-edit', time: '2026-09-01T08:59:58Z', fieldsV1 }];
    const closed = classroom({
      metadata: { managedFields },
      spec: { access: 'Closed' },
      status: statuses[0] ?? {},
    });
    const got = await pass({ classrooms: [closed], answers: ALL_UNCHANGED });
    expect(got.events).toEqual(['Normal AccessChanged', 'Normal ClassClosed']);
    expect(got.statuses[0]?.access).toEqual({
      mode: 'Closed',
      changedBy: 'kubectl-edit',
      changedTime: '2026-09-01T08:59:58Z',
    });
  });
});

describe('what goes wrong', () => {
  test.each([
    [409, 'Conflict'],
    [500, 'InternalError'],
    [0, 'Unreachable'],
  ])('%d %s is tried again; the status stays as it is', async (status, reason) => {
    await expect(pass({ answers: { Service: error(status, reason) } })).rejects.toThrow('because');
  });

  test('a status that cannot be written is tried again', async () => {
    await expect(pass({ statusAnswer: error(500, 'InternalError') })).rejects.toThrow('because');
  });

  test('a refusal is said in the status, and no engine runs without what it stands on', async () => {
    const got = await pass({ answers: { NetworkPolicy: error(403, 'Forbidden') } });
    expect(got.applied).toEqual(['ServiceAccount', 'Service', 'PodDisruptionBudget']);
    expect(childrenApplied(got.statuses)).toMatchObject({ status: 'False', reason: 'ApplyRefused' });
    expect(got.pass.blocked).toContain('refused NetworkPolicy python-101-engine: because');
    expect(got.pass.requeueAfterMs).toBe(10_000);
    expect(got.events).toContain('Warning ApplyRefused');
  });

  test('engines are stopped at the end of a session though something that they stand on is refused', async () => {
    const over = { sessions: [{ days: ['Mon' as const], start: '08:00', end: '09:00' }] };
    const got = await pass({
      classrooms: [classroom({ spec: { schedule: over } })],
      answers: { NetworkPolicy: error(403, 'Forbidden') },
    });
    expect(got.applied).toContain('Deployment');
  });

  test('a namesake is said in the status, and looked for again', async () => {
    const conflict = new NameConflictError('Deployment', { name: 'python-101-engine' });
    const got = await pass({ answers: { Deployment: conflict } });
    expect(childrenApplied(got.statuses)).toMatchObject({ status: 'False', reason: 'NameConflict' });
    expect(got.pass).toEqual({ blocked: expect.any(String), requeueAfterMs: 10_000 });
    expect(got.events).toContain('Warning NameConflict');
  });

  test('arguments that are denied withhold everything', async () => {
    const denied = classroom({ spec: { engine: { extraArgs: ['--port=1'] } } });
    const got = await pass({ classrooms: [denied] });
    expect(got.applied).toEqual([]);
    expect(got.pass.blocked).toContain('--port=1');
    expect(got.events).toEqual(['Warning SpecInvalid']);
  });

  describe('for an engine that waits for its turn', () => {
    const engine = enginePod({
      metadata: { name: 'a', labels: { [STARTS_LABEL]: IN_TURN } },
      spec: { schedulingGates: [{ name: START_GATE }] },
    });

    test('is no reason not to start it where arguments are denied: others run as it does', async () => {
      const denied = classroom({ spec: { engine: { extraArgs: ['--port=1'] } } });
      const got = await pass({ classrooms: [denied], pods: [engine] });
      expect(got.started).toEqual(['a']);
    });

    test('keeps it from starting where what it stands on is not there', async () => {
      const got = await pass({ answers: { NetworkPolicy: error(403, 'Forbidden') }, pods: [engine] });
      expect(got.started).toEqual([]);
    });
  });
});

test('a class is looked at again when its engine need not wait any more for one that ends', async () => {
  const sharing = { [STARTS_LABEL]: IN_TURN };
  const ending = enginePod({
    metadata: { name: 'a', labels: sharing, deletionTimestamp: '2026-09-01T09:01:00Z' },
  });
  const waiting = enginePod({
    metadata: { name: 'b', labels: sharing },
    spec: { schedulingGates: [{ name: START_GATE }] },
  });
  const got = await pass({ pods: [ending, waiting] });
  expect(got.started).toEqual([]);
  expect(got.pass.requeueAfterMs).toBe(60_000);
});
