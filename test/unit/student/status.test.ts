import { describe, expect, test } from '@jest/globals';
import type { Classroom } from '../../../src/api/classroom.ts';
import { findCondition } from '../../../src/api/condition.ts';
import type { StudentQuotaSpecInput } from '../../../src/api/student-quota.ts';
import { boostEvents } from '../../../src/boost/events.ts';
import { type Obstacle, seatStatus } from '../../../src/student/status.ts';
import { classroom, inExam, listed, MINUTE_MS, NOW, NOW_MS, quota, record, sha256 } from './builders.ts';

const keyId = sha256(1).slice(0, 12);
const holds = `Secret alice-api-key holds key ${keyId} of ${NOW}`;

/** The conditions of a seat as `Type=Status Reason: Message`. */
function conditions(
  outcome: Partial<Parameters<typeof seatStatus>[1]> = {},
  spec: Partial<StudentQuotaSpecInput> = {},
  given: Classroom = classroom(),
): string[] {
  const full = { record: record(1), keys: [listed(1)], obstacle: undefined, ...outcome };
  const seat = { quota: quota({ spec }), classroom: given };
  const status = seatStatus(seat, full as Parameters<typeof seatStatus>[1], undefined, NOW_MS);
  return status.conditions.map(
    ({ type, status, reason, message }) => `${type}=${status} ${reason}: ${message}`,
  );
}

test('a seat that works says so in one sentence', () => {
  expect(conditions()).toEqual([
    'Ready=True Active: alice can use python-101 with the key in Secret alice-api-key.',
    'ClassroomFound=True Found: The class is Classroom python-101.',
    `KeyIssued=True Issued: ${holds}.`,
  ]);
});

test.each<{ name: string; spec: Partial<StudentQuotaSpecInput>; wantReady: string }>([
  {
    name: 'suspended',
    spec: { access: 'Suspended' },
    wantReady:
      'Ready=False Suspended: alice is suspended: the key is refused. Set spec.access to Active to let alice work again.',
  },
  {
    name: 'at its end',
    spec: { expiresAt: NOW },
    wantReady: `Ready=False Expired: The seat of alice ended at ${NOW}: the key is refused. Set a later spec.expiresAt to let alice work again.`,
  },
  {
    name: 'suspended and at its end',
    spec: { access: 'Suspended', expiresAt: NOW },
    wantReady:
      'Ready=False Suspended: alice is suspended: the key is refused. Set spec.access to Active to let alice work again.',
  },
  {
    name: 'just before its end',
    spec: { expiresAt: '2026-09-01T09:00:01Z' },
    wantReady: 'Ready=True Active: alice can use python-101 with the key in Secret alice-api-key.',
  },
])('a seat that is $name says so and keeps its key', ({ spec, wantReady }) => {
  const [ready, , keyIssued] = conditions({}, spec);
  expect(ready).toBe(wantReady);
  expect(keyIssued).toBe(`KeyIssued=True Issued: ${holds}.`);
});

test.each<{ name: string; obstacle: Obstacle; wantCondition: string }>([
  {
    name: 'no class',
    obstacle: { kind: 'ClassroomMissing' },
    wantCondition:
      'ClassroomFound=False NotFound: There is no Classroom python-101 in this namespace. The seat takes effect by itself once it is made.',
  },
  {
    name: 'a class that goes',
    obstacle: { kind: 'ClassroomDeleting' },
    wantCondition: 'ClassroomFound=False NotFound: Classroom python-101 is being deleted.',
  },
  {
    name: 'a class of another version',
    obstacle: { kind: 'ClassroomUnreadable' },
    wantCondition:
      'ClassroomFound=False SpecUnreadable: Classroom python-101 does not follow the schema of this version: see its own conditions.',
  },
  {
    name: 'a foreign Secret',
    obstacle: { kind: 'NameConflict' },
    wantCondition:
      'KeyIssued=False NameConflict: Secret alice-api-key does not belong to this seat and was left alone. Delete or rename it, and the key is made within a minute.',
  },
  {
    name: 'a Secret of the seat before',
    obstacle: { kind: 'PredecessorSecret' },
    wantCondition:
      'KeyIssued=False Withheld: Secret alice-api-key belongs to a deleted seat of the same name; the key is made once the Secret is gone.',
  },
  {
    name: 'an older seat',
    obstacle: { kind: 'DuplicateStudent', olderSeat: 'alice-1' },
    wantCondition:
      'KeyIssued=False DuplicateStudent: alice already has a seat in this class: StudentQuota alice-1. Delete one of the two.',
  },
  {
    name: 'a refusal',
    obstacle: { kind: 'SecretRefused', detail: 'exceeded quota: x' },
    wantCondition:
      'KeyIssued=False ApplyRefused: The API server refused Secret alice-api-key: exceeded quota: x. The operator keeps trying.',
  },
])('a seat without a key because of $name waits, and says why', ({ obstacle, wantCondition }) => {
  const all = conditions({ record: undefined, keys: [], obstacle });
  expect(all).toContain(wantCondition);
  const [, message] = /^\w+=\w+ \w+: (.*)$/.exec(wantCondition) ?? [];
  expect(all[0]).toBe(`Ready=False Waiting: ${message}`);
});

