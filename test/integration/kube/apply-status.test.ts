import { expect, jest, test } from '@jest/globals';
import { type StudentQuota, type StudentQuotaStatus, studentQuotas } from '../../../src/api/student-quota.ts';
import { type Applier, createApplier } from '../../../src/kube/apply.ts';
import { studentQuota } from '../../support/builders.ts';
import { connectToControlPlane } from '../../support/connected-control-plane.ts';

// Waits for conditions are bounded; this bounds a machine under load.
jest.setTimeout(120_000);

const { controlPlane, client } = await connectToControlPlane();
const namespace = await controlPlane.createNamespace('status');

const ready = {
  type: 'Ready',
  status: 'True' as const,
  reason: 'KeyReady',
  message: 'The key is in the Secret.',
  lastTransitionTime: '2026-09-01T09:00:00Z',
  observedGeneration: 1,
};
const ours: StudentQuotaStatus = { conditions: [ready], secretName: 'alice-api-key' };
const usage = { asOf: '2026-09-01T09:00:00Z', requestsToday: 3, tokensToday: 400, tokensTotal: 5000 };

function applier(): Applier {
  return createApplier({ client, fieldManager: 'operator-status' });
}

function statusOf({ apiVersion, kind, spec, metadata: { name } }: StudentQuota, status: StudentQuotaStatus) {
  return { apiVersion, kind, spec, metadata: { name, namespace }, status };
}

/** A seat with our status and what the gateway wrote beside it. */
async function seat(student: string): Promise<StudentQuota> {
  const made = await client.create(
    studentQuotas,
    studentQuota({ metadata: { name: student, namespace }, spec: { student: { id: student } } }),
  );
  await applier().apply(studentQuotas, statusOf(made, ours), { observed: made, subresource: 'status' });
  const { apiVersion, kind, metadata } = made;
  const beside = { apiVersion, kind, metadata: { name: metadata.name, namespace }, spec: made.spec };
  return client.apply(
    studentQuotas,
    { ...beside, status: { usage } },
    { fieldManager: 'gateway', subresource: 'status' },
  );
}

test('a status that is there costs no write, by this process or a new one', async () => {
  const observed = await seat('same');
  const again = await applier().apply(studentQuotas, statusOf(observed, ours), {
    observed,
    subresource: 'status',
  });

  expect(again).toMatchObject({ outcome: 'unchanged', written: false });
});

test('a field that we no longer say goes; what the gateway wrote stays', async () => {
  const observed = await seat('dropped');
  const { object } = await applier().apply(studentQuotas, statusOf(observed, { conditions: [ready] }), {
    observed,
    subresource: 'status',
  });

  expect(object.status).toEqual({ conditions: [ready], usage });
});

test('what somebody changed is put right', async () => {
  const observed = await seat('healed');
  const edited = await client.mergePatch(
    studentQuotas,
    observed.metadata,
    { status: { secretName: 'another' } },
    { subresource: 'status' },
  );
  const { object } = await applier().apply(studentQuotas, statusOf(edited, ours), {
    observed: edited,
    subresource: 'status',
  });

  expect(object.status?.secretName).toBe('alice-api-key');
});
