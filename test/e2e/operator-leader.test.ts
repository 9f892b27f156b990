import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { classroomManifests, demoClassroom } from '../../src/demo/class/roster.ts';
import type { DemoCluster } from '../../src/demo/cluster.ts';
import { deployments, leases } from '../../src/kube/resources.ts';
import { OPERATOR_ACCOUNT } from '../../src/rbac/accounts.ts';
import { LEADER_LEASE } from '../../src/rbac/rights.ts';
import { type ApiServerProxy, startApiServerProxy } from '../support/api-server-proxy.ts';
import { createNamespace } from '../support/control-plane.ts';
import { kubeconfigThrough, startTestCluster } from '../support/demo-cluster.ts';
import { eventually } from '../support/eventually.ts';
import { type RunningOperator, startOperator } from '../support/operator-process.ts';

const LEASE = { namespace: OPERATOR_ACCOUNT.namespace, name: LEADER_LEASE };
const TEST_TIMEOUT_MS = 240_000;

/** One of two replicas; its proxy sees every write that is its own. */
interface Replica {
  operator: RunningOperator;
  proxy: ApiServerProxy;
}

let cluster: DemoCluster;
let namespace: string;
let replicas: Replica[] = [];

beforeAll(async () => {
  cluster = await startTestCluster({ nodes: 'nodes: [{name: office}]' });
  namespace = await createNamespace(cluster.controlPlane.admin, 'school');
}, TEST_TIMEOUT_MS);

afterAll(() => cluster?.stop(), 60_000);

beforeEach(async () => {
  replicas = [];
  // The Lease of the test before is of nobody any more.
  await cluster.client.delete(leases, LEASE);
});

afterEach(async () => {
  for (const { operator } of replicas) operator.kill('SIGKILL');
  await Promise.all(replicas.map(({ operator }) => operator.exited()));
  await Promise.all(replicas.map(({ proxy }) => proxy.close()));
}, 60_000);

async function startReplica(): Promise<Replica> {
  const proxy = await startApiServerProxy(cluster.controlPlane);
  const kubeconfig = await kubeconfigThrough(proxy, cluster, OPERATOR_ACCOUNT);
  const operator = startOperator({ kubeconfig, flags: ['--leader-elect'] });
  const replica = { operator, proxy };
  replicas.push(replica);
  await operator.ready();
  return replica;
}

/** A leader at work and a replica that stands by. */
async function leaderAndStandby(): Promise<[leader: Replica, standby: Replica]> {
  const leader = await startReplica();
  await eventually('the first to lead', () => leads(leader));
  const standby = await startReplica();
  expect(await leads(standby)).toBe(false);
  return [leader, standby];
}

async function leads({ operator }: Replica): Promise<boolean> {
  return (await operator.get('/readyz')).body.includes('leadership leading');
}

async function holder(): Promise<string | undefined> {
  return (await cluster.client.get(leases, LEASE))?.spec?.holderIdentity;
}

const makeClass = (name: string) =>
  cluster.client.create(classroomManifests, demoClassroom({ namespace, name }, 1));

const engineOf = (name: string) => cluster.client.get(deployments, { namespace, name: `${name}-engine` });

async function makeClassAndWait(name: string): Promise<void> {
  await makeClass(name);
  await eventually(`the engines of ${name}`, () => engineOf(name));
}

/** Until the successor leads; tells how long that took. */
async function takesOver(successor: Replica, what: string): Promise<void> {
  const startedMs = performance.now();
  await eventually('the other to lead', () => leads(successor), 120_000);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  process.stderr.write(`${what}: the other leads after ${seconds} s\n`);
}

/** Never two at once: all that the one wrote is older than all that the other wrote. */
function expectOneAfterTheOther(first: Replica, second: Replica): void {
  const lastMs = Math.max(...first.proxy.writes.map(({ answeredAtMs }) => answeredAtMs));
  const firstMs = Math.min(...second.proxy.writes.map(({ answeredAtMs }) => answeredAtMs));
  expect(first.proxy.writes.length).toBeGreaterThan(0);
  expect(second.proxy.writes.length).toBeGreaterThan(0);
  expect(lastMs).toBeLessThan(firstMs);
}

describe('two operators', () => {
  test(
    'only the leader works; when it is killed the other follows within the Lease and goes on',
    async () => {
      const [leader, standby] = await leaderAndStandby();
      await makeClassAndWait('before');
      expect(standby.proxy.writes).toEqual([]);

      leader.operator.kill('SIGKILL');
      await leader.operator.exited();
      await makeClass('orphan');
      await takesOver(standby, 'leader killed');
      await eventually('the engines of orphan', () => engineOf('orphan'));
      await makeClassAndWait('after');
      expectOneAfterTheOther(leader, standby);
    },
    TEST_TIMEOUT_MS,
  );

  test(
    'a leader that is stopped gives its Lease away and the other goes on',
    async () => {
      const [leader, standby] = await leaderAndStandby();
      await makeClassAndWait('morning');
      const before = await holder();

      leader.operator.kill('SIGTERM');
      await takesOver(standby, 'leader stopped');
      expect(await leader.operator.exited()).toBe(0);
      expect(await holder()).not.toBe(before);
      await makeClassAndWait('afternoon');
      expectOneAfterTheOther(leader, standby);
    },
    TEST_TIMEOUT_MS,
  );

  test(
    'a leader that stood still for longer than its Lease ends instead of going on beside its successor',
    async () => {
      const [leader, standby] = await leaderAndStandby();
      await makeClassAndWait('monday');
      leader.operator.kill('SIGSTOP');
      await takesOver(standby, 'leader stands still');
      await makeClassAndWait('tuesday');

      leader.operator.kill('SIGCONT');
      expect(await leader.operator.exited()).toBe(1);
      await makeClassAndWait('wednesday');
      expectOneAfterTheOther(leader, standby);
    },
    TEST_TIMEOUT_MS,
  );
});
