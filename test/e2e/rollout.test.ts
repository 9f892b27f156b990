import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import OpenAI from 'openai';
import { type Classroom, type ClassroomSpecInput, classrooms } from '../../src/api/classroom.ts';
import { findCondition } from '../../src/api/condition.ts';
import { ENGINE_POD_SELECTOR } from '../../src/api/labels.ts';
import { CLASSROOM_CONDITIONS } from '../../src/api/reasons.ts';
import { studentQuotas } from '../../src/api/student-quota.ts';
import { credentialsOf } from '../../src/demo/class/lesson.ts';
import { classroomManifests, demoStudentQuotas, studentQuotaManifests } from '../../src/demo/class/roster.ts';
import type { StudentCredentials } from '../../src/demo/class/students.ts';
import type { DemoCluster, DemoProcess } from '../../src/demo/cluster.ts';
import { systemClock } from '../../src/kube/clock.ts';
import { createInformer } from '../../src/kube/informer.ts';
import { isReady } from '../../src/kube/readiness.ts';
import { deployments, namespaces, type Pod, pods } from '../../src/kube/resources.ts';
import { startTestCluster } from '../support/demo-cluster.ts';
import { eventually } from '../support/eventually.ts';

/** What happens to engines when a class changes, on nodes that have no GPU to spare. */

const NODES = `nodes:
- {name: whole, gpu: {product: NVIDIA-A10}}
- {name: broken, gpu: {product: NVIDIA-L40S}}
- {name: shared, gpu: {product: NVIDIA-L4, sharing: {timeSlicing: {replicas: 4}}}}`;
/** Slow enough that an answer is still running when its engine is told to end. */
const ENGINE_SPEED = 0.5;
/** More than twice the time between two looks of the operator at an engine. */
const IDLE_SECONDS = 25;
const TIMEOUT_MS = 240_000;

let cluster: DemoCluster;
let operator: DemoProcess;

const startOperator = (name: string) =>
  cluster.startOperator({ name, flags: [`--rollout-idle-seconds=${IDLE_SECONDS}`] });

beforeAll(async () => {
  cluster = await startTestCluster({ nodes: NODES, engineSpeed: ENGINE_SPEED });
  [operator] = await Promise.all([startOperator('operator'), cluster.startGateway({ name: 'gateway' })]);
}, TIMEOUT_MS);

afterAll(() => cluster?.stop(), 60_000);

interface Room {
  namespace: string;
  name: string;
}

async function openClass(name: string, spec: ClassroomSpecInput, students: readonly string[]): Promise<Room> {
  const room = { namespace: name, name };
  const { client } = cluster;
  await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  await client.create(classroomManifests, {
    apiVersion: 'gpu-classroom.io/v1alpha1',
    kind: 'Classroom',
    metadata: room,
    spec,
  });
  for (const seat of demoStudentQuotas(room, students)) await client.create(studentQuotaManifests, seat);
  return room;
}

async function classOf(room: Room): Promise<Classroom> {
  const classroom = await cluster.client.get(classrooms, room);
  if (classroom === undefined) throw new Error(`there is no class ${room.name}`);
  return classroom;
}

const conditionOf = async (room: Room, type: string) =>
  findCondition((await classOf(room)).status?.conditions, type);

const untilReady = (room: Room) =>
  eventually(`${room.name} to be ready`, async () => {
    const ready = await conditionOf(room, CLASSROOM_CONDITIONS.ready);
    return ready?.status === 'True';
  });

async function enginesOf({ namespace }: Room): Promise<Pod[]> {
  return (await cluster.client.list(pods, { namespace, labelSelector: ENGINE_POD_SELECTOR })).items;
}

const argumentsOf = (pod: Pod): string => pod.spec?.containers[0]?.args?.join(' ') ?? '';

const untilEngineRuns = (room: Room, argument: string) =>
  eventually(`an engine with ${argument} to answer`, async () => {
    const engines = await enginesOf(room);
    return (
      engines.length === 1 && engines.every((pod) => isReady(pod) && argumentsOf(pod).includes(argument))
    );
  });

