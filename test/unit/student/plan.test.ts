import { describe, expect, test } from '@jest/globals';
import type { Classroom } from '../../../src/api/classroom.ts';
import type { KeyStatus, StudentQuotaSpecInput } from '../../../src/api/student-quota.ts';
import type { Secret } from '../../../src/kube/resources.ts';
import { KEY_RECORD_ANNOTATION } from '../../../src/student/key-record.ts';
import { readQuota, type Seat } from '../../../src/student/observe.ts';
import { type Hindrance, mayGiveUpKey, planSeat } from '../../../src/student/plan.ts';
import {
  apiKey,
  BASE_URL,
  classroom,
  encode,
  inExam,
  listed,
  MINUTE_MS,
  NOW,
  NOW_MS,
  quota,
  record,
  secret,
  sha256,
} from './builders.ts';

interface Given {
  spec?: Partial<StudentQuotaSpecInput>;
  /** status.keys */
  published?: KeyStatus[];
  secret?: Secret;
  seat?: Partial<Seat>;
}

function plan({ spec, published = [], secret, seat = {} }: Given) {
  const { quota: stored = quota({ ...(spec && { spec }), status: { keys: published } }), ...others } = seat;
  const given: Seat = {
    ...readQuota(stored),
    classroom: classroom(),
    secret,
    olderSeat: undefined,
    ...others,
  };
  return {
    ...planSeat(given, BASE_URL, NOW_MS),
    givesUp: mayGiveUpKey(given, planSeat(given, BASE_URL, NOW_MS)),
  };
}

const at = (minutes: number): string =>
  new Date(NOW_MS + minutes * MINUTE_MS).toISOString().replace('.000Z', 'Z');

/** A Secret with one thing done to it by hand. */
function edited(original: Secret, change: (draft: Secret) => void): Secret {
  const draft = structuredClone(original);
  change(draft);
  return draft;
}

