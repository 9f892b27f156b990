import { describe, expect, test } from '@jest/globals';
import type { Classroom, ClassroomStatus, EngineState, EngineStatus } from '../../../../src/api/classroom.ts';
import type { Condition } from '../../../../src/api/condition.ts';
import { ANNOTATIONS } from '../../../../src/api/labels.ts';
import { classroomRecordOf, seatRecordOf } from '../../../../src/gateway/identity/published.ts';
import type { EngineStart } from '../../../../src/gateway/identity/seat.ts';
import { classroom, studentQuota } from '../../../support/builders.ts';

function engine(state: EngineState): EngineStatus {
  return { name: `engine-${state.toLowerCase()}`, state };
}

function isFalse(type: string): Condition {
  return { type, status: 'False', reason: 'Test', message: '', lastTransitionTime: CREATED };
}

const SHA = 'a'.repeat(64);
const CREATED = '2026-11-01T08:00:00Z';

const HELD: ClassroomStatus['failures'] = {
  specHash: 'abc',
  memorySteps: [],
  count: 2,
  retries: 0,
  held: { since: '2026-11-23T10:00:00Z' },
};

describe('what a Classroom means', () => {
  test('its names, limits, access and contact', () => {
    const record = classroomRecordOf(
      classroom({
        metadata: { creationTimestamp: CREATED },
        spec: { model: { servedName: 'qwen', aliases: ['gpt-4o'] }, contact: 'Ms Chen', access: 'Closed' },
      }),
    );
    expect(record).toMatchObject({
      key: 'python-101/python-101',
      name: 'python-101',
      servedName: 'qwen',
      modelNames: ['qwen', 'gpt-4o'],
      adapters: [],
      access: 'Closed',
      contact: 'Ms Chen',
      limits: { perStudent: { concurrentRequests: 2 } },
      timeZone: 'UTC',
      createdSeconds: Date.parse(CREATED) / 1000,
    });
  });

  test('its adapters, under a name for each name of the model, and a mark for each folder', () => {
    const record = (path: string) =>
      classroomRecordOf(
        classroom({
          spec: {
            model: { servedName: 'qwen', aliases: ['gpt-4o'], storage: { claimName: 'models' } },
            adapters: [{ name: 'sql', path }],
          },
        }),
      );
    const { adapters } = record('adapters/sql');
    expect(adapters).toEqual([
      {
        model: 'qwen:sql',
        modelNames: ['qwen:sql', 'gpt-4o:sql'],
        folder: '/models/adapters/sql',
        cacheTag: expect.stringMatching(/^[\w-]{16}$/),
      },
    ]);
    expect(record('adapters/sql-2').adapters[0]?.cacheTag).not.toBe(adapters[0]?.cacheTag);
  });

  test('how many requests an engine computes together: as planned, else as the spec says', () => {
    const spec = { engine: { maxNumSeqs: 8 } };
    const plan = {
      maxModelLen: 4096,
      maxNumSeqs: 24,
      maxNumBatchedTokens: 2048,
      gpuMemoryUtilizationPercent: 90,
      resourceName: 'nvidia.com/gpu',
      basis: 'measured',
    };
    expect(classroomRecordOf(classroom()).engine).toBeUndefined();
    expect(classroomRecordOf(classroom({ spec })).engine).toEqual({ maxNumSeqs: 8 });
    expect(classroomRecordOf({ ...classroom({ spec }), status: { plan } }).engine).toEqual({
      maxNumSeqs: 24,
    });
  });

  test('since when it is in an exam: as the operator saw it, else as the API server noted who wrote it', () => {
    const fieldsV1 = { 'f:spec': { 'f:access': {} } };
    const wrote = {
      manager: 'kubectl',
      operation: 'Update' as const,
      time: '2026-11-23T09:00:00Z',
      fieldsV1,
    };
    const { metadata, ...rest } = classroom({ spec: { access: 'Exam' } });
    const exam = { ...rest, metadata: { ...metadata, managedFields: [wrote] } };
    const changedTime = '2026-11-23T08:00:00Z';
    const sinceMs = (seen: Classroom) => classroomRecordOf(seen).examSinceMs;

    expect(sinceMs({ ...exam, status: { access: { mode: 'Exam', changedTime } } })).toBe(
      Date.parse(changedTime),
    );
    expect(sinceMs({ ...exam, status: { access: { mode: 'Open', changedTime } } })).toBe(
      Date.parse(wrote.time),
    );
    expect(sinceMs(classroom({ spec: { access: 'Exam' } }))).toBeUndefined();
    expect(sinceMs({ ...exam, spec: { ...exam.spec, access: 'Open' } })).toBeUndefined();
  });

  test('while another model waits to be rolled out, it is the one that runs, under both names', () => {
    const plan = {
      maxModelLen: 2048,
      maxNumSeqs: 8,
      maxNumBatchedTokens: 2048,
      gpuMemoryUtilizationPercent: 90,
      resourceName: 'nvidia.com/gpu',
      basis: 'measured',
    };
    const changed = classroom({
      spec: { model: { servedName: 'new', aliases: ['gpt-4o'], maxModelLen: 8192 } },
    });
    expect(classroomRecordOf({ ...changed, status: { servedName: 'old', plan } })).toMatchObject({
      servedName: 'old',
      modelNames: ['old', 'new', 'gpt-4o'],
      maxModelLen: 2048,
    });
    expect(classroomRecordOf({ ...changed, status: { servedName: 'new', plan } }).modelNames).toEqual([
      'new',
      'gpt-4o',
    ]);
  });

  test('so are its adapters: engines keep them under the name that they serve the model by', () => {
    const renamed = classroom({
      spec: {
        model: { servedName: 'new', aliases: ['gpt-4o'], storage: { claimName: 'models' } },
        adapters: [{ name: 'sql', path: 'adapters/sql' }],
      },
    });
    expect(classroomRecordOf({ ...renamed, status: { servedName: 'old' } }).adapters).toMatchObject([
      { model: 'old:sql', modelNames: ['old:sql', 'new:sql', 'gpt-4o:sql'] },
    ]);
    expect(classroomRecordOf({ ...renamed, status: { servedName: 'new' } }).adapters).toMatchObject([
      { model: 'new:sql', modelNames: ['new:sql', 'gpt-4o:sql'] },
    ]);
  });

  test.each([
    ['Asia/Shanghai', 'Asia/Shanghai'],
    // The schema checks only the form.
    ['Mars/Olympus', 'UTC'],
  ])('its time zone %s is %s', (timeZone, zone) => {
    const spec = { schedule: { timeZone, outsideSessions: 'Open' as const } };
    expect(classroomRecordOf(classroom({ spec })).timeZone).toBe(zone);
  });

  test.each<[string, ClassroomStatus | undefined, EngineStart | undefined]>([
    ['of which the operator said nothing', undefined, undefined],
    ['that sleeps', { replicas: 0, lastLoadSeconds: 95 }, { loadSeconds: 95 }],
    ['that falls asleep', { replicas: 0, engines: [engine('Ready')] }, { loadSeconds: undefined }],
    ['whose first engine loads', { replicas: 1, engines: [engine('Loading')] }, { loadSeconds: undefined }],
    ['whose engines all fail', { replicas: 1, engines: [engine('Failing')] }, undefined],
    ['whose engines are held after failures', { replicas: 0, failures: HELD }, undefined],
    ['whose engine should answer', { replicas: 1, engines: [engine('Ready')] }, undefined],
    [
      'of whose engines one fails and one loads',
      { replicas: 2, engines: [engine('Failing'), engine('Loading')] },
      { loadSeconds: undefined },
    ],
    ['whose plan does not fit', { replicas: 0, conditions: [isFalse('Fits')] }, undefined],
    ['for which there are no GPUs', { replicas: 1, conditions: [isFalse('GPUAvailable')] }, undefined],
  ])('whether an engine is to come, of a class %s', (_, status, engineStart) => {
    expect(classroomRecordOf({ ...classroom(), status }).engineStart).toEqual(engineStart);
  });

  test('its timetable, its boost, and until when it was opened', () => {
    const schedule = { sessions: [{ days: ['Mon' as const], start: '09:00', end: '10:00' }] };
    const until = '2026-12-01T10:30:00Z';
    const of = (openUntil: string) =>
      classroomRecordOf(
        classroom({
          metadata: { annotations: { [ANNOTATIONS.openUntil]: openUntil } },
          spec: { schedule, boost: { factor: 2, until } },
        }),
      );
    expect(of(until)).toMatchObject({
      schedule,
      boost: { factor: 2, untilMs: Date.parse(until) },
      openUntilMs: Date.parse(until),
    });
    expect(of('soon').openUntilMs).toBeUndefined();
  });

  test('without a served name the id is what students write', () => {
    expect(classroomRecordOf(classroom()).modelNames).toEqual(['Qwen/Qwen2.5-7B-Instruct']);
  });

  test('one that the CRD would refuse is an error', () => {
    const broken = { ...classroom(), spec: JSON.parse('{"model":{}}') };
    expect(() => classroomRecordOf(broken)).toThrow(/id/);
  });
});

