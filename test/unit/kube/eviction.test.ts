import { describe, expect, test } from '@jest/globals';
import { KubeApiError } from '../../../src/kube/errors.ts';
import { evictPod } from '../../../src/kube/eviction.ts';

const POD = { namespace: 'python-101', name: 'engine', uid: 'uid-1' };

function answering(status: number, message = 'no') {
  const raw = async (): Promise<unknown> => {
    if (status >= 300) throw new KubeApiError({ status, reason: 'Any', message });
    return {};
  };
  return { raw };
}

test('an eviction names the very pod, so that a namesake is not meant', async () => {
  const asked: unknown[] = [];
  const raw = async (...request: unknown[]): Promise<unknown> => void asked.push(request);
  expect(await evictPod({ raw }, POD)).toEqual({ kind: 'evicted' });
  expect(asked).toEqual([
    [
      'POST',
      '/api/v1/namespaces/python-101/pods/engine/eviction',
      {
        body: {
          apiVersion: 'policy/v1',
          kind: 'Eviction',
          metadata: { namespace: 'python-101', name: 'engine' },
          deleteOptions: { preconditions: { uid: 'uid-1' } },
        },
      },
    ],
  ]);
});

describe('what the API server answers', () => {
  test.each([
    ['that there is no such pod', 404],
    ['that another pod has its name', 409],
  ])('%s: it is gone', async (_what, status) => {
    expect(await evictPod(answering(status), POD)).toEqual({ kind: 'gone' });
  });

  test.each([
    ['that a disruption budget forbids it', 429, 'Cannot evict pod'],
    ['that it cannot tell which of two budgets holds', 500, 'This pod has more than one PodDisruptionBudget'],
  ])('%s: the message says so', async (_what, status, message) => {
    expect(await evictPod(answering(status, message), POD)).toEqual({ kind: 'blocked', message });
  });

  test('that it is not allowed: an error', async () => {
    await expect(evictPod(answering(403), POD)).rejects.toMatchObject({ status: 403 });
  });
});
