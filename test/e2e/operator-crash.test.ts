import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Classroom, type ClassroomSpecInput, classrooms } from '../../src/api/classroom.ts';
import { findCondition } from '../../src/api/condition.ts';
import { CLASSROOM_CONDITIONS, STUDENT_QUOTA_CONDITIONS } from '../../src/api/reasons.ts';
import { type StudentQuota, studentQuotas } from '../../src/api/student-quota.ts';
import {
  classroomManifests,
  demoClassroom,
  demoStudentQuotas,
  studentQuotaManifests,
} from '../../src/demo/class/roster.ts';
import type { DemoCluster } from '../../src/demo/cluster.ts';
import { type Secret, secrets, services } from '../../src/kube/resources.ts';
import { OPERATOR_ACCOUNT } from '../../src/rbac/accounts.ts';
import { hashApiKey } from '../../src/student/api-key.ts';
import { apiKeyIn } from '../../src/student/secret.ts';
import { type ProxiedWrite, startApiServerProxy } from '../support/api-server-proxy.ts';
import { createNamespace } from '../support/control-plane.ts';
import { kubeconfigThrough, startTestCluster } from '../support/demo-cluster.ts';
import { eventually } from '../support/eventually.ts';
import { expectToBecome, snapshotOf } from '../support/namespace-snapshot.ts';
import { startOperator } from '../support/operator-process.ts';

/**
 * Each round changes something in many namespaces while no operator runs. In the first namespace an operator does its
 * work undisturbed, which tells its writes. In each other one an operator is killed right after one of these writes,
 * before it hears the answer. Then one operator serves all namespaces, and all must end like the first.
 */

const CLASS = 'python-101';
const SPEC: Partial<ClassroomSpecInput> = {
  model: { id: 'Qwen/Qwen2.5-7B-Instruct', storage: { size: '5Gi' } },
};
/** More than any round has writes. */
const NAMESPACES = 26;
/** Operators that run at once: most of their time is start-up, which takes a core each. */
const LANES = 2;
const ROUND_TIMEOUT_MS = 600_000;

let cluster: DemoCluster;
let namespaces: string[];

beforeAll(async () => {
  // No GPU anywhere: engines stay pending, and nothing but the operator decides how far a class comes.
  cluster = await startTestCluster({ nodes: 'nodes: [{name: office}]' });
  const { admin } = cluster.controlPlane;
  namespaces = await Promise.all(Array.from({ length: NAMESPACES }, () => createNamespace(admin, 'school')));
}, 240_000);

afterAll(() => cluster?.stop(), 60_000);

/** One write of the undisturbed run: the how-manieth to which path. */
interface Step {
  method: string;
  path: string;
  occurrence: number;
}

interface Round {
  /** What people do in a namespace while no operator runs. */
  change(namespace: string): Promise<unknown>;
  /** Whether the operator has nothing left to do there. */
  isSettled(namespace: string): Promise<boolean>;
}

function stepsOf(writes: readonly ProxiedWrite[], namespace: string): Step[] {
  const steps: Step[] = [];
  for (const { method, path: fullPath } of writes) {
    const path = pathWithin(fullPath, namespace);
    const before = steps.filter((step) => step.method === method && step.path === path);
    steps.push({ method, path, occurrence: before.length + 1 });
  }
  return steps;
}

function pathWithin(path: string, namespace: string): string {
  return path.replace(`/namespaces/${namespace}/`, '/namespaces/<namespace>/');
}

function isSame(a: Step | undefined, b: Step): boolean {
  return a !== undefined && a.method === b.method && a.path === b.path && a.occurrence === b.occurrence;
}

function describeStep({ method, path, occurrence }: Step): string {
  return `${method} ${path}${occurrence === 1 ? '' : ` (${occurrence})`}`;
}

/** An operator for one namespace that is killed after the given step; without one when it has settled. */
async function runOperator(namespace: string, round: Round, crashAfter?: Step) {
  const proxy = await startApiServerProxy(cluster.controlPlane);
  const kubeconfig = await kubeconfigThrough(proxy, cluster, OPERATOR_ACCOUNT);
  const operator = startOperator({ kubeconfig, namespace });
  let crashed = false;
  let settled = false;
  if (crashAfter !== undefined) {
    const isTheOne = (writes: readonly ProxiedWrite[]) =>
      isSame(stepsOf(writes, namespace).at(-1), crashAfter);
    proxy.crashAfterWrite(isTheOne, () => {
      crashed = true;
      operator.kill('SIGKILL');
    });
  }
  await eventually(
    `the operator to settle ${namespace}`,
    async () => {
      settled = !crashed && (await round.isSettled(namespace));
      return crashed || settled;
    },
    120_000,
  );
  operator.kill('SIGKILL');
  await operator.exited();
  await proxy.close();
  return { crashed, steps: stepsOf(proxy.writes, namespace) };
}