describe('a key is made', () => {
  test('for a new seat', () => {
    expect(plan({})).toEqual({
      action: 'Issue',
      issue: { generation: 1, createdTime: NOW, cause: 'First', previous: [] },
      access: { baseURL: BASE_URL, model: 'qwen' },
      record: undefined,
      keys: [],
      givesUp: false,
    });
  });

  test('with the model id as the name where the class serves it under no other', () => {
    const seat = { classroom: classroom({ id: 'facebook/opt-125m' }) };
    expect(plan({ seat })).toMatchObject({ access: { model: 'facebook/opt-125m' } });
  });

  test('when the generation is raised; the old one goes on for the overlap', () => {
    expect(
      plan({ spec: { keyRotation: { generation: 2 } }, published: [listed(1)], secret: secret(1) }),
    ).toMatchObject({
      action: 'Issue',
      issue: {
        generation: 2,
        cause: 'Rotated',
        replaces: sha256(1),
        previous: [{ ...listed(1), expiresTime: at(60) }],
      },
      keys: [listed(1)],
      givesUp: false,
    });
  });

  test('when the generation is raised with no overlap; the old one ends with it', () => {
    const spec = { keyRotation: { generation: 2, overlapMinutes: 0 } };
    expect(plan({ spec, published: [listed(1)], secret: secret(1) })).toMatchObject({
      action: 'Issue',
      issue: { generation: 2, cause: 'Rotated', previous: [] },
    });
  });

  test('in a rotation within the overlap of another; both old ones go on', () => {
    const first = { ...listed(1), expiresTime: at(30) };
    const spec = { keyRotation: { generation: 3, overlapMinutes: 60 } };
    const published = [listed(2, { generation: 2 }), first];
    const held = secret(2, { generation: 2, cause: 'Rotated', replaces: sha256(1), previous: [first] });
    expect(plan({ spec, published, secret: held })).toMatchObject({
      issue: { previous: [{ ...listed(2, { generation: 2 }), expiresTime: at(60) }, first] },
    });
  });

  test('in a rotation with a shorter overlap; it holds for the older ones too', () => {
    const first = { ...listed(1), expiresTime: at(30) };
    const spec = { keyRotation: { generation: 3, overlapMinutes: 10 } };
    const published = [listed(2, { generation: 2 }), first];
    const held = secret(2, { generation: 2, cause: 'Rotated', replaces: sha256(1), previous: [first] });
    expect(plan({ spec, published, secret: held })).toMatchObject({
      issue: { previous: [{ expiresTime: at(10) }, { sha256: sha256(1), expiresTime: at(10) }] },
    });
  });

  test('in the ninth rotation within one overlap; the oldest key makes room in the status', () => {
    const previous = [8, 7, 6, 5, 4, 3, 2].map((n) => ({ ...listed(n), expiresTime: at(30) }));
    const held = secret(9, { generation: 9, cause: 'Rotated', replaces: sha256(8), previous });
    const published = [listed(9, { generation: 9 }), ...previous];
    const { issue } = {
      issue: undefined,
      ...plan({ spec: { keyRotation: { generation: 10 } }, published, secret: held }),
    };
    expect(issue?.previous.map((key) => key.sha256)).toEqual([9, 8, 7, 6, 5, 4, 3].map(sha256));
  });

  test.each<{ name: string; secret: Secret | undefined; wantCause: string }>([
    { name: 'is gone', secret: undefined, wantCause: 'SecretDeleted' },
    {
      name: 'has no key any more',
      secret: edited(secret(1), (draft) => delete draft.data?.OPENAI_API_KEY),
      wantCause: 'KeyRemoved',
    },
    {
      name: 'has something else as key',
      secret: edited(secret(1), (draft) =>
        Object.assign(draft.data ?? {}, { OPENAI_API_KEY: encode('sk-mine') }),
      ),
      wantCause: 'KeyDamaged',
    },
    {
      name: 'has a mistyped key',
      secret: edited(secret(1), (draft) =>
        Object.assign(draft.data ?? {}, { OPENAI_API_KEY: encode(`${apiKey(1).slice(0, -1)}_`) }),
      ),
      wantCause: 'KeyDamaged',
    },
    {
      name: 'has a key that we did not make',
      secret: edited(secret(1), (draft) =>
        Object.assign(draft.data ?? {}, { OPENAI_API_KEY: encode(apiKey(66)) }),
      ),
      wantCause: 'KeyUnknown',
    },
    {
      name: 'has a revoked key, as from a backup',
      secret: secret(44),
      wantCause: 'KeyUnknown',
    },
  ])(
    'when the Secret $name; the lost one stops at once and the replaced ones go on',
    ({ secret, wantCause }) => {
      const older = { ...listed(2), expiresTime: at(30) };
      expect(plan({ published: [listed(1), older], ...(secret && { secret }) })).toMatchObject({
        action: 'Issue',
        issue: { generation: 1, cause: wantCause, replaces: sha256(1), previous: [older] },
        record: undefined,
        givesUp: true,
      });
    },
  );

  test('when the replaced key is put back into the Secret during its overlap; the newer one stops', () => {
    const older = { ...listed(1), expiresTime: at(30) };
    expect(plan({ published: [listed(2), older], secret: secret(1) })).toMatchObject({
      issue: { cause: 'KeyUnknown', replaces: sha256(2), previous: [older] },
      givesUp: true,
    });
  });
});

