import { describe, expect, test } from '@jest/globals';
import { whoAmI } from '../../../../src/cli/change/access.ts';
import { KubeApiError } from '../../../../src/kube/errors.ts';

const answering = (answer: unknown) => ({ raw: async () => answer });
const refusing = (status: number, reason: string) => ({
  raw: () => Promise.reject(new KubeApiError({ status, reason, message: 'no' })),
});

describe('who changes access', () => {
  test('is asked of the API server', async () => {
    const asked: unknown[] = [];
    const raw = async (...call: unknown[]) => {
      asked.push(call);
      return { status: { userInfo: { username: 'ms-chen' } } };
    };
    expect(await whoAmI({ raw })).toBe('ms-chen');
    expect(asked).toEqual([
      [
        'POST',
        '/apis/authentication.k8s.io/v1/selfsubjectreviews',
        { body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' } },
      ],
    ]);
  });

  test.each([
    ['one may not ask', refusing(403, 'Forbidden')],
    ['the cluster is too old to tell', refusing(404, 'NotFound')],
    ['it says nothing', answering({ status: {} })],
  ])('is not known where %s', async (_, client) => {
    expect(await whoAmI(client)).toBeUndefined();
  });

  test('a cluster that fails is told of', async () => {
    await expect(whoAmI(refusing(500, 'InternalError'))).rejects.toMatchObject({ status: 500 });
  });
});
