import { describe, expect, test } from '@jest/globals';
import { type Classroom, classrooms } from '../../../src/api/classroom.ts';
import { findCondition } from '../../../src/api/condition.ts';
import { KEYS_MAX, type StudentQuota, studentQuotas } from '../../../src/api/student-quota.ts';
import { type Secret, secrets } from '../../../src/kube/resources.ts';
import { API_KEY_PATTERN } from '../../../src/student/api-key.ts';
import { currentKey } from '../../../src/student/key-record.ts';
import { STRANGER_POLL_MS } from '../../../src/student/next-look.ts';
import { apiKeyIn } from '../../../src/student/secret.ts';
import { classroom, encode, inExam, MINUTE_MS, NAMESPACE, quota, secret } from './builders.ts';
import { refused, SeatWorld } from './seat-world.ts';

const SLIPPED_IN = { generation: 1, sha256: 'a'.repeat(64), createdTime: '2026-01-01T00:00:00Z' };

async function settled(): Promise<SeatWorld> {
  const world = new SeatWorld();
  await world.converge();
  world.events.length = 0;
  return world;
}

function editSeat(world: SeatWorld, change: (draft: StudentQuota) => void): void {
  world.edit<StudentQuota>(studentQuotas, 'alice', change);
}

async function passNow(world: SeatWorld) {
  world.refreshCaches();
  return world.operator().pass();
}

const conditionOf = (world: SeatWorld, type: string) => findCondition(world.quota().status?.conditions, type);

describe('a pass', () => {
  test('over a seat that is gone does nothing', async () => {
    const world = new SeatWorld();
    world.remove(studentQuotas, 'alice');
    expect(await passNow(world)).toEqual({});
    expect(world.writes).toEqual([]);
  });

  test('over a seat that is being deleted does nothing', async () => {
    const world = new SeatWorld();
    editSeat(world, (draft) => {
      draft.metadata.deletionTimestamp = '2026-09-01T09:00:00Z';
    });
    expect(await passNow(world)).toEqual({});
    expect(world.writes).toEqual([]);
  });

  test('over a seat whose Secret the cache does not know yet makes no second key', async () => {
    const world = new SeatWorld();
    const operator = world.operator();
    await operator.pass();
    const first = world.quota().status?.keys;
    world.refreshCaches(studentQuotas);
    await operator.pass();
    expect(world.quota().status?.keys).toEqual(first);
  });

  test('over a seat whose status cannot be read does not trust an old cache', async () => {
    const world = await settled();
    world.refreshCaches();
    editSeat(world, (draft) => {
      draft.spec.keyRotation = { generation: 2, overlapMinutes: 60 };
    });
    world.refreshCaches(studentQuotas);
    await world.operator().pass();
    const rotated = world.quota().status?.keys;
    editSeat(world, (draft) => {
      draft.status = { ...draft.status, keys: Array.from({ length: KEYS_MAX + 1 }, () => SLIPPED_IN) };
    });
    world.refreshCaches(studentQuotas);
    await world.operator().pass();
    expect(world.quota().status?.keys).toEqual(rotated);
  });

  test('says what only a person can change', async () => {
    const world = new SeatWorld({ withClassroom: false });
    expect(await passNow(world)).toEqual({
      blocked:
        'There is no Classroom python-101 in this namespace. The seat takes effect by itself once it is made.',
    });
  });

  test('throws what the API server refused, after the status says so', async () => {
    const world = new SeatWorld();
    world.refuse = () => refused(403, 'Forbidden', 'exceeded quota: no-secrets');
    await expect(world.operator().pass()).rejects.toThrow('exceeded quota');
    expect(conditionOf(world, 'KeyIssued')).toMatchObject({ status: 'False', reason: 'ApplyRefused' });
    expect(world.events.map(({ reason }) => reason)).toEqual(['ApplyRefused']);
  });

  test('throws what another try may mend, and says nothing', async () => {
    const world = new SeatWorld();
    world.refuse = () => refused(503, 'ServiceUnavailable');
    await expect(world.operator().pass()).rejects.toThrow('ServiceUnavailable');
    expect(world.quota().status).toBeUndefined();
  });

  test('keeps the key when a rotation is refused', async () => {
    const world = await settled();
    const before = world.quota().status?.keys;
    editSeat(world, (draft) => {
      draft.spec.keyRotation = { generation: 2, overlapMinutes: 60 };
    });
    world.refuse = () => refused(422, 'Invalid', 'data: field is immutable');
    await expect(passNow(world)).rejects.toThrow('immutable');
    expect(world.quota().status?.keys).toEqual(before);
    expect(conditionOf(world, 'KeyIssued')).toMatchObject({ status: 'True', reason: 'ApplyRefused' });
  });
});

