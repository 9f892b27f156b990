import { describe, expect, test } from '@jest/globals';
import { type Classroom, classrooms } from '../../../../src/api/classroom.ts';
import { waitUntil } from '../../../../src/cli/cluster/wait.ts';
import { lookAtClass } from '../../../../src/cli/cluster/wait-for-class.ts';
import { problems } from '../../../../src/cli/problems.ts';
import type { KubeClient, WatchEvent } from '../../../../src/kube/client.ts';
import { createKubeClient } from '../../../../src/kube/kube-client.ts';
import { classroom } from '../../../support/builders.ts';
import { createFakeClock, settle } from '../../../support/fake-clock.ts';
import { noCredentials } from '../../../support/kube-client.ts';
import { recordedMachine } from '../../../support/terminal.ts';

/** A class as the operator reports it. */
function seen(status: 'True' | 'False', { generation = 1, resourceVersion = '1' } = {}): Classroom {
  return classroom({
    metadata: { generation, resourceVersion },
    status: {
      conditions: [
        {
          type: 'Ready',
          status,
          reason: status === 'True' ? 'Serving' : 'Loading',
          message: status === 'True' ? '1 of 1 engines answer.' : 'The engine loads the model.',
          lastTransitionTime: '2026-11-23T09:00:00Z',
          observedGeneration: 1,
        },
      ],
    },
  });
}

/** A cluster with one class, and the changes that a test tells of. */
function clusterWith(first: Classroom | undefined) {
  const changes: ((event: WatchEvent<Classroom>) => void)[] = [];
  let watches = 0;
  const unused = createKubeClient({ credentials: noCredentials('http://127.0.0.1:1') });
  const client = {
    ...unused,
    get: async () => first,
    list: async () => ({ metadata: { resourceVersion: '1' }, items: first === undefined ? [] : [first] }),
    watch: async function* (_: unknown, { signal }: { signal?: AbortSignal }) {
      watches++;
      while (!signal?.aborted) {
        const next = Promise.withResolvers<WatchEvent<Classroom>>();
        changes.push(next.resolve);
        signal?.addEventListener('abort', () => next.reject(signal.reason), { once: true });
        yield await next.promise;
      }
    },
  } as KubeClient;
  const change = async (object: Classroom) => {
    changes.shift()?.({ type: 'MODIFIED', object });
    await settle();
  };
  return { client, change, watches: () => watches };
}

function start(
  first: Classroom | undefined,
  { timeoutMs = 60_000, signal = new AbortController().signal } = {},
) {
  const cluster = clusterWith(first);
  const clock = createFakeClock();
  const machine = recordedMachine({ clock, signal });
  const done = waitUntil<Classroom>(
    { client: cluster.client, machine },
    {
      what: 'Class "python-101"',
      resource: classrooms,
      ref: { namespace: 'python-101', name: 'python-101' },
      timeoutMs,
      look: (object) => {
        if (object === undefined) throw problems.noClass({ namespace: 'python-101' });
        return lookAtClass(object);
      },
    },
  );
  return { ...cluster, clock, done };
}

describe('waiting', () => {
  test('ends at once when it is so already, without a watch', async () => {
    const { done, watches } = start(seen('True'));
    await done;
    expect(watches()).toBe(0);
  });

  test('ends with the change that makes it so', async () => {
    const { done, change, clock } = start(seen('False'));
    await settle();
    await change(seen('True', { resourceVersion: '2' }));
    await done;
    expect(clock.pending).toBe(0);
  });

  test('does not trust what was reported of an older spec', async () => {
    const { done, change } = start(seen('True', { generation: 2 }));
    const first = await Promise.race([done.then(() => 'ended'), settle().then(() => 'waits')]);
    expect(first).toBe('waits');
    await change(seen('True', { generation: 1, resourceVersion: '2' }));
    await done;
  });

  test('ends after the time-out with what it waited for', async () => {
    const { done, clock } = start(seen('False'), { timeoutMs: 5000 });
    const failed = expect(done).rejects.toMatchObject({
      problem: {
        what: 'Class "python-101" is not there yet after 5 s: The engine loads the model.',
        exitCode: 4,
      },
    });
    await clock.advance(5000);
    await failed;
    expect(clock.pending).toBe(0);
  });

  test('ends with Ctrl-C', async () => {
    const interrupt = new AbortController();
    const { done } = start(seen('False'), { signal: interrupt.signal });
    await settle();
    interrupt.abort();
    await expect(done).rejects.toMatchObject({ problem: { exitCode: 130 } });
  });

  test('does not wait for a class that never serves as it is written', async () => {
    const misfit = seen('False');
    const [ready] = misfit.status?.conditions ?? [];
    if (ready !== undefined) ready.reason = 'WeightsTooLarge';
    await expect(start(misfit).done).rejects.toMatchObject({
      problem: {
        what: expect.stringContaining('cannot serve as it is written'),
        why: 'The engine loads the model.',
      },
    });
  });

  test('ends when a look says that it is in vain', async () => {
    await expect(start(undefined).done).rejects.toMatchObject({
      problem: { what: 'There is no class in namespace "python-101".' },
    });
  });
});