async function credentials(room: Room, student: string): Promise<StudentCredentials> {
  const seat = await eventually(`the key of ${student}`, async () => {
    const found = await cluster.client.get(studentQuotas, { ...room, name: `${room.name}-${student}` });
    return found?.status?.secretName === undefined ? undefined : found;
  });
  return credentialsOf(cluster.client, seat);
}

interface Streamed {
  finishReason: string | null | undefined;
  text: string;
}

/** A streamed answer from its first word on. */
async function beginAnswer({ apiKey, baseURL, model }: StudentCredentials, maxTokens: number) {
  const client = new OpenAI({ apiKey, baseURL, maxRetries: 0 });
  const stream = await client.chat.completions.create({
    model,
    stream: true,
    max_tokens: maxTokens,
    messages: [{ role: 'user', content: 'Write a Python function that sorts a list of words.' }],
  });
  const chunks = stream[Symbol.asyncIterator]();
  const first = await chunks.next();
  const rest = async (): Promise<Streamed> => {
    const answer: Streamed = { finishReason: undefined, text: first.value?.choices[0]?.delta.content ?? '' };
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
      const [choice] = next.value.choices;
      answer.text += choice?.delta.content ?? '';
      answer.finishReason = choice?.finish_reason ?? answer.finishReason;
    }
    return answer;
  };
  return { rest };
}

const ON_ONE_GPU: ClassroomSpecInput = {
  model: { id: 'Qwen/Qwen2.5-7B-Instruct', servedName: 'qwen' },
  gpu: { product: 'NVIDIA-A10' },
  engine: { replicas: { min: 1, max: 1, studentsPerReplica: 5 } },
  limits: { perStudent: { requestsPerMinute: 10_000, tokensPerMinute: 10_000_000, maxOutputTokens: 1024 } },
};

describe('a class that has the only GPU', () => {
  let room: Room;
  let alice: StudentCredentials;

  beforeAll(async () => {
    room = await openClass('python', ON_ONE_GPU, ['alice', 'bo']);
    await untilReady(room);
    alice = await credentials(room, 'alice');
  }, TIMEOUT_MS);

  const change = (engine: object) => cluster.client.mergePatch(classrooms, room, { spec: { engine } });

  test(
    'is planned, and says that it fits and how',
    async () => {
      const fits = await conditionOf(room, CLASSROOM_CONDITIONS.fits);
      expect(fits).toMatchObject({ status: 'True', reason: 'PlanFits' });
      const { plan } = (await classOf(room)).status ?? {};
      expect(plan?.kvCacheTokens).toBeGreaterThan(0);
      const [engine] = await enginesOf(room);
      expect(engine && argumentsOf(engine)).toMatch(/--kv-cache-memory-bytes \d+/);
    },
    TIMEOUT_MS,
  );

  test(
    'keeps its engine while students work, says what waits, and changes when they are done',
    async () => {
      const working = new AbortController();
      const answers: Promise<Streamed[]> = (async () => {
        const done: Streamed[] = [];
        while (!working.signal.aborted) done.push(await (await beginAnswer(alice, 16)).rest());
        return done;
      })();
      const [before] = await enginesOf(room);
      await change({ maxNumSeqs: 32 });
      const pending = await eventually('the change to wait', async () => {
        const condition = await conditionOf(room, CLASSROOM_CONDITIONS.rolloutPending);
        return condition?.status === 'True' ? condition : undefined;
      });
      expect(pending.reason).toBe('AwaitingIdle');
      expect(pending.message).toContain('--max-num-seqs');
      expect(pending.message).toContain('The last engine took');
      expect((await classOf(room)).status?.plan?.maxNumSeqs).not.toBe(32);

      working.abort();
      const all = await answers;
      const [still] = await enginesOf(room);
      expect(still?.metadata.uid).toBe(before?.metadata.uid);
      expect(all.every(({ finishReason }) => finishReason === 'length' || finishReason === 'stop')).toBe(
        true,
      );

      // The only GPU is taken: a new engine can come up only where the old one went first.
      await untilEngineRuns(room, '--max-num-seqs 32');
      await eventually('nothing to wait any more', async () => {
        const condition = await conditionOf(room, CLASSROOM_CONDITIONS.rolloutPending);
        return condition?.status === 'False';
      });
      expect((await classOf(room)).status?.plan?.maxNumSeqs).toBe(32);
    },
    TIMEOUT_MS,
  );

  test(
    'a change that shall not wait gives the student who is being answered the rest of the answer',
    async () => {
      await untilReady(room);
      const answer = await beginAnswer(alice, 512);
      const [{ metadata: before } = { metadata: { name: '' } }] = await enginesOf(room);
      await change({ rollout: 'Immediately', maxNumSeqs: 40 });
      // It has been deleted, and told to end, and the student still waits for the rest.
      await eventually('the engine to finish what it has', async () => {
        const log = await cluster.nodeAgent.logs({ namespace: room.namespace, name: before.name });
        return log.includes('draining in-flight requests count=1');
      });
      const { finishReason, text } = await answer.rest();
      expect(['length', 'stop']).toContain(finishReason);
      expect(text).not.toBe('');
      await untilEngineRuns(room, '--max-num-seqs 40');
      const after = await eventually('the new engine to answer', () =>
        beginAnswer(alice, 8).catch(() => undefined),
      );
      expect((await after.rest()).finishReason).toBe('length');
    },
    TIMEOUT_MS,
  );

  test(
    'a change that does not fit leaves the engine as it is, and says why',
    async () => {
      await untilReady(room);
      const [before] = await enginesOf(room);
      await cluster.client.mergePatch(classrooms, room, {
        spec: { model: { id: 'Qwen/Qwen2.5-14B-Instruct' } },
      });
      const fits = await eventually('the plan to be refused', async () => {
        const condition = await conditionOf(room, CLASSROOM_CONDITIONS.fits);
        return condition?.status === 'False' ? condition : undefined;
      });
      expect(fits.message).toContain('The sum: ');
      const [after] = await enginesOf(room);
      expect(after?.metadata.uid).toBe(before?.metadata.uid);
      expect((await (await beginAnswer(alice, 8)).rest()).finishReason).toBe('length');
    },
    TIMEOUT_MS,
  );
});

