import { describe, expect, test } from '@jest/globals';
import type { Classroom } from '../../../../src/api/classroom.ts';
import type { StudentQuota } from '../../../../src/api/student-quota.ts';
import { type Replacement, replaceKeys } from '../../../../src/cli/keys/replace.ts';
import type { KubeClient } from '../../../../src/kube/client.ts';
import { KubeApiError } from '../../../../src/kube/errors.ts';
import { createKubeClient } from '../../../../src/kube/kube-client.ts';
import type { KubeObject, ObjectRef } from '../../../../src/kube/object.ts';
import { classroom, merged, studentQuota } from '../../../support/builders.ts';
import { noCredentials } from '../../../support/kube-client.ts';
import { recordedMachine } from '../../../support/terminal.ts';

const REVOKE: Replacement = { command: 'kubectl classroom keys revoke', overlapMinutes: 0, what: String };
const ROTATE: Replacement = { command: 'kubectl classroom keys rotate', overlapMinutes: 60, what: String };
const ALL = { all: true, yes: true, wait: false, timeout: 0 };

const conflict = new KubeApiError({
  status: 409,
  reason: 'Conflict',
  message: 'the object has been modified',
});
const down = new KubeApiError({ status: 500, reason: 'InternalError', message: 'etcd has no leader' });

/**
 * A class with these seats, as an API server keeps them: a change that rests on an old version is refused.
 *
 * @param before called before each change is looked at
 */
function clusterWith(
  ids: readonly string[],
  before: (seat: StudentQuota) => StudentQuota = (seat) => seat,
  ofClass: Classroom = classroom(),
) {
  const seats = new Map(
    ids.map((id) => {
      const seat = studentQuota({ metadata: { resourceVersion: '1' }, spec: { student: { id } } });
      return [seat.metadata.name, seat];
    }),
  );
  const found = ({ name }: ObjectRef): StudentQuota => {
    const seat = seats.get(name);
    if (seat === undefined) throw new Error(`no seat ${name}`);
    return seat;
  };
  const mergePatch = async (_: unknown, ref: ObjectRef, patch: Partial<KubeObject>) => {
    const there = before(found(ref));
    seats.set(ref.name, there);
    if (patch.metadata?.resourceVersion !== there.metadata.resourceVersion) throw conflict;
    seats.set(ref.name, merged(there, patch));
  };
  const unused = createKubeClient({ credentials: noCredentials('http://127.0.0.1:1') });
  const client = {
    ...unused,
    mergePatch,
    get: async ({ kind }: { kind: string }, ref: ObjectRef) => (kind === 'Classroom' ? ofClass : found(ref)),
    list: async ({ kind }: { kind: string }) => ({
      metadata: {},
      items: kind === 'Classroom' ? [ofClass] : [...seats.values()],
    }),
  } as KubeClient;
  const machine = recordedMachine();
  const cluster = { client, machine, contextName: 'test', server: 'https://x', namespace: 'python-101' };
  return { cluster, machine, rotations: () => [...seats.values()].map(({ spec }) => spec.keyRotation) };
}

test('everybody gets the next generation', async () => {
  const { cluster, rotations } = clusterWith(['alice', 'bob']);
  expect(await replaceKeys(ALL, REVOKE, cluster)).toBe(0);
  expect(rotations()).toEqual([
    { generation: 2, overlapMinutes: 0 },
    { generation: 2, overlapMinutes: 0 },
  ]);
});

test('those who are not due are left out; where nobody is, nothing is done', async () => {
  const isDue = ({ spec }: StudentQuota) => spec.student.id === 'bob';
  const { cluster, rotations } = clusterWith(['alice', 'bob']);
  expect(await replaceKeys(ALL, { ...ROTATE, isDue }, cluster)).toBe(0);
  expect(rotations().map(({ generation }) => generation)).toEqual([1, 2]);

  const nobody = clusterWith(['alice', 'carol']);
  expect(await replaceKeys(ALL, { ...ROTATE, isDue }, nobody.cluster)).toBe(0);
  expect(nobody.rotations().map(({ generation }) => generation)).toEqual([1, 1]);
  expect(nobody.machine.written().stderr).toMatch(/^There is nothing to do/);
});

