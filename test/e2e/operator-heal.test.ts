import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import OpenAI from 'openai';
import { classrooms } from '../../src/api/classroom.ts';
import { findCondition } from '../../src/api/condition.ts';
import { CLASSROOM_CONDITIONS, STUDENT_QUOTA_CONDITIONS } from '../../src/api/reasons.ts';
import { type StudentQuota, studentQuotas } from '../../src/api/student-quota.ts';
import { credentialsOf, enrol, followLesson } from '../../src/demo/class/lesson.ts';
import {
  classroomManifests,
  demoClassroom,
  demoStudentQuotas,
  studentQuotaManifests,
} from '../../src/demo/class/roster.ts';
import type { StudentCredentials } from '../../src/demo/class/students.ts';
import type { DemoCluster } from '../../src/demo/cluster.ts';
import type { AuditedWrite } from '../../src/demo/control-plane/audit.ts';
import { systemClock } from '../../src/kube/clock.ts';
import type { KubeObject, Resource } from '../../src/kube/object.ts';
import {
  deployments,
  namespaces,
  networkPolicies,
  persistentVolumeClaims,
  podDisruptionBudgets,
  pods,
  secrets,
  serviceAccounts,
  services,
} from '../../src/kube/resources.ts';
import { GATEWAY_ACCOUNT, OPERATOR_ACCOUNT } from '../../src/rbac/accounts.ts';
import { startTestCluster } from '../support/demo-cluster.ts';
import { eventually } from '../support/eventually.ts';
import { expectToBecome, objectsIn, snapshotOf } from '../support/namespace-snapshot.ts';

/**
 * One operator and one gateway serve several classes. While one class is edited, deleted and made again, another one
 * is left alone: of that one nobody may write anything for a minute.
 */

const BOOT_TIMEOUT_MS = 240_000;
const TEST_TIMEOUT_MS = 240_000;
const QUIET_MS = 60_000;
/** What a class that just became ready may still write comes faster than this. */
const PAUSE_MS = 3_000;

const SETTLED = { namespace: 'settled', name: 'settled' };
const PYTHON = { namespace: 'python', name: 'python' };
const BIOLOGY = { namespace: 'biology', name: 'biology' };
const CHEMISTRY = { namespace: 'chemistry', name: 'chemistry' };

let cluster: DemoCluster;
/** Epoch ms. */
let settledSince: number;

beforeAll(async () => {
  cluster = await startTestCluster();
  await Promise.all([
    cluster.startOperator({ name: 'operator' }),
    cluster.startGateway({ name: 'gateway' }),
    enrol(cluster.client, SETTLED, ['alice', 'bo', 'chen'], 1),
    enrol(cluster.client, PYTHON, ['alice', 'bo'], 1),
  ]);
  await untilReady(SETTLED);
  await untilReady(PYTHON);
  settledSince = await lastWriteBeforePause(SETTLED);
}, BOOT_TIMEOUT_MS);

afterAll(() => cluster?.stop(), 60_000);

interface ClassRef {
  namespace: string;
  name: string;
}

/** All that operator and gateway wrote to a class and its seats, events too. */
async function ownWrites({ namespace }: ClassRef): Promise<AuditedWrite[]> {
  const users = [OPERATOR_ACCOUNT, GATEWAY_ACCOUNT].map(
    (account) => `system:serviceaccount:${account.namespace}:${account.name}`,
  );
  const writes = await cluster.controlPlane.auditedWrites();
  return writes.filter((write) => users.includes(write.user) && write.namespace === namespace);
}

/** When the last write before a pause was made: the class has settled. */
async function lastWriteBeforePause(ref: ClassRef): Promise<number> {
  return eventually(`no write to ${ref.name} for a while`, async () => {
    const lastMs = (await ownWrites(ref)).at(-1)?.at.getTime();
    return lastMs !== undefined && Date.now() - lastMs > PAUSE_MS ? lastMs : undefined;
  });
}

async function untilReady(ref: ClassRef): Promise<void> {
  const lesson = await followLesson(cluster.client, systemClock, ref);
  try {
    await lesson.untilReady(AbortSignal.timeout(BOOT_TIMEOUT_MS));
  } finally {
    await lesson.stop();
  }
}

const seatRef = (room: ClassRef, student: string) => ({
  namespace: room.namespace,
  name: `${room.name}-${student}`,
});

async function seatOf(room: ClassRef, student: string): Promise<StudentQuota> {
  const seat = await cluster.client.get(studentQuotas, seatRef(room, student));
  if (seat === undefined) throw new Error(`${student} has no seat in ${room.name}`);
  return seat;
}

const credentials = async (room: ClassRef, student: string): Promise<StudentCredentials> =>
  credentialsOf(cluster.client, await seatOf(room, student));

