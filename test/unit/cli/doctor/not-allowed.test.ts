import { describe, expect, test } from '@jest/globals';
import { AREAS } from '../../../../src/cli/doctor/finding.ts';
import { guarded } from '../../../../src/cli/doctor/not-allowed.ts';
import { KubeApiError } from '../../../../src/kube/errors.ts';

const refusal = (message: string, status = 403) => new KubeApiError({ status, reason: 'Forbidden', message });
const failing = (error: Error) => async () => Promise.reject(error);

describe('what a trainer may not look at', () => {
  test.each([
    [
      'leases.coordination.k8s.io is forbidden: User "ms-chen" cannot list resource "leases" in API group "coordination.k8s.io" at the cluster scope',
      'The user ms-chen lacks the right "list" on "leases.coordination.k8s.io" in the whole cluster.',
    ],
    [
      'secrets "key" is forbidden: User "system:serviceaccount:school:chen" cannot get resource "secrets" in API group "" in the namespace "school": RBAC: clusterrole.rbac.authorization.k8s.io "trainer" not found',
      'The user system:serviceaccount:school:chen lacks the right "get" on "secrets" in namespace "school".',
    ],
    ['pods is forbidden: the webhook says no', 'pods is forbidden: the webhook says no'],
  ])('is told as the right that is missing: %s', async (message, why) => {
    const [finding] = await guarded('Operator', failing(refusal(message)));
    expect(finding).toMatchObject({ area: 'Operator', mark: 'Unknown', why });
  });

  test.each(AREAS.filter((area) => area !== 'Cluster'))('says whom to ask: %s', async (area) => {
    const [finding] = await guarded(area, failing(refusal('no')));
    expect(finding?.what).toMatch(/^You may not .*\.$/);
    expect(finding?.next).toMatch(/who runs the cluster/i);
  });

  test('is no other failure', async () => {
    const error = refusal('the server is down', 500);
    await expect(guarded('Operator', failing(error))).rejects.toBe(error);
  });
});
