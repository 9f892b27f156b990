import { describe, expect, test } from '@jest/globals';
import { type Classroom, classrooms } from '../../../src/api/classroom.ts';
import { type StudentQuota, studentQuotas } from '../../../src/api/student-quota.ts';
import { type Secret, secrets } from '../../../src/kube/resources.ts';
import { hashApiKey } from '../../../src/student/api-key.ts';
import { currentKey } from '../../../src/student/key-record.ts';
import { apiKeyIn, SECRET_KEYS } from '../../../src/student/secret.ts';
import { encode, inExam, MINUTE_MS } from './builders.ts';
import { Killed, SeatWorld } from './seat-world.ts';

/** Everything the operator does to a seat, each from a settled state. */
const changes: { name: string; change: (world: SeatWorld) => void; wantWrites: string[] }[] = [
  {
    name: 'a new seat',
    change: (world) => {
      world.remove(secrets, 'alice-api-key');
      world.edit<StudentQuota>(studentQuotas, 'alice', (draft) => delete draft.status);
    },
    wantWrites: ['create secrets', 'apply studentquotas'],
  },
  {
    name: 'a rotation',
    change: (world) => rotate(world, 2, 60),
    wantWrites: ['apply secrets', 'apply studentquotas'],
  },
  {
    name: 'a rotation without overlap',
    change: (world) => rotate(world, 2, 0),
    wantWrites: ['apply secrets', 'apply studentquotas'],
  },
  {
    name: 'a deleted Secret',
    change: (world) => world.remove(secrets, 'alice-api-key'),
    wantWrites: ['create secrets', 'apply studentquotas'],
  },
  {
    name: 'a key overwritten by hand',
    change: (world) => setData(world, SECRET_KEYS.apiKey, 'sk-mine'),
    wantWrites: ['apply secrets', 'apply studentquotas'],
  },
  {
    name: 'a base URL overwritten by hand',
    change: (world) => setData(world, SECRET_KEYS.baseURL, 'http://elsewhere'),
    wantWrites: ['apply secrets'],
  },
  {
    name: 'a rotation and an edited base URL at once',
    change: (world) => {
      rotate(world, 2, 60);
      setData(world, SECRET_KEYS.baseURL, 'http://elsewhere');
    },
    wantWrites: ['apply secrets', 'apply studentquotas'],
  },
  {
    name: 'a deleted Secret in an exam',
    change: (world) => {
      world.edit<Classroom>(classrooms, 'python-101', (draft) => Object.assign(draft, inExam()));
      world.remove(secrets, 'alice-api-key');
    },
    wantWrites: ['create secrets', 'apply studentquotas'],
  },
  {
    name: 'a rotation in an exam',
    change: (world) => {
      world.edit<Classroom>(classrooms, 'python-101', (draft) => Object.assign(draft, inExam()));
      rotate(world, 2, 60);
    },
    wantWrites: ['apply studentquotas'],
  },
  {
    name: 'a budget that is nearly used',
    change: (world) =>
      world.edit<StudentQuota>(studentQuotas, 'alice', (draft) => {
        const usage = { asOf: '2026-09-01T09:00:00Z', requestsToday: 1, tokensToday: 90, tokensTotal: 90 };
        Object.assign(draft.spec, { limits: { tokensPerDay: 100 } });
        draft.status = { ...draft.status, usage };
      }),
    wantWrites: ['apply studentquotas'],
  },
  {
    name: 'a deleted Secret and a rotation at once',
    change: (world) => {
      rotate(world, 2, 60);
      world.remove(secrets, 'alice-api-key');
    },
    wantWrites: ['create secrets', 'apply studentquotas'],
  },
];

function rotate(world: SeatWorld, generation: number, overlapMinutes: number): void {
  world.edit<StudentQuota>(studentQuotas, 'alice', (draft) => {
    draft.spec.keyRotation = { generation, overlapMinutes };
  });
}

function setData(world: SeatWorld, key: string, value: string): void {
  world.edit<Secret>(secrets, 'alice-api-key', (draft) => {
    draft.data = { ...draft.data, [key]: encode(value) };
  });
}

async function settled(): Promise<SeatWorld> {
  const world = new SeatWorld();
  await world.converge();
  return world;
}

/** Both objects without what only tells when they were written. */
function state(world: SeatWorld): unknown {
  const { spec, status } = world.quota();
  const secret = world.secret();
  const conditions = status?.conditions?.map(({ lastTransitionTime: _, ...condition }) => condition);
  return {
    quota: { spec, status: { ...status, conditions } },
    secret: { data: secret?.data, ...secret?.metadata, resourceVersion: undefined },
  };
}

describe.each(changes)('$name', ({ change, wantWrites }) => {
  test('takes the writes that are enumerated here', async () => {
    const world = await settled();
    world.writes.length = 0;
    change(world);
    await world.converge();
    expect(world.writes).toEqual(wantWrites);
  });

  test.each(wantWrites.map((write, index) => ({ write, count: index + 1 })))(
    'comes to the same end when the operator is killed after "$write"',
    async ({ count }) => {
      const undisturbed = await settled();
      change(undisturbed);
      await undisturbed.converge();

      const world = await settled();
      change(world);
      world.killAfterWrites = count;
      await expect(world.converge()).rejects.toThrow(Killed);
      await world.clock.advance(5 * MINUTE_MS);
      await world.converge();
      expect(state(world)).toEqual(state(undisturbed));
    },
  );

  test('ends with the hash of the key that the student has, and no other that nobody replaced', async () => {
    const world = await settled();
    change(world);
    await world.converge();
    const secret = world.secret();
    const held = secret === undefined ? undefined : apiKeyIn(secret);
    expect(held).toBeDefined();
    expect(currentKey(world.quota().status?.keys ?? [])?.sha256).toBe(hashApiKey(held ?? ''));
  });

  test('ends with a seat that a further pass does not write to', async () => {
    const world = await settled();
    change(world);
    await world.converge();
    world.writes.length = 0;
    await world.converge();
    expect(world.writes).toEqual([]);
  });
});