/** The status of one question: 200 when it was answered. */
async function ask({ apiKey, baseURL, model }: StudentCredentials): Promise<number> {
  const client = new OpenAI({ apiKey, baseURL, maxRetries: 0 });
  try {
    await client.chat.completions.create({
      model,
      max_tokens: 8,
      messages: [{ role: 'user', content: 'Say hello.' }],
    });
    return 200;
  } catch (error) {
    if (error instanceof OpenAI.APIError && typeof error.status === 'number') return error.status;
    throw error;
  }
}

const answers = (student: StudentCredentials, status: number) =>
  eventually(`${student.id} to get ${status}`, async () => (await ask(student)) === status);

async function conditionOf(room: ClassRef, type: string) {
  const object = await cluster.client.get(classrooms, room);
  return findCondition(object?.status?.conditions, type);
}

async function seatCondition(room: ClassRef, student: string, type: string) {
  return findCondition((await seatOf(room, student)).status?.conditions, type);
}

const engine = (room: ClassRef) => ({ namespace: room.namespace, name: `${room.name}-engine` });

interface ByHand {
  resource: Resource<KubeObject>;
  edit: Record<string, unknown>;
}

/** For every child, an edit of something that the operator wants otherwise. */
const CHILDREN: readonly ByHand[] = [
  { resource: serviceAccounts, edit: { automountServiceAccountToken: true } },
  {
    resource: networkPolicies,
    edit: { spec: { ingress: [{}], podSelector: { matchLabels: { app: 'nothing' } } } },
  },
  { resource: services, edit: { spec: { selector: { app: 'something-else' } } } },
  { resource: podDisruptionBudgets, edit: { spec: { maxUnavailable: 0 } } },
  { resource: deployments, edit: { spec: { replicas: 3 } } },
];

describe('a class that people edit by hand', () => {
  let before: Record<string, unknown>;

  beforeAll(async () => {
    before = await snapshotOf(cluster.client, PYTHON.namespace);
  });

  test.each(CHILDREN)(
    'takes back an edit of its $resource.kind, and a deletion',
    async ({ resource, edit }) => {
      const edited = await cluster.client.mergePatch<KubeObject>(resource, engine(PYTHON), edit);
      await expectToBecome(cluster.client, PYTHON.namespace, before);

      await cluster.client.delete(resource, engine(PYTHON));
      const renewed = await eventually('a new one', async () => {
        const object = await cluster.client.get(resource, engine(PYTHON));
        return object?.metadata.uid === edited.metadata.uid ? undefined : object;
      });
      expect(renewed.metadata.ownerReferences).toMatchObject([{ name: PYTHON.name, controller: true }]);
      await expectToBecome(cluster.client, PYTHON.namespace, before);
    },
    TEST_TIMEOUT_MS,
  );

  test('restores the base URL in a Secret and keeps the key', async () => {
    const alice = await credentials(PYTHON, 'alice');
    await cluster.client.mergePatch(
      secrets,
      { ...seatRef(PYTHON, 'alice-api-key') },
      { data: { OPENAI_BASE_URL: Buffer.from('http://wrong.test/v1').toString('base64') } },
    );
    await eventually('the base URL to be restored', async () =>
      isDeepStrictEqual(await credentials(PYTHON, 'alice'), alice),
    );
    expect(await ask(alice)).toBe(200);
  });

  test('makes a new key for a Secret that was deleted, and the old one ends', async () => {
    const old = await credentials(PYTHON, 'bo');
    expect(await ask(old)).toBe(200);
    await cluster.client.delete(secrets, { ...seatRef(PYTHON, 'bo-api-key') });
    await eventually('a new key', async () => {
      const condition = await seatCondition(PYTHON, 'bo', STUDENT_QUOTA_CONDITIONS.keyIssued);
      return condition?.reason === 'KeyReplaced';
    });
    const renewed = await credentials(PYTHON, 'bo');
    expect(renewed.apiKey).not.toBe(old.apiKey);
    await answers(renewed, 200);
    await answers(old, 401);
  });
});

