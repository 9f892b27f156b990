import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import OpenAI from 'openai';
import type { AdapterSpec } from '../../src/api/adapter.ts';
import { classrooms } from '../../src/api/classroom.ts';
import { findCondition } from '../../src/api/condition.ts';
import { credentialsOf, followLesson, type Lesson } from '../../src/demo/class/lesson.ts';
import {
  classroomManifests,
  demoClassroom,
  demoStudentQuotas,
  studentQuotaManifests,
} from '../../src/demo/class/roster.ts';
import type { DemoCluster, DemoProcess } from '../../src/demo/cluster.ts';
import { systemClock } from '../../src/kube/clock.ts';
import { namespaces, persistentVolumeClaims, persistentVolumes } from '../../src/kube/resources.ts';
import { OPERATOR_ACCOUNT } from '../../src/rbac/accounts.ts';
import { startTestCluster } from '../support/demo-cluster.ts';
import { eventually } from '../support/eventually.ts';

const CLASS = { namespace: 'python-101', name: 'python-101' };
const ENGINES = 2;
/** Five students to an engine. */
const IDS = ['alice', 'bo', 'chen', 'dana', 'emil', 'farid', 'gina', 'hugo', 'ines', 'jan'];
const BOOT_TIMEOUT_MS = 240_000;
const TEST_TIMEOUT_MS = 180_000;
const QUESTION = { messages: [{ role: 'user' as const, content: 'Write a SELECT.' }], max_tokens: 8 };
const SQL = 'qwen2.5-7b-instruct:sql-tutor';

let cluster: DemoCluster;
let operator: DemoProcess;
let lesson: Lesson;
/** The model volume, as this machine knows it. */
let volume: string;

beforeAll(async () => {
  cluster = await startTestCluster();
  volume = join(cluster.controlPlane.run.path, 'model-volume');
  await putAdapter('adapters/sql-1', { r: 8 });
  await Promise.all([
    cluster.startOperator({ name: 'operator' }).then((started) => {
      operator = started;
    }),
    cluster.startGateway({ name: 'gateway' }),
    enrolWithVolume(),
  ]);
  lesson = await followLesson(cluster.client, systemClock, CLASS);
  await lesson.untilReady(AbortSignal.timeout(BOOT_TIMEOUT_MS));
}, BOOT_TIMEOUT_MS * 2);

afterAll(async () => {
  await lesson?.stop();
  await cluster?.stop();
}, 60_000);

/** As a training program leaves it. */
async function putAdapter(path: string, config: object): Promise<void> {
  const folder = join(volume, path);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'adapter_config.json'), JSON.stringify(config));
  await writeFile(join(folder, 'adapter_model.safetensors'), '');
}

/** A class with a volume that all its engines mount, and one adapter. */
async function enrolWithVolume(): Promise<void> {
  const { client } = cluster;
  const { namespace } = CLASS;
  const size = { storage: '50Gi' };
  const shared = { accessModes: ['ReadWriteMany'], storageClassName: '' };
  await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  await client.create(persistentVolumes, {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: 'models' },
    spec: { ...shared, capacity: size, hostPath: { path: volume } },
  });
  await client.create(persistentVolumeClaims, {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'models', namespace },
    spec: { ...shared, volumeName: 'models', resources: { requests: size } },
  });
  const manifest = demoClassroom(CLASS, ENGINES);
  const { model } = manifest.spec;
  await client.create(classroomManifests, {
    ...manifest,
    spec: {
      ...manifest.spec,
      model: { ...model, storage: { claimName: 'models' } },
      adapters: [{ name: 'sql-tutor', path: 'adapters/sql-1' }],
    },
  });
  for (const seat of demoStudentQuotas(CLASS, IDS)) await client.create(studentQuotaManifests, seat);
}

async function setAdapters(adapters: Partial<AdapterSpec>[]): Promise<void> {
  await cluster.client.mergePatch(classrooms, CLASS, { spec: { adapters } });
}

const status = () => lesson.classroom()?.status;
const condition = () => findCondition(status()?.conditions, 'AdaptersLoaded');
const loadedByEngine = () => status()?.engines?.map(({ adapters }) => adapters ?? []);