describe('the next look', () => {
  test('is never for a seat that only people change', async () => {
    expect(await passNow(await settled())).toEqual({});
  });

  test('is exactly when the overlap ends, and then the old key is listed no more', async () => {
    const world = await settled();
    editSeat(world, (draft) => {
      draft.spec.keyRotation = { generation: 2, overlapMinutes: 60 };
    });
    await world.converge();
    const { requeueAfterMs = 0 } = await passNow(world);
    const ends = Date.parse(world.quota().status?.keys?.[1]?.expiresTime ?? '');
    expect(world.clock.now() + requeueAfterMs).toBe(ends);
    await world.clock.advance(requeueAfterMs - 1);
    await world.converge();
    expect(world.quota().status?.keys).toHaveLength(2);
    await world.clock.advance(1);
    await world.converge();
    expect(world.quota().status?.keys).toHaveLength(1);
    expect(conditionOf(world, 'KeyIssued')?.reason).toBe('Issued');
  });

  test('is exactly when the seat ends; its key stays listed, for the gateway knows the time', async () => {
    const world = await settled();
    editSeat(world, (draft) => {
      draft.spec.expiresAt = '2026-09-01T11:00:00+01:00';
    });
    expect(await passNow(world)).toEqual({ requeueAfterMs: 60 * MINUTE_MS });
    await world.clock.advance(60 * MINUTE_MS);
    await world.converge();
    expect(conditionOf(world, 'Ready')).toMatchObject({ status: 'False', reason: 'Expired' });
    expect(currentKey(world.quota().status?.keys ?? [])).toBeDefined();
    expect(await passNow(world)).toEqual({});
  });

  test('is soon while a stranger’s Secret is in the way, which no watch tells of', async () => {
    const world = new SeatWorld();
    world.put(secrets, { ...secret(9), metadata: { name: 'alice-api-key', namespace: NAMESPACE } });
    expect(await passNow(world)).toMatchObject({ requeueAfterMs: STRANGER_POLL_MS });
    expect(conditionOf(world, 'KeyIssued')?.reason).toBe('NameConflict');
    world.remove(secrets, 'alice-api-key');
    await world.converge();
    expect(conditionOf(world, 'Ready')?.status).toBe('True');
  });
});

describe('while the class is in an exam', () => {
  const setAccess = (world: SeatWorld, access: 'Open' | 'Exam') =>
    world.edit<Classroom>(classrooms, 'python-101', (draft) => {
      const changedTime = new Date(world.clock.now()).toISOString();
      Object.assign(draft, {
        spec: { ...draft.spec, access, exam: inExam().spec.exam },
        status: { access: { mode: access, changedTime } },
      });
    });
  const rotate = (world: SeatWorld, generation: number, overlapMinutes: number) =>
    editSeat(world, (draft) => {
      draft.spec.keyRotation = { generation, overlapMinutes };
    });
  const keysOf = (world: SeatWorld) => (world.quota().status?.keys ?? []).map(({ sha256 }) => sha256);

  test('a rotation waits, says so, and happens when it is over', async () => {
    const world = await settled();
    const [first] = keysOf(world);
    setAccess(world, 'Exam');
    rotate(world, 2, 60);
    await world.converge();
    expect(keysOf(world)).toEqual([first]);
    expect(conditionOf(world, 'KeyIssued')).toMatchObject({ status: 'True', reason: 'RotationDeferred' });
    expect(world.events.map(({ reason }) => reason)).toEqual(['KeyRotationDeferred']);

    await world.clock.advance(120 * MINUTE_MS);
    setAccess(world, 'Open');
    await world.converge();
    const [second, replaced] = world.quota().status?.keys ?? [];
    expect([second?.generation, replaced?.sha256]).toEqual([2, first]);
    // The overlap begins when the key is made.
    expect(Date.parse(replaced?.expiresTime ?? '')).toBe(world.clock.now() + 60 * MINUTE_MS);
    expect(world.events.map(({ reason }) => reason)).toEqual(['KeyRotationDeferred', 'KeyRotated']);
  });

  test('no overlap ends, and those that would have end with it', async () => {
    const world = await settled();
    rotate(world, 2, 60);
    await world.converge();
    const both = keysOf(world);
    await world.clock.advance(30 * MINUTE_MS);
    setAccess(world, 'Exam');
    await world.clock.advance(60 * MINUTE_MS);
    await world.converge();
    expect(keysOf(world)).toEqual(both);
    expect(await passNow(world)).toEqual({});
    setAccess(world, 'Open');
    await world.converge();
    expect(keysOf(world)).toEqual(both.slice(0, 1));
  });

  test('a lost Secret is made anew, the key that the student has works on, and a revocation ends it', async () => {
    const world = await settled();
    const [first] = keysOf(world);
    setAccess(world, 'Exam');
    await world.clock.advance(MINUTE_MS);
    world.remove(secrets, 'alice-api-key');
    await world.converge();
    expect(keysOf(world)).toEqual([expect.any(String), first]);
    expect(world.secret()).toBeDefined();
    rotate(world, 2, 0);
    await world.converge();
    expect(keysOf(world)).toHaveLength(1);
    expect(keysOf(world)).not.toContain(first);
  });
});

