import { describe, expect, test } from '@jest/globals';
import { shortenEndsOfLoading } from '../../../../src/classroom/engine-watch/loading-ends.ts';
import type { DeleteOptions } from '../../../../src/kube/client.ts';
import type { Pod } from '../../../../src/kube/resources.ts';
import { classroom, merged, type Partially } from '../../../support/builders.ts';
import { containerStatus } from '../../../support/classroom.ts';
import { type EnginePodOptions, sharingPod } from './engines.ts';

const BEING_DELETED = { deletionTimestamp: '2026-09-01T09:02:20Z', deletionGracePeriodSeconds: 80 };

/** An engine that is being deleted with 80 s of grace and loads since 09:00:00; a case states only what differs. */
function ending(difference: Partially<Pod> = {}, options: EnginePodOptions = {}): Pod {
  const pod = sharingPod('a', { ready: undefined, ...options });
  return merged(merged(pod, { metadata: BEING_DELETED }), difference);
}

async function deletions(pods: Pod[], answer = true) {
  const deleted: { name: string; options: DeleteOptions }[] = [];
  const written: object[] = [];
  await shortenEndsOfLoading(
    { classroom: classroom(), pods },
    {
      client: {
        delete: async (_, { name }, options = {}) => {
          deleted.push({ name, options });
          return answer;
        },
      },
      metrics: { objectWritten: (write) => written.push(write), nameConflict: () => {}, keyIssued: () => {} },
    },
    new AbortController().signal,
  );
  return { deleted, written };
}

describe('an engine that is ended while it loads', () => {
  test('ends soon: this very pod is deleted again with a shorter grace period, never with none', async () => {
    const { deleted, written } = await deletions([ending()]);
    expect(deleted).toMatchObject([{ name: 'a', options: { uid: 'uid-of-a', gracePeriodSeconds: 5 } }]);
    expect(written).toEqual([{ kind: 'Pod', verb: 'delete' }]);
  });

  test('also one that served before its container was started anew', async () => {
    const restarted = ending({
      status: {
        conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: '2026-09-01T08:00:00Z' }],
        containerStatuses: [
          containerStatus({ restartCount: 1, state: { running: { startedAt: '2026-09-01T09:00:00Z' } } }),
        ],
      },
    });
    expect((await deletions([restarted])).deleted).toHaveLength(1);
  });

  test('counts as no write where it is gone meanwhile', async () => {
    expect((await deletions([ending()], false)).written).toEqual([]);
  });
});

describe('the grace period stays', () => {
  test.each<[string, Pod]>([
    ['for an engine that is not being deleted', sharingPod('a', { ready: undefined })],
    ['for one that serves', ending({}, { ready: '09:01:00' })],
    [
      'for one that served and answers no probe any more',
      ending({
        status: {
          conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: '2026-09-01T09:30:00Z' }],
          containerStatuses: [containerStatus({ started: true })],
        },
      }),
    ],
    [
      'for one that served, of whose start its kubelet knows nothing since it was restarted',
      ending({
        status: {
          conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: '2026-09-01T09:30:00Z' }],
          containerStatuses: [containerStatus({ started: false })],
        },
      }),
    ],
    ['for one of which nobody says whether it was ready', ending({ status: { conditions: [] } })],
    [
      'for one whose container does not run: it ends at once',
      ending({ status: { containerStatuses: [containerStatus({ state: { waiting: {} } })] } }),
    ],
    ['where it is short already', ending({ metadata: { deletionGracePeriodSeconds: 5 } })],
    ['for a pod that somebody else made', ending({ metadata: { ownerReferences: [] } })],
  ])('%s', async (_, pod) => {
    expect((await deletions([pod])).deleted).toEqual([]);
  });
});