describe('the key is kept', () => {
  test('when all is as it should be', () => {
    expect(plan({ published: [listed(1)], secret: secret(1) })).toMatchObject({
      action: 'Keep',
      record: record(1),
      keys: [listed(1)],
      givesUp: false,
    });
  });

  test.each<{ name: string; change: (draft: Secret) => void }>([
    {
      name: 'the base URL',
      change: (draft) => Object.assign(draft.data ?? {}, { OPENAI_BASE_URL: encode('x') }),
    },
    { name: 'the model', change: (draft) => delete draft.data?.OPENAI_MODEL },
    { name: 'the labels', change: (draft) => delete draft.metadata.labels },
    { name: 'the owner', change: (draft) => delete draft.metadata.ownerReferences },
    { name: 'the record', change: (draft) => delete draft.metadata.annotations },
    {
      name: 'the record, which is no JSON now,',
      change: (draft) => Object.assign(draft.metadata.annotations ?? {}, { [KEY_RECORD_ANNOTATION]: '{' }),
    },
    {
      name: 'the record, which is of another key now,',
      change: (draft) =>
        Object.assign(draft.metadata.annotations ?? {}, {
          [KEY_RECORD_ANNOTATION]: JSON.stringify(record(7)),
        }),
    },
  ])('when $name of the Secret was edited, and that is put right', ({ change }) => {
    const { intent } = {
      intent: undefined,
      ...plan({ published: [listed(1)], secret: edited(secret(1), change) }),
    };
    expect(intent).toEqual(secret(1));
  });

  test('when the operator was killed after the first write of the Secret: the status follows', () => {
    expect(plan({ secret: secret(1) })).toMatchObject({ action: 'Keep', keys: [listed(1)] });
  });

  test('when the operator was killed in a rotation after the write of the Secret: the status follows', () => {
    const older = { ...listed(1), expiresTime: at(60) };
    const rotated = secret(2, { generation: 2, cause: 'Rotated', replaces: sha256(1), previous: [older] });
    expect(
      plan({ spec: { keyRotation: { generation: 2 } }, published: [listed(1)], secret: rotated }),
    ).toMatchObject({
      action: 'Keep',
      keys: [listed(2, { generation: 2 }), older],
    });
  });

  test('when another rotation is asked for before the status has followed the last one', () => {
    const rotated = secret(2, { generation: 2, cause: 'Rotated', replaces: sha256(1) });
    expect(
      plan({ spec: { keyRotation: { generation: 3 } }, published: [listed(1)], secret: rotated }),
    ).toMatchObject({
      action: 'Keep',
    });
  });

  test('when the overlap of the one before has ended, which is listed no more', () => {
    const ended = { ...listed(1), expiresTime: at(0) };
    const published = [listed(2, { generation: 2 }), ended];
    const held = secret(2, { generation: 2, cause: 'Rotated', replaces: sha256(1), previous: [ended] });
    expect(plan({ spec: { keyRotation: { generation: 2 } }, published, secret: held })).toMatchObject({
      action: 'Keep',
      keys: [listed(2, { generation: 2 })],
    });
  });

  test('when the seat is suspended', () => {
    expect(plan({ spec: { access: 'Suspended' }, published: [listed(1)], secret: secret(1) })).toMatchObject({
      action: 'Keep',
      keys: [listed(1)],
    });
  });
});

describe('nothing is written', () => {
  const foreign = edited(secret(9), (draft) => {
    draft.metadata.ownerReferences = [
      { apiVersion: 'v1', kind: 'ConfigMap', name: 'x', uid: 'u', controller: true },
    ];
  });
  const ofPredecessor = secret(9, {}, quota({ uid: 'uid-of-the-seat-before' }));

  test.each<{ name: string; given: Given; wantHindrance: Hindrance; wantKeys: KeyStatus[] }>([
    {
      name: 'while there is no class',
      given: { seat: { classroom: undefined } },
      wantHindrance: { kind: 'ClassroomMissing' },
      wantKeys: [],
    },
    {
      name: 'after the class is gone; the key stays',
      given: { seat: { classroom: undefined }, published: [listed(1)], secret: secret(1) },
      wantHindrance: { kind: 'ClassroomMissing' },
      wantKeys: [listed(1)],
    },
    {
      name: 'when a Secret of that name is somebody else’s; a lost key is listed as ended',
      given: { published: [listed(1)], secret: foreign },
      wantHindrance: { kind: 'NameConflict' },
      wantKeys: [listed(1, { expiresTime: NOW })],
    },
    {
      name: 'when a Secret of that name is nobody’s',
      given: { secret: edited(secret(9), (draft) => delete draft.metadata.ownerReferences) },
      wantHindrance: { kind: 'NameConflict' },
      wantKeys: [],
    },
    {
      name: 'while the Secret of a deleted seat of the same name is still there',
      given: { secret: ofPredecessor },
      wantHindrance: { kind: 'PredecessorSecret' },
      wantKeys: [],
    },
    {
      name: 'for a second seat of the same student',
      given: { seat: { olderSeat: 'alice-1' } },
      wantHindrance: { kind: 'DuplicateStudent', olderSeat: 'alice-1' },
      wantKeys: [],
    },
  ])('$name', ({ given, wantHindrance, wantKeys }) => {
    expect(plan(given)).toMatchObject({ action: 'Withhold', hindrance: wantHindrance, keys: wantKeys });
  });

  test('while the class is being deleted', () => {
    const ending = classroom();
    ending.metadata.deletionTimestamp = NOW;
    expect(plan({ seat: { classroom: ending } })).toMatchObject({ hindrance: { kind: 'ClassroomDeleting' } });
  });

  test('while the model of the class cannot be read', () => {
    const unreadable = classroom();
    Object.assign(unreadable.spec.model, { servedName: 7 });
    expect(plan({ seat: { classroom: unreadable } })).toMatchObject({
      hindrance: { kind: 'ClassroomUnreadable' },
    });
  });

  test('when the spec does not follow the schema; the keys stay', () => {
    const unreadable = quota({ status: { keys: [listed(1)] } });
    Object.assign(unreadable.spec, { weight: 'heavy' });
    expect(plan({ seat: { quota: unreadable }, secret: secret(1) })).toMatchObject({
      hindrance: { kind: 'SpecUnreadable', issues: [{ path: 'spec.weight' }] },
      keys: [listed(1)],
      givesUp: false,
    });
  });
});