describe('a boost', () => {
  const boost = { factor: 2, until: '2026-09-01T10:00:00Z' };

  test('is told, and its end at that very moment', async () => {
    const world = await settled();
    editSeat(world, (draft) => Object.assign(draft.spec, { boost }));
    await world.converge();
    expect(await passNow(world)).toEqual({ requeueAfterMs: 60 * MINUTE_MS });
    await world.clock.advance(60 * MINUTE_MS);
    await world.converge();
    expect(conditionOf(world, 'Boosted')).toMatchObject({ status: 'False', reason: 'BoostOver' });
    expect(world.events.map(({ reason }) => reason)).toEqual(['BoostStarted', 'BoostEnded']);
    expect(await passNow(world)).toEqual({});
  });

  test('that ended while no operator ran is told by the next one', async () => {
    const world = await settled();
    editSeat(world, (draft) => Object.assign(draft.spec, { boost }));
    await world.converge();
    await world.clock.advance(600 * MINUTE_MS);
    await world.converge();
    expect(world.events.map(({ reason }) => reason)).toEqual(['BoostStarted', 'BoostEnded']);
  });

  test('that is taken away is told, too', async () => {
    const world = await settled();
    editSeat(world, (draft) => Object.assign(draft.spec, { boost }));
    await world.converge();
    editSeat(world, (draft) => delete draft.spec.boost);
    await world.converge();
    expect(conditionOf(world, 'Boosted')).toBeUndefined();
    expect(world.events.at(-1)).toMatchObject({ reason: 'BoostEnded' });
  });
});

describe('a budget', () => {
  const publish = async (world: SeatWorld, tokensToday: number) => {
    const asOf = new Date(world.clock.now()).toISOString();
    const usage = { asOf, requestsToday: 1, tokensToday, tokensTotal: tokensToday };
    editSeat(world, (draft) => Object.assign(draft, { status: { ...draft.status, usage } }));
    await world.converge();
  };
  const told = (world: SeatWorld) => world.events.map(({ reason }) => reason);

  test('is told of once a day for each mark, also by an operator that begins anew', async () => {
    const world = await settled();
    editSeat(world, (draft) => Object.assign(draft.spec, { limits: { tokensPerDay: 1000 } }));
    await publish(world, 799);
    expect(told(world)).toEqual([]);
    for (const tokens of [800, 850, 999]) await publish(world, tokens);
    expect(told(world)).toEqual(['QuotaNearlyUsed']);
    for (const tokens of [1000, 1001]) await publish(world, tokens);
    expect(told(world)).toEqual(['QuotaNearlyUsed', 'QuotaUsedUp']);

    await world.clock.advance(24 * 60 * MINUTE_MS);
    await publish(world, 10);
    expect(world.quota().status?.quotaWarnings).toBeUndefined();
    await publish(world, 900);
    expect(told(world)).toEqual(['QuotaNearlyUsed', 'QuotaUsedUp', 'QuotaNearlyUsed']);
  });

  test('that is used up by the end of the boost of the class is told at that moment', async () => {
    const world = await settled();
    editSeat(world, (draft) => Object.assign(draft.spec, { limits: { tokensPerDay: 1000 } }));
    world.edit<Classroom>(classrooms, 'python-101', (draft) =>
      Object.assign(draft.spec, { boost: { factor: 2, until: '2026-09-01T10:00:00Z' } }),
    );
    await publish(world, 1500);
    expect(told(world)).toEqual([]);
    expect(await passNow(world)).toEqual({ requeueAfterMs: 60 * MINUTE_MS });
    await world.clock.advance(60 * MINUTE_MS);
    await world.converge();
    expect(told(world)).toEqual(['QuotaUsedUp']);
  });
});

