import { afterAll, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import type { KubeClient } from '../../../src/kube/client.ts';
import { systemClock } from '../../../src/kube/clock.ts';
import { runAsLeader } from '../../../src/kube/leader.ts';
import { leases } from '../../../src/kube/resources.ts';
import { type SharedControlPlane, sharedControlPlane } from '../../support/control-plane.ts';
import { eventually } from '../../support/eventually.ts';
import { clientOf } from '../../support/kube-client.ts';

// Waits for conditions are bounded; this bounds a machine under load.
jest.setTimeout(120_000);

let controlPlane: SharedControlPlane;
let namespace: string;
let leaders: Set<string>;

beforeAll(async () => {
  controlPlane = await sharedControlPlane();
});

beforeEach(async () => {
  namespace = await controlPlane.createNamespace('leader');
  leaders = new Set();
});

afterAll(() => controlPlane.admin.close());

interface Candidate {
  client: KubeClient;
  end: Promise<string>;
  stop(): void;
}

async function start(identity: string): Promise<Candidate> {
  const client = await clientOf(controlPlane.kubeconfigPath);
  const stopping = new AbortController();
  const end = runAsLeader(
    {
      client,
      namespace,
      name: 'operator',
      identity,
      clock: systemClock,
      random: Math.random,
      leaseDurationMs: 2_000,
      renewDeadlineMs: 1_500,
      retryPeriodMs: 200,
      onLost: () => {},
      onStarted: async (signal) => {
        leaders.add(identity);
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
        leaders.delete(identity);
      },
    },
    stopping.signal,
  );
  return { client, end, stop: () => stopping.abort() };
}

async function leadingAlone(identity: string): Promise<void> {
  await eventually(`${identity} leads`, () => leaders.has(identity));
  expect([...leaders]).toEqual([identity]);
}

test('one of two leads; when it stops, the other takes over at once', async () => {
  const first = await start('first');
  await leadingAlone('first');
  const second = await start('second');
  first.stop();
  expect(await first.end).toBe('stopped');
  await leadingAlone('second');

  const lease = await second.client.get(leases, { namespace, name: 'operator' });
  expect(lease?.spec).toMatchObject({ holderIdentity: 'second', leaseTransitions: 1 });
  second.stop();
  expect(await second.end).toBe('stopped');
  await Promise.all([first.client.close(), second.client.close()]);
});

test('one of two leads; when it loses the API server, it stops, and then the other takes over', async () => {
  const first = await start('first');
  await leadingAlone('first');
  const second = await start('second');
  await first.client.close();

  expect(await first.end).toBe('lost');
  await leadingAlone('second');
  second.stop();
  await second.end;
  await second.client.close();
});