test('a rotation does not take the place of a revocation that the operator has not got to', async () => {
  const keys = [{ generation: 1, sha256: 'a'.repeat(64), createdTime: '2026-09-01T09:00:00Z' }];
  const keyRotation = { generation: 2, overlapMinutes: 0 };
  const revoked = (seat: StudentQuota) =>
    merged(seat, { metadata: { resourceVersion: '2' }, spec: { keyRotation }, status: { keys } });
  let isFirst = true;
  const { cluster, rotations } = clusterWith(['alice'], (seat) => {
    if (!isFirst) return seat;
    isFirst = false;
    return revoked(seat);
  });
  expect(await replaceKeys(ALL, ROTATE, cluster)).toBe(0);
  expect(rotations()).toEqual([{ generation: 3, overlapMinutes: 0 }]);
});

test.each([
  ['a rotation says that it waits', ROTATE, true],
  ['a revocation does not wait', REVOKE, false],
])('in an exam %s', async (_, replacement, wantSaid) => {
  const exam = { students: [], maxOutputTokens: 512, allowAdapters: false, allowTools: false };
  const { cluster, machine } = clusterWith(
    ['alice'],
    undefined,
    classroom({ spec: { access: 'Exam', exam } }),
  );
  const asked: string[] = [];
  const asking = {
    ...machine,
    ask: (question: string) => Promise.resolve(asked.push(question) > 0 ? 'y' : ''),
  };
  expect(await replaceKeys({ ...ALL, yes: false }, replacement, { ...cluster, machine: asking })).toBe(0);
  for (const said of [asked.join(''), machine.written().stderr]) {
    expect(said.includes('the new keys are made when it is over')).toBe(wantSaid);
  }
});

describe('somebody else changes the seat at the same time', () => {
  test('a rotation with an overlap does not take the place of a revocation', async () => {
    let raced = false;
    const { cluster, rotations } = clusterWith(['alice'], (seat) => {
      if (raced) return seat;
      raced = true;
      const keyRotation = { generation: 2, overlapMinutes: 60 };
      return merged(seat, { metadata: { resourceVersion: '2' }, spec: { keyRotation } });
    });
    expect(await replaceKeys(ALL, REVOKE, cluster)).toBe(0);
    expect(rotations()).toEqual([{ generation: 3, overlapMinutes: 0 }]);
  });

  test('a namesake that took the place is left alone', async () => {
    const { cluster, rotations } = clusterWith(['alice'], (seat) =>
      merged(seat, { metadata: { uid: 'another', resourceVersion: '7' } }),
    );
    await expect(replaceKeys(ALL, REVOKE, cluster)).rejects.toBe(conflict);
    expect(rotations()).toEqual([{ generation: 1, overlapMinutes: 60 }]);
  });

  test('again and again: it is given up', async () => {
    let version = 1;
    const { cluster } = clusterWith(['alice'], (seat) =>
      merged(seat, { metadata: { resourceVersion: String(++version) } }),
    );
    await expect(replaceKeys(ALL, REVOKE, cluster)).rejects.toBe(conflict);
  });
});

test('a cluster that fails half-way: who is left is told, so that nobody gets two new keys', async () => {
  const { cluster } = clusterWith(['alice', 'bob', 'carol'], (seat) => {
    if (seat.spec.student.id === 'bob') throw down;
    return seat;
  });
  await expect(replaceKeys(ALL, REVOKE, cluster)).rejects.toMatchObject({
    problem: {
      what: 'New keys were asked for 2 of 3 students, then the cluster failed.',
      next: 'For the others: kubectl classroom keys revoke --students bob',
    },
  });
});