describe('seats are looked at', () => {
  const enqueuedBy = async (change: (world: SeatWorld) => void): Promise<string[]> => {
    const world = new SeatWorld();
    world.put(studentQuotas, quota({ name: 'bob' }));
    await world.converge(['alice', 'bob']);
    world.refreshCaches();
    const { enqueued } = world.operator();
    enqueued.length = 0;
    change(world);
    world.refreshCaches();
    return [...new Set(enqueued)].map((key) => key.replace(`${NAMESPACE}/`, '')).sort();
  };

  test.each<{ name: string; change: (world: SeatWorld) => void; wantSeats: string[] }>([
    {
      name: 'the seat itself changes',
      change: (world) => editSeat(world, (draft) => Object.assign(draft.spec, { access: 'Suspended' })),
      wantSeats: ['alice'],
    },
    {
      name: 'its Secret is deleted',
      change: (world) => world.remove(secrets, 'alice-api-key'),
      wantSeats: ['alice'],
    },
    {
      name: 'its Secret loses our label',
      change: (world) =>
        world.edit<Secret>(secrets, 'alice-api-key', (draft) => delete draft.metadata.labels),
      wantSeats: ['alice'],
    },
    {
      name: 'the spec of the class changes',
      change: (world) =>
        world.edit<Classroom>(classrooms, 'python-101', (draft) =>
          Object.assign(draft.spec.model, { servedName: 'new' }),
        ),
      wantSeats: ['alice', 'bob'],
    },
    {
      name: 'the class goes',
      change: (world) => world.remove(classrooms, 'python-101'),
      wantSeats: ['alice', 'bob'],
    },
    {
      name: 'another seat of the same student comes',
      change: (world) =>
        world.put(studentQuotas, quota({ name: 'alice-2', spec: { student: { id: 'alice' } } })),
      wantSeats: ['alice', 'alice-2'],
    },
  ])('when $name', async ({ change, wantSeats }) => {
    expect(await enqueuedBy(change)).toEqual(wantSeats);
  });

  test.each<{ name: string; change: (world: SeatWorld) => void }>([
    {
      name: 'an engine of the class becomes ready',
      change: (world) =>
        world.edit<Classroom>(classrooms, 'python-101', (draft) =>
          Object.assign(draft, { status: { readyReplicas: 1 } }),
        ),
    },
    {
      name: 'another class comes',
      change: (world) => {
        const other = classroom();
        world.put(classrooms, { ...other, metadata: { ...other.metadata, name: 'other', uid: 'other' } });
      },
    },
    {
      name: 'somebody’s Secret of another name changes',
      change: (world) => {
        const other = secret(3);
        world.put(secrets, { ...other, metadata: { ...other.metadata, name: 'other' } });
      },
    },
  ])('not when $name', async ({ change }) => {
    expect(await enqueuedBy(change)).toEqual([]);
  });
});

describe('two seats of one student', () => {
  async function doubled(): Promise<SeatWorld> {
    const world = await settled();
    world.put(
      studentQuotas,
      quota({ name: 'alice-2', created: '2026-09-01T09:00:01Z', spec: { student: { id: 'alice' } } }),
    );
    await world.converge(['alice', 'alice-2']);
    return world;
  }

  test('are one too many: the younger gets no key and says which seat is there already', async () => {
    const world = await doubled();
    const younger = world.quota('alice-2').status;
    expect(younger?.keys).toEqual([]);
    expect(findCondition(younger?.conditions, 'KeyIssued')).toMatchObject({
      reason: 'DuplicateStudent',
      message: 'alice already has a seat in this class: StudentQuota alice. Delete one of the two.',
    });
    expect(world.secret('alice-2-api-key')).toBeUndefined();
    expect(conditionOf(world, 'Ready')?.status).toBe('True');
  });

  test('are none too many in two classes', async () => {
    const world = await settled();
    world.put(classrooms, {
      ...classroom(),
      metadata: { name: 'physics', namespace: NAMESPACE, uid: 'physics' },
    });
    const spec = { student: { id: 'alice' }, classroomRef: { name: 'physics' } };
    world.put(studentQuotas, quota({ name: 'alice-2', created: '2026-09-01T09:00:01Z', spec }));
    await world.converge(['alice', 'alice-2']);
    expect(world.quota('alice-2').status?.keys).toHaveLength(1);
  });

  test('become one when the older goes', async () => {
    const world = await doubled();
    world.remove(studentQuotas, 'alice');
    await world.converge(['alice-2']);
    expect(world.quota('alice-2').status?.keys).toHaveLength(1);
  });

  test('cost nobody a key when the older is only seen in an old cache', async () => {
    const world = await doubled();
    world.remove(studentQuotas, 'alice');
    await world.converge(['alice-2']);
    const keys = world.quota('alice-2').status?.keys;
    world.put(studentQuotas, quota());
    world.refreshCaches(studentQuotas);
    world.remove(studentQuotas, 'alice');
    await world.operator().pass('alice-2');
    expect(world.quota('alice-2').status?.keys).toEqual(keys);
  });
});

