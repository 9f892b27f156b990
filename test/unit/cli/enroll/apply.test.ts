import { describe, expect, test } from '@jest/globals';
import type { StudentQuota } from '../../../../src/api/student-quota.ts';
import { applyDifference, checkDifference } from '../../../../src/cli/enroll/apply.ts';
import type { KubeClient } from '../../../../src/kube/client.ts';
import { KubeApiError } from '../../../../src/kube/errors.ts';
import { createKubeClient } from '../../../../src/kube/kube-client.ts';
import { rosterDifference } from '../../../../src/student/roster/difference.ts';
import { readRoster } from '../../../../src/student/roster/read.ts';
import { studentQuota } from '../../../support/builders.ts';
import { noCredentials } from '../../../support/kube-client.ts';
import { recordedMachine } from '../../../support/terminal.ts';

const IDS = Array.from({ length: 20 }, (_, n) => `s${n + 1}`);

/** New students s1 to s20, and the one who leaves. */
function difference() {
  const bytes = new TextEncoder().encode(`id\n${IDS.join('\n')}\n`);
  const roster = readRoster(bytes, { timeZone: 'UTC' });
  if (!roster.ok) throw new Error('The roster of the test has faults');
  const leaver = studentQuota({ spec: { student: { id: 'leaver' } } });
  return rosterDifference(roster.rows, { name: 'python-101', namespace: 'python-101' }, [leaver]);
}

/** A cluster that fails for some students, and remembers what it was asked. */
function clusterThat(fails: (id: string) => KubeApiError | undefined) {
  const asked: string[] = [];
  const create = async (_: unknown, seat: StudentQuota, options?: { dryRun?: boolean }) => {
    const { id } = seat.spec.student;
    const error = fails(id);
    if (error !== undefined) throw error;
    asked.push(options?.dryRun ? `check ${id}` : `create ${id}`);
    return seat;
  };
  const remove = async (_: unknown, { name }: { name: string }, options?: { uid?: string }) => {
    asked.push(`delete ${name} ${options?.uid}`);
    return true;
  };
  const unused = createKubeClient({ credentials: noCredentials('http://127.0.0.1:1') });
  const client = { ...unused, create, delete: remove } as KubeClient;
  return { asked, where: { client, machine: recordedMachine(), server: 'https://cluster.example' } };
}

const down = new KubeApiError({ status: 500, reason: 'InternalError', message: 'etcd has no leader' });
const refusal = new KubeApiError({
  status: 422,
  reason: 'Invalid',
  message: 'StudentQuota is invalid',
  details: { causes: [{ field: 'spec.weight', message: 'must not be odd' }] },
});

describe('before anything is made', () => {
  test('the cluster checks every seat, and keeps none', async () => {
    const { asked, where } = clusterThat(() => undefined);
    await checkDifference(difference(), 'roster.csv', where);
    expect(asked).toEqual(IDS.map((id) => `check ${id}`));
  });

  test('all that it refuses is told, by student', async () => {
    const { where } = clusterThat((id) => (id === 's3' || id === 's19' ? refusal : undefined));
    await expect(checkDifference(difference(), 'roster.csv', where)).rejects.toMatchObject({
      problem: {
        what: 'The cluster refuses what the roster roster.csv asks for.',
        why: 's3: spec.weight: must not be odd\ns19: spec.weight: must not be odd',
        next: expect.stringContaining('nobody was enrolled'),
      },
    });
  });

  test('a cluster that fails is no roster that is wrong', async () => {
    const { where } = clusterThat(() => down);
    await expect(checkDifference(difference(), 'roster.csv', where)).rejects.toBe(down);
  });
});

describe('a roster that is applied', () => {
  test('takes seats away last, and only the very seat that was seen', async () => {
    const { asked, where } = clusterThat(() => undefined);
    await applyDifference(difference(), { prune: true }, where);
    expect(asked).toEqual([
      ...IDS.map((id) => `create ${id}`),
      'delete python-101-leaver uid-of-python-101-leaver',
    ]);
  });

  test('takes none away unless that is meant', async () => {
    const { asked, where } = clusterThat(() => undefined);
    await applyDifference(difference(), { prune: false }, where);
    expect(asked).toEqual(IDS.map((id) => `create ${id}`));
  });

  test('stops where the cluster fails, and says how far it came', async () => {
    const { asked, where } = clusterThat((id) => (id === 's10' ? down : undefined));
    await expect(applyDifference(difference(), { prune: true }, where)).rejects.toMatchObject({
      problem: {
        what: '15 of 21 changes were made, then the cluster failed.',
        why: expect.stringContaining('etcd has no leader'),
        next: expect.stringContaining('Repeat the command'),
      },
    });
    expect(asked).toHaveLength(15);
  });
});