describe('a class whose names are taken', () => {
  const foreignService = engine(BIOLOGY);
  const foreignSecret = { ...seatRef(BIOLOGY, 'alice-api-key') };

  test(
    'leaves what is not its own alone, says so, and is served once it is gone',
    async () => {
      const { client } = cluster;
      await client.create(namespaces, {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name: BIOLOGY.namespace },
      });
      const spec = { ports: [{ port: 80 }], selector: { app: 'other' } };
      const service = await client.create(services, {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: foreignService,
        spec,
      });
      const secret = await client.create(secrets, {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: foreignSecret,
        data: { password: 'eA==' },
      });
      await client.create(classroomManifests, demoClassroom(BIOLOGY, 1));
      for (const seat of demoStudentQuotas(BIOLOGY, ['alice', 'bo'])) {
        await client.create(studentQuotaManifests, seat);
      }

      const conflict = await eventually('the conflict of the class', async () => {
        const condition = await conditionOf(BIOLOGY, CLASSROOM_CONDITIONS.childrenApplied);
        return condition?.reason === 'NameConflict' ? condition : undefined;
      });
      expect(conflict.message).toContain('Service biology-engine');
      const taken = await eventually('the conflict of the seat', async () => {
        const condition = await seatCondition(BIOLOGY, 'alice', STUDENT_QUOTA_CONDITIONS.keyIssued);
        return condition?.reason === 'NameConflict' ? condition : undefined;
      });
      expect(taken.message).toContain('biology-alice-api-key');
      await eventually('the key of the other seat', async () => {
        const condition = await seatCondition(BIOLOGY, 'bo', STUDENT_QUOTA_CONDITIONS.keyIssued);
        return condition?.status === 'True';
      });
      expect(await client.get(services, foreignService)).toEqual(service);
      expect(await client.get(secrets, foreignSecret)).toEqual(secret);

      await client.delete(services, foreignService);
      await client.delete(secrets, foreignSecret);
      await untilReady(BIOLOGY);
      await answers(await credentials(BIOLOGY, 'alice'), 200);
    },
    TEST_TIMEOUT_MS,
  );
});

describe('a class that is deleted', () => {
  test(
    'takes its engines with it; the seats stay with their keys and wait for a class of that name',
    async () => {
      const alice = await credentials(BIOLOGY, 'alice');
      await cluster.client.delete(classrooms, BIOLOGY);
      const left = ['Secret', 'StudentQuota'].flatMap((kind) =>
        ['alice', 'bo'].map((id) => `${kind} biology-${id}${kind === 'Secret' ? '-api-key' : ''}`),
      );
      await eventually('only the seats to be left', async () => {
        const objects = [...(await objectsIn(cluster.client, BIOLOGY.namespace)).keys()];
        const { items } = await cluster.client.list(pods, { namespace: BIOLOGY.namespace });
        return items.length === 0 && isDeepStrictEqual(objects.filter(isNotGiven), left);
      });
      // The node agent hears of the pods' end by its watch, perhaps after we have read it.
      await eventually('no engine to be left on the nodes', () =>
        cluster.nodeAgent.pods().every(({ namespace }) => namespace !== BIOLOGY.namespace),
      );
      const condition = await eventually('the seat to say so', async () => {
        const found = await seatCondition(BIOLOGY, 'alice', STUDENT_QUOTA_CONDITIONS.classroomFound);
        return found?.status === 'False' ? found : undefined;
      });
      expect(condition.message).toContain('There is no Classroom biology');
      expect(await ask(alice)).not.toBe(200);

      await cluster.client.create(classroomManifests, demoClassroom(BIOLOGY, 1));
      await untilReady(BIOLOGY);
      await answers(alice, 200);
    },
    TEST_TIMEOUT_MS,
  );

  test(
    'leaves its model cache, for a download takes hours',
    async () => {
      const { client } = cluster;
      const { metadata, spec, ...manifest } = demoClassroom(CHEMISTRY, 1);
      const model = { ...spec.model, storage: { size: '5Gi' } };
      await client.create(namespaces, {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name: CHEMISTRY.namespace },
      });
      await client.create(classroomManifests, { ...manifest, metadata, spec: { ...spec, model } });
      await eventually('all objects of the class', async () => {
        const condition = await conditionOf(CHEMISTRY, CLASSROOM_CONDITIONS.childrenApplied);
        return condition?.status === 'True';
      });
      const claim = await client.get(persistentVolumeClaims, { ...CHEMISTRY, name: 'chemistry-models' });
      await client.delete(classrooms, CHEMISTRY);
      await eventually('only the claim to be left', async () => {
        const objects = [...(await objectsIn(client, CHEMISTRY.namespace)).keys()];
        return isDeepStrictEqual(objects.filter(isNotGiven), ['PersistentVolumeClaim chemistry-models']);
      });
      const kept = await client.get(persistentVolumeClaims, { ...CHEMISTRY, name: 'chemistry-models' });
      expect(kept?.metadata.uid).toBe(claim?.metadata.uid);
      expect(kept?.metadata.deletionTimestamp).toBeUndefined();
    },
    TEST_TIMEOUT_MS,
  );
});

/** The API server's own: every namespace has it. */
function isNotGiven(name: string): boolean {
  return name !== 'ServiceAccount default';
}

describe('a class that is left alone', () => {
  test(
    'costs not one write of operator and gateway in a minute',
    async () => {
      // Observed while it runs beside the other classes, so most of the minute is over already.
      await eventually('a minute to be over', () => Date.now() > settledSince + QUIET_MS, 2 * QUIET_MS);
      const writes = await ownWrites(SETTLED);
      expect(writes.length).toBeGreaterThan(10);
      expect(writes.filter(({ at }) => at.getTime() > settledSince)).toEqual([]);
      expect(await ask(await credentials(SETTLED, 'alice'))).toBe(200);
    },
    TEST_TIMEOUT_MS,
  );
});