describe('the condition of the key', () => {
  const at = (minutes: number): string =>
    new Date(NOW_MS + minutes * MINUTE_MS).toISOString().replace('.000Z', 'Z');

  test.each([
    {
      name: 'one overlap',
      differing: { previous: [{ ...listed(2), expiresTime: at(5) }] },
      want: `Rotating: ${holds}; until ${at(5)} the key before it works too.`,
    },
    {
      name: 'two overlaps',
      differing: { previous: [2, 3].map((n) => ({ ...listed(n), expiresTime: at(5) })) },
      want: `Rotating: ${holds}; until ${at(5)} 2 older keys work too.`,
    },
    {
      name: 'an overlap that has ended',
      differing: { previous: [{ ...listed(2), expiresTime: at(0) }], cause: 'Rotated' as const },
      want: `Issued: ${holds}.`,
    },
    {
      name: 'a lost key',
      differing: { cause: 'SecretDeleted' as const },
      want: `KeyReplaced: ${holds}. The Secret was deleted, so the key before was lost and is refused: give the student the new one.`,
    },
  ])('tells of $name', ({ differing, want }) => {
    expect(conditions({ record: record(1, differing) })[2]).toBe(`KeyIssued=True ${want}`);
  });

  test('stays true when the class goes', () => {
    expect(conditions({ obstacle: { kind: 'ClassroomMissing' } })[2]).toBe(
      `KeyIssued=True Issued: ${holds}.`,
    );
  });
});

describe('in an exam the condition of the key', () => {
  const keyIssued = (differing: Parameters<typeof record>[1], spec: Partial<StudentQuotaSpecInput> = {}) =>
    conditions({ record: record(1, differing) }, spec, inExam())[2];

  test('says that a rotation waits, why, and what does not', () => {
    expect(keyIssued({}, { keyRotation: { generation: 2 } })).toBe(
      `KeyIssued=True RotationDeferred: ${holds}. The new key that was asked for is made when the exam of the class is over: in an exam no key is replaced. To end this one at once, revoke it (\`keyRotation.overlapMinutes: 0\`).`,
    );
  });

  test('says nothing of a rotation that was before it', () => {
    expect(keyIssued({ generation: 2 }, { keyRotation: { generation: 2 } })).toBe(
      `KeyIssued=True Issued: ${holds}.`,
    );
  });

  test('tells of an overlap that does not end in it', () => {
    const expiresTime = '2026-09-01T08:45:00Z';
    expect(keyIssued({ cause: 'Rotated', previous: [{ ...listed(2), expiresTime }] })).toBe(
      `KeyIssued=True Rotating: ${holds}; until ${expiresTime}, and as long as the exam of the class runs, the key before it works too.`,
    );
  });

  test('leaves out an overlap that had ended before it', () => {
    const expiresTime = '2026-09-01T08:29:59Z';
    expect(keyIssued({ cause: 'Rotated', previous: [{ ...listed(2), expiresTime }] })).toBe(
      `KeyIssued=True Issued: ${holds}.`,
    );
  });

  test('tells that a lost key works until it is over', () => {
    const previous = [{ ...listed(2), expiresTime: '2026-09-01T08:45:00Z' }];
    expect(keyIssued({ cause: 'SecretDeleted', replaces: sha256(2), previous })).toBe(
      `KeyIssued=True KeyReplaced: ${holds}. The Secret was deleted, so the key before was lost and works only until the exam of the class is over: give the student the new one.`,
    );
  });
});