describe('fields that are null in the API server count as absent', () => {
  test('in a Classroom', () => {
    const stored = classroom();
    Object.assign(stored.spec, { contact: null, limits: null, exam: null });
    Object.assign(stored.spec.model, { servedName: null, aliases: null });
    expect(classroomRecordOf(stored)).toEqual(classroomRecordOf(classroom()));
  });

  test('in a StudentQuota: a key without an end has none', () => {
    const key = { generation: 1, sha256: SHA, createdTime: CREATED };
    const stored = studentQuota({ status: { keys: [key] } });
    Object.assign(stored.spec, { limits: null, expiresAt: null, weight: null });
    Object.assign(stored.status?.keys?.[0] ?? {}, { expiresTime: null });
    expect(seatRecordOf(stored)).toEqual(seatRecordOf(studentQuota({ status: { keys: [key] } })));
    expect(seatRecordOf(stored)?.keys).toEqual([{ sha256: SHA, expiresAtMs: undefined }]);
  });
});

describe('what a StudentQuota means', () => {
  test('the seat from its spec, the keys from its status', () => {
    const quota = studentQuota({
      spec: { weight: 3, access: 'Suspended', expiresAt: CREATED, limits: { maxOutputTokens: 5 } },
      status: { keys: [{ generation: 1, sha256: SHA, createdTime: CREATED, expiresTime: CREATED }] },
    });
    expect(seatRecordOf(quota)).toEqual({
      key: 'python-101/python-101-alice',
      classroomKey: 'python-101/python-101',
      studentId: 'alice',
      keys: [{ sha256: SHA, expiresAtMs: Date.parse(CREATED) }],
      suspended: true,
      expiresAtMs: Date.parse(CREATED),
      weight: 3,
      limits: { maxOutputTokens: 5 },
    });
  });

  test('one without keys yet has none', () => {
    expect(seatRecordOf(studentQuota())?.keys).toEqual([]);
  });

  test('one that is being deleted is none, whatever finalizer it waits for', () => {
    expect(seatRecordOf(studentQuota({ metadata: { deletionTimestamp: CREATED } }))).toBeUndefined();
  });
});
