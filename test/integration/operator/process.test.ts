import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { classrooms } from '../../../src/api/classroom.ts';
import { API_GROUP_VERSION } from '../../../src/api/group.ts';
import type { KubeObject } from '../../../src/kube/object.ts';
import { deployments, leases } from '../../../src/kube/resources.ts';
import { LEADER_LEASE } from '../../../src/rbac/rights.ts';
import { connectToControlPlane } from '../../support/connected-control-plane.ts';
import { eventually } from '../../support/eventually.ts';
import { type RunningOperator, startOperator } from '../../support/operator-process.ts';

jest.setTimeout(120_000);

let namespace: string;
let started: RunningOperator[] = [];

const { controlPlane: shared, client } = await connectToControlPlane();
beforeEach(async () => {
  namespace = await shared.createNamespace('process');
});
afterEach(async () => {
  for (const operator of started) operator.kill('SIGKILL');
  await Promise.all(started.map((operator) => operator.exited()));
  started = [];
});

function start(...flags: string[]): RunningOperator {
  const operator = startOperator({ kubeconfig: shared.kubeconfigPath, namespace, flags });
  started.push(operator);
  return operator;
}

/** One that takes part in the election of this test's namespace. */
const candidate = () => start('--leader-elect', `--leader-election-namespace=${namespace}`);

const holder = async () =>
  (await client.get(leases, { namespace, name: LEADER_LEASE }))?.spec?.holderIdentity;

const leads = async (operator: RunningOperator) =>
  (await operator.get('/readyz')).body.includes('leadership leading');

async function makeClass(name: string): Promise<void> {
  await client.create<KubeObject>(classrooms, {
    apiVersion: API_GROUP_VERSION,
    kind: 'Classroom',
    metadata: { name, namespace },
    ...{ spec: { model: { id: 'a/b' } } },
  });
}

const engineOf = (name: string) => client.get(deployments, { namespace, name: `${name}-engine` });

describe('two operators', () => {
  test('one works while the other stands by, and takes over at once when the first is stopped', async () => {
    const first = candidate();
    await eventually('a leader', () => leads(first));
    const second = candidate();
    await second.ready();
    expect(await leads(second)).toBe(false);
    await makeClass('before');
    await eventually('the engines of the first class', () => engineOf('before'));
    const identity = await holder();

    expect(await first.stop()).toBe(0);
    await eventually('the second to lead', () => leads(second));
    expect(await holder()).not.toBe(identity);
    await makeClass('after');
    await eventually('the engines of the second class', () => engineOf('after'));
  });

  test('a killed leader is followed when its Lease has run out', async () => {
    const first = candidate();
    await eventually('a leader', () => leads(first));
    const second = candidate();
    await second.ready();
    first.kill('SIGKILL');
    await first.exited();
    await makeClass('orphan');
    await eventually('the second to lead', () => leads(second));
    await eventually('the engines of the class', () => engineOf('orphan'));
  });

  test('one whose Lease is taken away ends with 1', async () => {
    const operator = candidate();
    await eventually('a leader', () => leads(operator));
    await client.mergePatch(
      leases,
      { namespace, name: LEADER_LEASE },
      { spec: { holderIdentity: 'another', leaseDurationSeconds: 60 } },
    );
    expect(await operator.exited()).toBe(1);
  });
});

describe('the process', () => {
  test('ends with 0 on SIGTERM and gives its Lease back', async () => {
    const operator = candidate();
    await eventually('a leader', () => leads(operator));
    expect(await operator.stop()).toBe(0);
    expect(await holder()).toBe('');
  });

  test('answers probes and metrics', async () => {
    const operator = start();
    await operator.ready();
    expect(await operator.get('/healthz')).toMatchObject({ status: 200 });
    const metrics = await operator.get('/metrics');
    expect(metrics.body).toContain('gpu_classroom_operator_lists_total{resource="classrooms"} 1');
  });

  test('ends with 2 and says why, when it cannot start', async () => {
    const operator = start('--kubeconfig=/dev/null');
    expect(await operator.exited()).toBe(2);
    expect(operator.output()).toContain('/dev/null');
  });

  test('writes one JSON object a line', async () => {
    const operator = start('--log-level=debug');
    await operator.ready();
    await makeClass('logged');
    await eventually('the engines', () => engineOf('logged'));
    await operator.stop();
    const lines = operator.output().trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line).name)).toEqual(lines.map(() => 'operator'));
  });
});
