import { randomBytes } from 'node:crypto';
import { expect, jest, test } from '@jest/globals';
import { classrooms } from '../../../src/api/classroom.ts';
import { API_GROUP_VERSION } from '../../../src/api/group.ts';
import { LABELS } from '../../../src/api/labels.ts';
import { CHILD_RESOURCES } from '../../../src/classroom/kinds.ts';
import type { KubeClient } from '../../../src/kube/client.ts';
import { systemClock } from '../../../src/kube/clock.ts';
import { silentLogger } from '../../../src/kube/log.ts';
import { noMetrics } from '../../../src/kube/metrics.ts';
import type { KubeObject } from '../../../src/kube/object.ts';
import { untilSettled } from '../../../src/operator/once.ts';
import { createOperator } from '../../../src/operator/operator.ts';
import { podAddress } from '../../../src/vllm/pod-address.ts';
import { settings } from '../../support/classroom.ts';
import { connectToControlPlane } from '../../support/connected-control-plane.ts';

jest.setTimeout(180_000);

const { controlPlane: shared, client } = await connectToControlPlane();
/** Carries out so many writes; every one after that finds the operator dead. */
function mortal(
  writesToLive: number,
  burial: AbortSignal,
): { client: KubeClient; writes: () => number; dead: Promise<void> } {
  const { promise: dead, resolve: die } = Promise.withResolvers<void>();
  let writes = 0;
  const counted = <A extends unknown[], R>(write: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      if (writes >= writesToLive) {
        die();
        // A dead process hears of nothing; the rejection only lets the test clean up.
        return new Promise<never>((_, reject) => burial.addEventListener('abort', reject));
      }
      writes += 1;
      return write(...args);
    };
  };
  const limited: KubeClient = {
    ...client,
    create: counted(client.create) as KubeClient['create'],
    apply: counted(client.apply) as KubeClient['apply'],
    mergePatch: counted(client.mergePatch) as KubeClient['mergePatch'],
    delete: counted(client.delete) as KubeClient['delete'],
  };
  return { client: limited, writes: () => writes, dead };
}

/** One life of an operator: until it has nothing left to do, or until its writes are used up. */
async function live(namespace: string, writesToLive: number): Promise<{ writes: number; died: boolean }> {
  const stop = new AbortController();
  const life = mortal(writesToLive, stop.signal);
  const operator = createOperator({
    client: life.client,
    events: { record: () => {} },
    clock: systemClock,
    log: silentLogger,
    random: Math.random,
    randomBytes,
    settings: settings({ watchNamespace: namespace }),
    kubeMetrics: noMetrics,
    metrics: { objectWritten: () => {}, nameConflict: () => {}, keyIssued: () => {} },
    callEngine: () => Promise.reject(new Error('there are no engines here')),
    addressOf: podAddress,
    workers: 1,
  });
  operator.informers.start(stop.signal);
  await operator.informers.synced();
  const running = operator.run(stop.signal);
  const settled = untilSettled({
    progress: operator.progress,
    isAtRest: operator.isAtRest,
    clock: systemClock,
    timeoutMs: 60_000,
    signal: stop.signal,
  });
  const died = await Promise.race([life.dead.then(() => true), settled.then(() => false)]);
  stop.abort();
  await running;
  await operator.informers.stop();
  return { writes: life.writes(), died };
}

async function newClass(): Promise<string> {
  const namespace = await shared.createNamespace('killed');
  await client.create<KubeObject>(classrooms, {
    apiVersion: API_GROUP_VERSION,
    kind: 'Classroom',
    metadata: { name: 'python-101', namespace },
    ...{
      spec: {
        model: { id: 'a/b', storage: { size: '1Gi' } },
        // No pods: what the cluster's own controllers do meanwhile would blur the comparison.
        engine: { replicas: { min: 0, max: 1 } },
      },
    },
  });
  return namespace;
}

/** Everything the class consists of, without what differs between two makings of the same. */
async function state(namespace: string): Promise<unknown> {
  const lists = await Promise.all(
    CHILD_RESOURCES.map((resource) => client.list(resource, { namespace, labelSelector: LABELS.classroom })),
  );
  const objects: KubeObject[] = lists.flatMap(({ items }) => items);
  const specs = objects.map(({ kind, metadata: { name, labels }, ...rest }) => ({
    kind,
    name,
    labels,
    spec: 'spec' in rest ? rest.spec : undefined,
  }));
  const classroom = await client.get(classrooms, { namespace, name: 'python-101' });
  const conditions = classroom?.status?.conditions?.map(({ type, status, reason, message }) => ({
    type,
    status,
    reason,
    message,
  }));
  // Every making of a class has a key of its own.
  const reportKey = classroom?.status?.reportKey?.secretName;
  return JSON.parse(
    JSON.stringify({ specs, status: { ...classroom?.status, conditions, reportKey } }).replaceAll(
      namespace,
      'namespace',
    ),
  );
}

test('an operator that is killed between any two writes is followed by one that ends where it would have', async () => {
  const undisturbed = await newClass();
  const { writes } = await live(undisturbed, Number.POSITIVE_INFINITY);
  const want = await state(undisturbed);
  expect(writes).toBeGreaterThanOrEqual(CHILD_RESOURCES.length + 1);

  let died = true;
  // How often the status is written depends on what comes first, so the last life is the one that needs no more writes.
  for (let point = 0; died; point++) {
    const namespace = await newClass();
    const life = await live(namespace, point);
    died = life.died;
    if (died) {
      expect(life.writes).toBe(point);
      expect((await live(namespace, Number.POSITIVE_INFINITY)).died).toBe(false);
    }
    expect({ point, ...((await state(namespace)) as object) }).toEqual({ point, ...(want as object) });
  }
});