test(
  'a class that never fitted has no engine at all',
  async () => {
    const spec = { ...ON_ONE_GPU, model: { id: 'Qwen/Qwen2.5-14B-Instruct' } };
    const room = await openClass('too-large', spec, []);
    const fits = await eventually('the plan to be refused', async () => {
      const condition = await conditionOf(room, CLASSROOM_CONDITIONS.fits);
      return condition?.status === 'False' ? condition : undefined;
    });
    const ready = await conditionOf(room, CLASSROOM_CONDITIONS.ready);
    expect(ready).toMatchObject({ status: 'False', reason: fits.reason });
    const { items } = await cluster.client.list(deployments, { namespace: room.namespace });
    expect(items).toEqual([]);
  },
  TIMEOUT_MS,
);

test(
  'an engine that cannot start is replaced at once by one of a better spec, also where changes wait for idle engines',
  async () => {
    const failure = cluster.nodeAgent.fail({ namespace: 'broken' }, { kind: 'CrashAtStart' });
    const room = await openClass('broken', { ...ON_ONE_GPU, gpu: { product: 'NVIDIA-L40S' } }, []);
    await eventually('the engine to fail', async () =>
      (await classOf(room)).status?.engines?.some(({ state }) => state === 'Failing'),
    );
    await cluster.client.mergePatch(classrooms, room, {
      spec: { engine: { extraArgs: ['--enforce-eager'] } },
    });
    await eventually('its successor', async () =>
      (await enginesOf(room)).some((pod) => argumentsOf(pod).includes('--enforce-eager')),
    );
    failure.cancel();
    await untilEngineRuns(room, '--enforce-eager');
    const pending = await conditionOf(room, CLASSROOM_CONDITIONS.rolloutPending);
    expect(pending?.status).toBe('False');
  },
  TIMEOUT_MS,
);