async function untilLoaded(): Promise<void> {
  await eventually(
    'all engines have the adapters',
    () => condition()?.status === 'True' && status()?.readyReplicas === ENGINES,
    TEST_TIMEOUT_MS,
  );
}

/** What the operator wrote to the class since then, events aside. */
async function operatorWritesSince(ms: number): Promise<string[]> {
  const user = `system:serviceaccount:${OPERATOR_ACCOUNT.namespace}:${OPERATOR_ACCOUNT.name}`;
  const writes = await cluster.controlPlane.auditedWrites();
  return writes
    .filter((write) => write.user === user && write.namespace === CLASS.namespace)
    .filter(({ at, resource }) => at.getTime() >= ms && resource !== 'events')
    .map(({ verb, resource }) => `${verb} ${resource}`);
}

async function client(id: string): Promise<OpenAI> {
  const seat = lesson.seats().find(({ spec }) => spec.student.id === id);
  if (seat === undefined) throw new Error(`${id} has no seat`);
  const { apiKey, baseURL } = await credentialsOf(cluster.client, seat);
  return new OpenAI({ apiKey, baseURL, maxRetries: 0 });
}

/** What every engine says it serves, asked as the operator asks it. */
async function servedByEngines(): Promise<string[][]> {
  return Promise.all(
    cluster.nodeAgent.pods().map(async ({ endpoint }) => {
      const answer = await fetch(`http://${endpoint}/v1/models`);
      const { data } = (await answer.json()) as { data: { id: string; root: string }[] };
      return data.filter(({ id }) => id.includes(':')).map(({ id, root }) => `${id} ${root}`);
    }),
  );
}