describe('fields that are null in the API server count as absent', () => {
  test('in the seat: its key stays', () => {
    const stored = quota({ status: { keys: [listed(1)] } });
    Object.assign(stored.spec, { expiresAt: null, keyRotation: null });
    Object.assign(stored.status?.keys?.[0] ?? {}, { expiresTime: null });
    expect(plan({ seat: { quota: stored }, secret: secret(1) })).toMatchObject({
      action: 'Keep',
      keys: [listed(1)],
      givesUp: false,
    });
  });

  test('in the class: its model has its name', () => {
    const stored = classroom({ id: 'qwen', servedName: 'other' });
    Object.assign(stored.spec.model, { servedName: null, aliases: null, storage: null });
    expect(plan({ seat: { classroom: stored } })).toMatchObject({ access: { model: 'qwen' } });
  });
});

describe('a key that ended while no new one could be made', () => {
  const ended = listed(1, { expiresTime: at(-5) });

  test('does not come to life again with its Secret', () => {
    expect(plan({ published: [ended], secret: secret(1) })).toMatchObject({
      action: 'Issue',
      issue: { cause: 'KeyUnknown', replaces: sha256(1), previous: [] },
    });
  });

  test('stays listed as ended at the same time for as long as there is none', () => {
    expect(plan({ published: [ended], seat: { classroom: undefined } }).keys).toEqual([ended]);
  });

  test('is followed by the next one', () => {
    const next = secret(2, { cause: 'SecretDeleted', replaces: sha256(1) });
    expect(plan({ published: [ended], secret: next })).toMatchObject({ action: 'Keep', keys: [listed(2)] });
  });
});