interface RoundResult {
  /** After which an operator was killed. */
  killedAfter: Step[];
  /** Writes of the undisturbed run that a run of its own did without: a status told in fewer steps. */
  notReached: Step[];
}

async function play(round: Round): Promise<RoundResult> {
  const [first = '', ...others] = namespaces;
  await eachInLanes(namespaces, 4, (namespace) => round.change(namespace));
  const { steps } = await runOperator(first, round);
  expect(steps.length).toBeLessThanOrEqual(others.length);

  const result: RoundResult = { killedAfter: [], notReached: [] };
  const keysAtCrash = new Map<string, Map<string, string>>();
  await eachInLanes([...steps.entries()], LANES, async ([index, step]) => {
    const namespace = others[index] ?? '';
    const { crashed } = await runOperator(namespace, round, step);
    (crashed ? result.killedAfter : result.notReached).push(step);
    keysAtCrash.set(namespace, await keysIn(namespace));
  });
  await recover(round, keysAtCrash);
  return result;
}

/** One operator for all namespaces, as after a restart: what the killed ones left must end like the first namespace. */
async function recover(round: Round, keysAtCrash: ReadonlyMap<string, Map<string, string>>): Promise<void> {
  const [first = '', ...others] = namespaces;
  const kubeconfig = await cluster.controlPlane.writeServiceAccountKubeconfig(OPERATOR_ACCOUNT);
  const operator = startOperator({ kubeconfig });
  try {
    for (const namespace of namespaces) {
      await eventually(`${namespace} to settle`, () => round.isSettled(namespace), 120_000);
    }
    const wanted = await snapshotOf(cluster.client, first);
    for (const namespace of others) {
      await expectToBecome(cluster.client, namespace, wanted);
      await expectKeysInOrder(namespace, keysAtCrash.get(namespace) ?? new Map());
    }
  } finally {
    operator.kill('SIGKILL');
    await operator.exited();
  }
}

/** Those of the students. */
const secretsIn = async (namespace: string): Promise<Secret[]> =>
  (await cluster.client.list(secrets, { namespace })).items.filter(({ metadata }) =>
    metadata.name.endsWith('-api-key'),
  );

/** The hash of the key in each Secret, by the Secret's name. */
async function keysIn(namespace: string): Promise<Map<string, string>> {
  const held = await secretsIn(namespace);
  return new Map(held.map((secret) => [secret.metadata.name, hashApiKey(apiKeyIn(secret) ?? '')]));
}

/** Every seat has one Secret, its hash is what the gateway reads, and no key that a student may have seen is lost. */
async function expectKeysInOrder(namespace: string, atCrash: ReadonlyMap<string, string>): Promise<void> {
  const now = await keysIn(namespace);
  const seats = await seatsIn(namespace);
  expect([...now.keys()].sort()).toEqual(seats.map(({ metadata }) => `${metadata.name}-api-key`).sort());
  for (const { metadata, status } of seats) {
    const name = `${metadata.name}-api-key`;
    const hashes = (status?.keys ?? []).map(({ sha256 }) => sha256);
    expect(hashes[0]).toBe(now.get(name));
    const before = atCrash.get(name);
    if (before !== undefined) expect(hashes).toContain(before);
  }
}