describe('four engines on one GPU', () => {
  const FOUR: ClassroomSpecInput = {
    model: { id: 'Qwen/Qwen2.5-1.5B-Instruct', servedName: 'qwen' },
    gpu: { sharing: 'TimeSliced', slicesPerGPU: 4, product: 'NVIDIA-L4' },
    engine: { replicas: { min: 4, max: 4 } },
  };

  /** On a node, and not past its startup probe. */
  const isStarting = (pod: Pod): boolean =>
    pod.spec?.nodeName !== undefined &&
    pod.metadata.deletionTimestamp === undefined &&
    pod.status?.containerStatuses?.[0]?.started !== true;

  test(
    'start one by one, also when the operator is killed between two of them',
    async () => {
      const informer = createInformer<Pod>({
        client: cluster.client,
        clock: systemClock,
        random: Math.random,
        resource: pods,
        namespace: 'shared',
        labelSelector: ENGINE_POD_SELECTOR,
      });
      const startingTogether: string[][] = [];
      informer.store.subscribe(() => {
        const starting = informer.store.list().filter(isStarting);
        startingTogether.push(starting.map(({ metadata }) => metadata.name));
      });
      informer.start();
      await informer.synced();
      const answering = () => informer.store.list().filter(isReady).length;

      const room = await openClass('shared', FOUR, ['alice']);
      await eventually('two engines to answer', () => answering() >= 2);
      await operator.stop('SIGKILL');
      operator = await startOperator('operator-2');
      await untilReady(room);
      await informer.stop();

      expect(answering()).toBe(4);
      expect(startingTogether.some(({ length }) => length === 1)).toBe(true);
      expect(startingTogether.filter(({ length }) => length > 1)).toEqual([]);
    },
    TIMEOUT_MS,
  );

  test(
    'are replaced one by one, so that the class goes on',
    async () => {
      const room = { namespace: 'shared', name: 'shared' };
      await cluster.client.mergePatch(classrooms, room, {
        spec: { engine: { rollout: 'Immediately', maxNumSeqs: 24 } },
      });
      const readySeen: number[] = [];
      await eventually(
        'all four to be new',
        async () => {
          const engines = await enginesOf(room);
          readySeen.push(engines.filter(isReady).length);
          return (
            engines.filter(isReady).length === 4 &&
            engines.every((pod) => argumentsOf(pod).includes('--max-num-seqs 24'))
          );
        },
        TIMEOUT_MS,
      );
      expect(Math.min(...readySeen)).toBeGreaterThanOrEqual(3);
    },
    TIMEOUT_MS,
  );

  test(
    'are left as they are when students ask before it was their turn to be replaced',
    async () => {
      const room = { namespace: 'shared', name: 'shared' };
      const alice = await credentials(room, 'alice');
      const isNew = (pod: Pod) => argumentsOf(pod).includes('--max-num-seqs 32');
      await cluster.client.mergePatch(classrooms, room, {
        spec: { engine: { rollout: 'WhenIdle', maxNumSeqs: 32 } },
      });
      await eventually('the first to be replaced', async () => (await enginesOf(room)).some(isNew));

      const working = new AbortController();
      const answers = (async () => {
        let count = 0;
        for (; !working.signal.aborted; count++) await (await beginAnswer(alice, 64)).rest();
        return count;
      })();
      await eventually('the others to be left', async () => {
        const deployment = await cluster.client.get(deployments, { ...room, name: 'shared-engine' });
        const { generation } = deployment?.metadata ?? {};
        return deployment?.spec?.paused === true && deployment.status?.observedGeneration === generation;
      });
      const pending = await eventually('that to be said', async () => {
        const condition = await conditionOf(room, CLASSROOM_CONDITIONS.rolloutPending);
        return condition?.status === 'True' ? condition : undefined;
      });
      expect(pending.message).toContain('Some engines still run without the last change');
      const left = (await enginesOf(room)).filter(
        (pod) => !isNew(pod) && pod.metadata.deletionTimestamp === undefined,
      );
      expect(left.length).toBeGreaterThan(0);

      // From here on the next one would go.
      await eventually('all four to answer', async () => {
        const engines = await enginesOf(room);
        return engines.length === 4 && engines.every(isReady);
      });
      const uids = (engines: readonly Pod[]) => engines.map(({ metadata }) => metadata.uid);
      expect(uids(await enginesOf(room))).toEqual(expect.arrayContaining(uids(left)));
      working.abort();
      expect(await answers).toBeGreaterThan(0);
      await eventually(
        'all four to be new',
        async () => (await enginesOf(room)).filter((pod) => isNew(pod) && isReady(pod)).length === 4,
        TIMEOUT_MS,
      );
    },
    TIMEOUT_MS,
  );
});