describe('in an exam', () => {
  /** The class is in an exam since half an hour ago. */
  const planInExam = ({ seat, ...given }: Given) =>
    plan({ ...given, seat: { classroom: inExam(), ...seat } });
  const rotatedTo = (generation: number, overlapMinutes: number) => ({
    spec: { keyRotation: { generation, overlapMinutes } },
  });

  test('a rotation waits', () => {
    const given = { ...rotatedTo(2, 60), published: [listed(1)], secret: secret(1) };
    expect(planInExam(given)).toMatchObject({ action: 'Keep', keys: [listed(1)] });
    expect(plan(given)).toMatchObject({ action: 'Issue', issue: { cause: 'Rotated' } });
  });

  test('a revocation does not, also after a rotation that waits, and ends every key before it', () => {
    const older = { ...listed(2), expiresTime: at(-10) };
    const held = secret(1, { cause: 'Rotated', replaces: sha256(2), previous: [older] });
    expect(planInExam({ ...rotatedTo(3, 0), published: [listed(1), older], secret: held })).toMatchObject({
      action: 'Issue',
      issue: { generation: 3, cause: 'Rotated', previous: [] },
    });
  });

  test.each([
    { ended: 'before it began', expiresTime: at(-31), wantHeld: false },
    { ended: 'in the midst of it', expiresTime: at(-10), wantHeld: true },
    { ended: 'after now', expiresTime: at(10), wantHeld: true },
  ])('a replaced key whose overlap ends $ended is listed: $wantHeld', ({ expiresTime, wantHeld }) => {
    const older = { ...listed(2), expiresTime };
    const held = secret(1, { cause: 'Rotated', replaces: sha256(2), previous: [older] });
    expect(planInExam({ published: [listed(1), older], secret: held })).toMatchObject({
      action: 'Keep',
      keys: [listed(1), ...(wantHeld ? [older] : [])],
    });
  });

  test('a replaced key is kept also where the record of the Secret was damaged', () => {
    const older = { ...listed(2), expiresTime: at(-10) };
    const damaged = edited(secret(1), (draft) => delete draft.metadata.annotations);
    expect(planInExam({ published: [listed(1), older], secret: damaged }).keys).toEqual([listed(1), older]);
  });

  test('whose beginning the status does not tell yet, the overlap is judged by who wrote `access` when', () => {
    const seen: Classroom = { ...inExam(), status: { access: { mode: 'Open' } } };
    const access = { 'f:spec': { 'f:access': {} } };
    const wrote = { manager: 'kubectl', operation: 'Update' as const, time: at(-20), fieldsV1: access };
    const noted = { ...seen, metadata: { ...seen.metadata, managedFields: [wrote] } };
    const [before, within] = [21, 19].map((minutes, index) => ({
      ...listed(2 + index),
      expiresTime: at(-minutes),
    }));
    const previous = [before, within].flatMap((key) => key ?? []);
    const held = secret(1, { cause: 'Rotated', replaces: sha256(2), previous });
    const seat = { classroom: noted };
    expect(plan({ published: [listed(1)], secret: held, seat }).keys).toEqual([listed(1), within]);
  });

  test.each<[string, Classroom['status']]>([
    ['nothing', undefined],
    ['only that it is one', { access: { mode: 'Exam' } }],
  ])(
    'of which the status tells %s and nobody is known to have begun it, no overlap runs again',
    (_, status) => {
      const { status: _told, ...unknown } = inExam();
      const older = { ...listed(2), expiresTime: at(-10) };
      const held = secret(1, { cause: 'Rotated', replaces: sha256(2), previous: [older] });
      const seat = { classroom: { ...unknown, ...(status && { status }) } };
      expect(plan({ published: [listed(1)], secret: held, seat }).keys).toEqual([listed(1)]);
    },
  );

  test('a lost key goes on beside the one that takes its place, until it is over', () => {
    const given = { published: [listed(1)] };
    expect(planInExam(given)).toMatchObject({
      action: 'Issue',
      issue: {
        cause: 'SecretDeleted',
        replaces: sha256(1),
        previous: [{ ...listed(1), expiresTime: at(0) }],
      },
    });
    expect(plan(given)).toMatchObject({ issue: { cause: 'SecretDeleted', previous: [] } });
  });

  test.each<[string, Given]>([
    [
      'somebody else’s Secret',
      { secret: edited(secret(9), (draft) => delete draft.metadata.ownerReferences) },
    ],
    ['an older seat of the student', { seat: { olderSeat: 'alice-1' } }],
  ])('a lost key that was revoked ends also where %s is in the way of a new one', (_, inTheWay) => {
    const published = [listed(1, { expiresTime: at(-10) })];
    expect(planInExam({ published, ...inTheWay })).toMatchObject({ action: 'Withhold', keys: published });
    // A gateway refuses what had ended when the exam began.
    const keys = [listed(1, { expiresTime: at(-30) })];
    expect(planInExam({ ...rotatedTo(2, 0), published, ...inTheWay })).toMatchObject({
      action: 'Withhold',
      keys,
    });
    expect(planInExam({ ...rotatedTo(2, 0), published: keys, ...inTheWay })).toMatchObject({ keys });
  });

  test('a lost key that was revoked ends', () => {
    expect(planInExam({ ...rotatedTo(2, 0), published: [listed(1)] })).toMatchObject({
      action: 'Issue',
      issue: { generation: 2, cause: 'SecretDeleted', previous: [] },
    });
  });
});

test('where the Secret was lost and the key revoked at once, keys in their overlap end as well', () => {
  const older = { ...listed(2), expiresTime: at(30) };
  const keyRotation = { generation: 2, overlapMinutes: 0 };
  expect(plan({ spec: { keyRotation }, published: [listed(1), older] })).toMatchObject({
    issue: { cause: 'SecretDeleted', previous: [] },
  });
});