/** Takes the items in order, so many at once. */
async function eachInLanes<T>(items: readonly T[], lanes: number, work: (item: T) => Promise<unknown>) {
  const queue = items.values();
  const lane = async () => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

const classIn = (namespace: string): Promise<Classroom | undefined> =>
  cluster.client.get(classrooms, { namespace, name: CLASS });

const seatsIn = async (namespace: string): Promise<StudentQuota[]> =>
  (await cluster.client.list(studentQuotas, { namespace })).items;

const isReady = ({ status, metadata }: StudentQuota): boolean => {
  const ready = findCondition(status?.conditions, STUDENT_QUOTA_CONDITIONS.ready);
  return ready?.status === 'True' && ready.observedGeneration === metadata.generation;
};

/** As far as a class comes without a GPU: all its engines wait for a node, and every seat has its key. */
async function waitsForNodes(namespace: string, engines: number, students: number): Promise<boolean> {
  const room = await classIn(namespace);
  const ready = findCondition(room?.status?.conditions, CLASSROOM_CONDITIONS.ready);
  const seats = await seatsIn(namespace);
  return (
    room?.status?.observedGeneration === room?.metadata.generation &&
    room?.status?.students === students &&
    room.status.engines?.length === engines &&
    room.status.engines.every(({ state }) => state === 'Scheduling') &&
    (ready?.message.includes('waits for a node') ?? false) &&
    seats.length === students &&
    seats.every(isReady)
  );
}

const seat = (namespace: string, student: string) => ({ namespace, name: `${CLASS}-${student}` });

async function enrol(namespace: string, students: readonly string[]): Promise<void> {
  for (const quota of demoStudentQuotas({ namespace, name: CLASS }, students)) {
    await cluster.client.create(studentQuotaManifests, quota);
  }
}

/** A new class of three. */
const NEW_CLASS: Round = {
  async change(namespace) {
    const manifest = demoClassroom({ namespace, name: CLASS }, 1);
    const spec = { ...manifest.spec, ...SPEC };
    await cluster.client.create(classroomManifests, { ...manifest, spec });
    await enrol(namespace, ['alice', 'bob', 'carol']);
  },
  isSettled: (namespace) => waitsForNodes(namespace, 1, 3),
};

/** Of everything that changes during a term, one. */
const TERM: Round = {
  async change(namespace) {
    const { client } = cluster;
    await client.mergePatch(
      classrooms,
      { namespace, name: CLASS },
      { spec: { engine: { replicas: { min: 2, max: 2 } } } },
    );
    await client.delete(services, { namespace, name: `${CLASS}-engine` });
    await client.mergePatch(studentQuotas, seat(namespace, 'alice'), {
      spec: { keyRotation: { generation: 2, overlapMinutes: 60 } },
    });
    await client.mergePatch(
      secrets,
      { namespace, name: `${CLASS}-bob-api-key` },
      {
        data: { OPENAI_BASE_URL: Buffer.from('http://wrong.test/v1').toString('base64') },
      },
    );
    await client.delete(studentQuotas, seat(namespace, 'carol'));
    await enrol(namespace, ['dana']);
    await eventually(
      'the Secret of carol to be collected',
      async () => (await secretsIn(namespace)).length === 2,
    );
  },
  async isSettled(namespace) {
    const alice = await cluster.client.get(studentQuotas, seat(namespace, 'alice'));
    const service = await cluster.client.get(services, { namespace, name: `${CLASS}-engine` });
    const rotated = alice?.status?.keys?.length === 2;
    const [bob] = (await secretsIn(namespace)).filter(({ metadata }) => metadata.name.includes('-bob-'));
    const restored = !Buffer.from(bob?.data?.OPENAI_BASE_URL ?? '', 'base64').includes('wrong');
    return rotated && restored && service !== undefined && (await waitsForNodes(namespace, 2, 3));
  },
};

/** The class is deleted, and with it all but the model cache; the seats stay. */
const END: Round = {
  async change(namespace) {
    await cluster.client.delete(classrooms, { namespace, name: CLASS });
    await eventually('the class to be gone', async () => (await classIn(namespace)) === undefined);
  },
  async isSettled(namespace) {
    const seats = await seatsIn(namespace);
    const objects = Object.keys(await snapshotOf(cluster.client, namespace));
    return (
      !objects.some((name) => name.endsWith(`${CLASS}-engine`)) &&
      seats.every(
        ({ status }) =>
          findCondition(status?.conditions, STUDENT_QUOTA_CONDITIONS.classroomFound)?.status === 'False',
      )
    );
  },
};

function report(what: string, { killedAfter, notReached }: RoundResult): void {
  const lines = [
    `${what}: killed after ${killedAfter.length} writes, each in a namespace of its own`,
    ...killedAfter.map((step) => `  ${describeStep(step)}`),
    ...notReached.map((step) => `  not written in the run that was to end there: ${describeStep(step)}`),
  ];
  process.stderr.write(`${lines.join('\n')}\n`);
}

/** How often an object is applied again depends on what the operator has heard of it by then. */
function expectAllReached({ notReached }: RoundResult): void {
  const mayBeSpared = ({ method, occurrence }: Step): boolean => method === 'PATCH' && occurrence > 1;
  expect(notReached.filter((step) => !mayBeSpared(step))).toEqual([]);
}

describe('an operator that is killed after any of its writes is followed by one that ends its work', () => {
  test(
    'while a class is made: every object, every key and every status',
    async () => {
      const result = await play(NEW_CLASS);
      report('a new class', result);
      expectAllReached(result);
      expect(result.killedAfter.length).toBeGreaterThanOrEqual(13);
    },
    ROUND_TIMEOUT_MS,
  );

  test(
    'while a key is rotated, a seat is made, engines are added and edits by hand are undone',
    async () => {
      const result = await play(TERM);
      report('a term', result);
      expectAllReached(result);
      expect(result.killedAfter.length).toBeGreaterThanOrEqual(8);
    },
    ROUND_TIMEOUT_MS,
  );

  test(
    'while the seats learn that their class is gone',
    async () => {
      const result = await play(END);
      report('the end of a class', result);
      expectAllReached(result);
      expect(result.killedAfter.length).toBeGreaterThanOrEqual(3);
    },
    ROUND_TIMEOUT_MS,
  );
});