describe('the condition of a boost', () => {
  const until = '2026-09-01T10:00:00Z';
  const boost = { factor: 2, until };
  const ofClass = (spec: Partial<Classroom['spec']>): Classroom => ({
    ...classroom(),
    spec: { ...classroom().spec, ...spec },
  });

  test('is absent without one, also while the class has one', () => {
    expect(conditions({}, {}, ofClass({ boost }))).toHaveLength(3);
  });

  test.each<{ name: string; until?: string; spec?: Partial<Classroom['spec']>; want: string }>([
    {
      name: 'until when it counts',
      want: 'True BoostRunning: The limits of alice are 2 times the usual ones until Tue 2026-09-01 10:00 (UTC), and then by themselves as before.',
    },
    {
      name: "that of the class where it is larger, in the class's time",
      spec: {
        boost: { factor: 3, until },
        schedule: {
          timeZone: 'Asia/Shanghai',
          sessions: [],
          exceptions: [],
          warmUpMinutes: 10,
          outsideSessions: 'Open',
        },
      },
      want: 'True BoostRunning: The limits of alice are 2 times the usual ones until Tue 2026-09-01 18:00 (Asia/Shanghai), and then by themselves as before. Meanwhile the boost of the class holds, which is larger: 3.',
    },
    {
      name: 'that it is over at the moment at which it ends',
      until: NOW,
      want: 'False BoostOver: The boost ended Tue 2026-09-01 09:00 (UTC): the usual limits hold. Take `spec.boost` away, or set a later `until`.',
    },
    {
      name: 'that it does not count in an exam',
      spec: { access: 'Exam' },
      want: 'False BoostPaused: No boost counts in an exam. The one of `spec.boost` counts again once it is over, until Tue 2026-09-01 10:00 (UTC).',
    },
  ])('tells $name', ({ spec = {}, want, ...given }) => {
    const seat = { boost: { factor: 2, until: given.until ?? until } };
    expect(conditions({}, seat, ofClass(spec))[3]).toBe(`Boosted=${want}`);
  });
});

test('a spec that cannot be read leaves everything unknown and says what to do', () => {
  const obstacle: Obstacle = {
    kind: 'SpecUnreadable',
    issues: [{ path: 'spec.weight', message: 'must be a number' }],
  };
  const [ready, ...others] = conditions({ record: undefined, keys: [listed(1)], obstacle });
  expect(ready).toMatch(
    /^Ready=False SpecUnreadable: .*`spec.weight` must be a number.*Until then the key stays as it is\.$/,
  );
  expect(others.every((condition) => condition.includes('=Unknown SpecUnreadable'))).toBe(true);
});

test('of a boost in a spec that cannot be read, nothing is told: what was said of it stays', () => {
  const boost = { factor: 2, until: '2026-09-01T10:00:00Z' };
  const outcome = { record: record(1), keys: [listed(1)], obstacle: undefined };
  const seat = { quota: quota({ spec: { boost } }), classroom: classroom() };
  const before = seatStatus(seat, outcome, undefined, NOW_MS);
  const issues = [{ path: 'spec.weight', message: 'must be a number' }];
  const obstacle: Obstacle = { kind: 'SpecUnreadable', issues };
  const unreadable = { record: undefined, keys: [listed(1)], obstacle };
  const known = { ...seat, quota: quota({ spec: { boost }, status: before }) };
  const { conditions: now } = seatStatus(known, unreadable, undefined, NOW_MS + MINUTE_MS);
  expect(findCondition(now, 'Boosted')).toEqual(findCondition(before.conditions, 'Boosted'));
  expect(boostEvents(before.conditions, now)).toEqual([]);
});

test('a condition keeps its time until its status changes', () => {
  const outcome = { record: record(1), keys: [listed(1)], obstacle: undefined };
  const first = seatStatus({ quota: quota(), classroom: classroom() }, outcome, undefined, NOW_MS);
  const suspended = quota({ spec: { access: 'Suspended' }, status: first });
  const seat = { quota: suspended, classroom: classroom() };
  const later = seatStatus(seat, outcome, undefined, NOW_MS + MINUTE_MS);
  expect(findCondition(later.conditions, 'KeyIssued')?.lastTransitionTime).toBe(NOW);
  expect(findCondition(later.conditions, 'Ready')?.lastTransitionTime).toBe('2026-09-01T09:01:00Z');
});