describe('A class with an adapter on two engines', () => {
  test('has it on both, shows that for each, and the spec leaves no field unheeded', async () => {
    await untilLoaded();
    expect(await servedByEngines()).toEqual(Array(ENGINES).fill([`${SQL} /models/adapters/sql-1`]));
    expect(loadedByEngine()).toEqual([['sql-tutor'], ['sql-tutor']]);
    expect(status()?.adapters).toEqual([
      {
        name: 'sql-tutor',
        model: SQL,
        path: 'adapters/sql-1',
        state: 'Loaded',
        loadedEngines: ENGINES,
      },
    ]);
    expect(findCondition(status()?.conditions, 'FeaturePending')?.status).toBe('False');
  });

  test.each([SQL, 'class-model:sql-tutor'])('lets a student ask it as %s', async (model) => {
    await untilLoaded();
    const alice = await client('alice');
    const answer = await alice.chat.completions.create({ model, ...QUESTION });
    expect([answer.model, answer.choices[0]?.message.content]).toEqual([SQL, expect.stringMatching(/\S/)]);
    const { data } = await alice.models.list();
    expect(data.map(({ id }) => id)).toContain(SQL);
  });

  test(
    'has it again on an engine that died',
    async () => {
      await untilLoaded();
      const [pod] = cluster.nodeAgent.pods();
      if (pod === undefined) throw new Error('there is no engine');
      cluster.nodeAgent.fail(
        { namespace: pod.namespace, name: pod.name },
        { kind: 'EngineDeath', afterSeconds: 0, times: 1 },
      );
      await eventually('the engine is gone', async () => {
        const served = await servedByEngines().catch(() => []);
        return served.filter((adapters) => adapters.length > 0).length < ENGINES;
      });
      await eventually(
        'both engines serve it',
        async () => {
          const served = await servedByEngines().catch(() => []);
          return served.filter((adapters) => adapters.length > 0).length === ENGINES;
        },
        TEST_TIMEOUT_MS,
      );
      const bo = await client('bo');
      await eventually('a student is answered by it', () =>
        bo.chat.completions.create({ model: SQL, ...QUESTION }).then(
          (answer) => answer.model === SQL,
          () => false,
        ),
      );
      await untilLoaded();
    },
    TEST_TIMEOUT_MS * 2,
  );

  test('is settled: an operator that starts anew finds the adapters and writes nothing', async () => {
    await untilLoaded();
    await operator.stop('SIGKILL');
    const sinceMs = Date.now();
    operator = await cluster.startOperator({ name: 'operator-2' });
    await eventually('it has looked at the class and its adapters', async () => {
      const text = await (await fetch(`${operator.healthUrl}/metrics`)).text();
      const passes = (controller: string) =>
        new RegExp(`reconciles_total\\{controller="${controller}",outcome="[a-z_]+"\\} [1-9]`).test(text);
      return passes('adapter') && passes('classroom');
    });
    expect(await operatorWritesSince(sinceMs)).toEqual([]);
    expect(await servedByEngines()).toEqual(Array(ENGINES).fill([`${SQL} /models/adapters/sql-1`]));
  });

  test('is without it in an exam, and has it again afterwards', async () => {
    await untilLoaded();
    const gina = await client('gina');
    const ask = () =>
      gina.chat.completions.create({ model: SQL, ...QUESTION }).then(
        () => 'answered',
        (error: unknown) => (error instanceof OpenAI.APIError ? error.code : error),
      );
    const setAccess = (access: 'Open' | 'Exam') =>
      cluster.client.mergePatch(classrooms, CLASS, { spec: { access, exam: {} } });
    await setAccess('Exam');
    await eventually('it is refused', async () => (await ask()) === 'adapters_not_allowed');
    expect((await gina.models.list()).data.map(({ id }) => id)).not.toContain(SQL);
    await setAccess('Open');
    await eventually('it is answered', async () => (await ask()) === 'answered');
  });

  test(
    'goes on with its model when another adapter is broken, and says what is wrong with it',
    async () => {
      await putAdapter('adapters/too-large', { r: 64 });
      await setAdapters([
        { name: 'sql-tutor', path: 'adapters/sql-1' },
        { name: 'haiku', path: 'adapters/too-large' },
      ]);
      const failed = await eventually('the condition says so', () => {
        const now = condition();
        return now?.reason === 'AdapterFailed' ? now : undefined;
      });
      expect(failed.message).toContain("Adapter 'haiku' is not loaded: its rank is higher");
      expect(failed.message).toContain('LoRA rank 64 is greater than max_lora_rank 16');
      expect(findCondition(status()?.conditions, 'Ready')?.status).toBe('True');
      const chen = await client('chen');
      const model = 'qwen2.5-7b-instruct';
      expect((await chen.chat.completions.create({ model, ...QUESTION })).model).toBe(model);
      expect((await chen.chat.completions.create({ model: SQL, ...QUESTION })).model).toBe(SQL);
      const refused = chen.chat.completions.create({ model: `${model}:haiku`, ...QUESTION });
      await expect(refused).rejects.toMatchObject({ status: 503, code: 'adapter_not_loaded' });
    },
    TEST_TIMEOUT_MS,
  );

  test(
    'waits for files that are still on their way, and takes the new version in the place of the old one',
    async () => {
      await setAdapters([{ name: 'sql-tutor', path: 'adapters/sql-2' }]);
      await eventually('the condition says what it waits for', () =>
        condition()?.message.includes("the folder 'adapters/sql-2'"),
      );
      await putAdapter('adapters/sql-2', { r: 8 });
      await untilLoaded();
      expect(await servedByEngines()).toEqual(Array(ENGINES).fill([`${SQL} /models/adapters/sql-2`]));
      await rm(join(volume, 'adapters/sql-1'), { recursive: true });
      const dana = await client('dana');
      expect((await dana.chat.completions.create({ model: SQL, ...QUESTION })).model).toBe(SQL);
    },
    TEST_TIMEOUT_MS,
  );

  test(
    'has nothing loaded after its last adapter left the spec, and students are told so',
    async () => {
      await setAdapters([]);
      await eventually('no engine lists an adapter', () =>
        loadedByEngine()?.every((names) => names.length === 0),
      );
      const emil = await client('emil');
      await eventually('students are told', () =>
        emil.chat.completions.create({ model: SQL, ...QUESTION }).then(
          () => false,
          (error: unknown) => error instanceof OpenAI.NotFoundError && error.code === 'model_not_found',
        ),
      );
      expect(condition()).toBeUndefined();
    },
    TEST_TIMEOUT_MS,
  );
});