describe('people are told', () => {
  test.each<{ name: string; change: (world: SeatWorld) => void; wantEvents: string[] }>([
    { name: 'nothing of a pass that changes nothing', change: () => {}, wantEvents: [] },
    {
      name: 'of a rotation',
      change: (world) =>
        editSeat(world, (draft) =>
          Object.assign(draft.spec, { keyRotation: { generation: 2, overlapMinutes: 60 } }),
        ),
      wantEvents: ['Normal KeyRotated'],
    },
    {
      name: 'of a lost key',
      change: (world) => world.remove(secrets, 'alice-api-key'),
      wantEvents: ['Warning KeyReplaced'],
    },
    {
      name: 'of a healed Secret',
      change: (world) =>
        world.edit<Secret>(secrets, 'alice-api-key', (draft) => {
          draft.data = { ...draft.data, OPENAI_MODEL: encode('x') };
        }),
      wantEvents: ['Normal SecretHealed'],
    },
    {
      name: 'of a suspension',
      change: (world) => editSeat(world, (draft) => Object.assign(draft.spec, { access: 'Suspended' })),
      wantEvents: ['Normal SeatSuspended'],
    },
    {
      name: 'of the end of a seat',
      change: (world) =>
        editSeat(world, (draft) => Object.assign(draft.spec, { expiresAt: '2026-01-01T00:00:00Z' })),
      wantEvents: ['Normal SeatExpired'],
    },
  ])('$name', async ({ change, wantEvents }) => {
    const world = await settled();
    change(world);
    await world.converge();
    expect(world.events.map(({ type, reason }) => `${type} ${reason}`)).toEqual(wantEvents);
  });

  test('of a key once, also when its status is refused because somebody else wrote to the seat', async () => {
    const world = new SeatWorld();
    const operator = world.operator();
    world.onWrite = (resource) => {
      if (resource === secrets.plural) world.edit<StudentQuota>(studentQuotas, 'alice', () => {});
    };
    await operator.pass();
    expect(world.writes).toEqual(['create secrets', 'apply studentquotas']);
    expect(world.events.map(({ reason }) => reason)).toEqual(['KeyIssued']);
  });

  test('of the first key', async () => {
    const world = new SeatWorld();
    await world.converge();
    expect(world.events.map(({ reason }) => reason)).toEqual(['KeyIssued']);
  });

  test('of a suspension that ends', async () => {
    const world = await settled();
    for (const access of ['Suspended', 'Active'] as const) {
      editSeat(world, (draft) => Object.assign(draft.spec, { access }));
      await world.converge();
    }
    expect(world.events.map(({ reason }) => reason)).toEqual(['SeatSuspended', 'SeatResumed']);
  });
});

test('no key leaves the operator but in its Secret: not in logs, events, status, metrics or errors', async () => {
  const world = new SeatWorld();
  const keys = new Set<string>();
  world.onWrite = (resource, object) => {
    if (resource === secrets.plural) keys.add(apiKeyIn(object as Secret) ?? '');
  };
  await world.converge();
  for (const generation of [2, 3]) {
    editSeat(world, (draft) => {
      draft.spec.keyRotation = { generation, overlapMinutes: 60 };
    });
    await world.converge();
  }
  world.remove(secrets, 'alice-api-key');
  await world.converge();

  // An admission webhook that quotes what it refuses.
  world.remove(secrets, 'alice-api-key');
  const quoted: string[] = [];
  world.refuse = (object) => {
    const data = (object as Secret).data?.OPENAI_API_KEY ?? '';
    const text = Buffer.from(data, 'base64').toString();
    quoted.push(text);
    return refused(403, 'Forbidden', `webhook denied ${text} alias ${data}`);
  };
  world.refreshCaches();
  const error: unknown = await world
    .operator()
    .pass()
    .catch((thrown: unknown) => thrown);
  expect(String(error)).toContain('webhook denied <key> alias <key>');

  const everything = [...world.emitted, String(error), JSON.stringify(error)].join('\n');
  expect(keys.size).toBe(4);
  expect(quoted).toHaveLength(1);
  for (const key of [...keys, ...quoted]) {
    expect(everything).not.toContain(key);
    expect(everything).not.toContain(encode(key));
  }
  expect(everything).not.toMatch(new RegExp(API_KEY_PATTERN.source));
});
