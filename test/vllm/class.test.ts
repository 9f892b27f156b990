import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import OpenAI from 'openai';
import { classrooms } from '../../src/api/classroom.ts';
import { API_GROUP_VERSION } from '../../src/api/group.ts';
import { ENGINE_PORT } from '../../src/api/labels.ts';
import { ensureBinaries, ensureOptionsOf } from '../../src/demo/binaries/ensure.ts';
import { everyoneAnswered, letThemWork } from '../../src/demo/class/at-work.ts';
import { credentialsOf, followLesson, type Lesson } from '../../src/demo/class/lesson.ts';
import {
  type ClassroomManifest,
  classroomManifests,
  demoStudentQuotas,
  studentIds,
  studentQuotaManifests,
} from '../../src/demo/class/roster.ts';
import type { StudentCredentials } from '../../src/demo/class/students.ts';
import { type DemoCluster, startDemoCluster } from '../../src/demo/cluster.ts';
import { type EngineFigures, readEngineFigures } from '../../src/demo/engine-figures.ts';
import type { PlayedPod } from '../../src/demo/node-agent/agent.ts';
import { readNodeFile } from '../../src/demo/node-agent/nodes/description.ts';
import { installedVllm } from '../../src/demo/node-agent/runtimes/vllm.ts';
import { systemClock } from '../../src/kube/clock.ts';
import { createInformer, type Informer } from '../../src/kube/informer.ts';
import { namespaces, type Pod, pods } from '../../src/kube/resources.ts';
import { eventually } from '../support/eventually.ts';
import { installedVllmOf } from './installed.ts';

const CLASS = { namespace: 'python-101', name: 'python-101' };
const IDS = studentIds(4);
/** One machine with one GPU, which vLLM for CPUs does not miss. */
const NODES = 'nodes: [{name: desk, gpu: {product: NVIDIA-A10}}]';
const SERVED_NAME = 'tiny';
const CONTEXT_TOKENS = 4096;
/** Seconds of work for the engine: something can happen while it runs. It must fit into vLLM's 60 s after SIGTERM. */
const LONG_ANSWER_TOKENS = 3900;
/** Greedy, and so the same each time: the tiny model never comes to an end by itself then. */
const LONG_ANSWER = { max_tokens: LONG_ANSWER_TOKENS, temperature: 0 };
/** Less than the students ask at once: some requests wait in the engine. */
const SEQUENCES = 2;
/** vLLM starts in 20 s to three minutes: on two cores, with cold caches, next to other work. */
const START_TIMEOUT_MS = 600_000;
/** Grace period of an engine's pod (80 s), and time for the cluster to notice. */
const STOP_TIMEOUT_MS = 120_000;
const QUESTION = [{ role: 'user' as const, content: 'Write a Python function that adds two numbers.' }];

function classroom(model: string): ClassroomManifest {
  return {
    apiVersion: API_GROUP_VERSION,
    kind: classrooms.kind,
    metadata: CLASS,
    spec: {
      model: { id: model, servedName: SERVED_NAME, maxModelLen: CONTEXT_TOKENS },
      engine: { replicas: { max: 1, studentsPerReplica: IDS.length }, maxNumSeqs: SEQUENCES },
      limits: { perStudent: { maxOutputTokens: LONG_ANSWER_TOKENS } },
    },
  };
}

/** This process's environment, with a temporary folder for the sockets that vLLM leaves behind. */
function engineEnvironment(temporaryFolder: string): Record<string, string> {
  const own = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return { ...Object.fromEntries(own), TMPDIR: temporaryFolder };
}

describe('A class on a vLLM that is installed on this machine', () => {
  let temporaryFolder: string;
  let cluster: DemoCluster;
  let lesson: Lesson;
  let podInformer: Informer<Pod>;
  /** Exit codes of engines, by the name of their pod. */
  const exitCodes = new Map<string, number>();

  beforeAll(async () => {
    const { program, model } = installedVllmOf(process.env);
    temporaryFolder = await mkdtemp(join(tmpdir(), 'vllm-'));
    cluster = await startDemoCluster({
      binaries: await ensureBinaries(ensureOptionsOf(process)),
      nodes: readNodeFile(NODES, 'the nodes of this test'),
      runtimes: [installedVllm({ program, environment: engineEnvironment(temporaryFolder) })],
      report: () => {},
    });
    const { client } = cluster;
    podInformer = createInformer({
      resource: pods,
      client,
      clock: systemClock,
      random: Math.random,
      namespace: CLASS.namespace,
    });
    podInformer.store.subscribe(({ object: { metadata, status } }) => {
      const ended = status?.containerStatuses?.[0]?.state?.terminated;
      if (ended !== undefined) exitCodes.set(metadata.name, ended.exitCode);
    });
    podInformer.start();
    await Promise.all([
      cluster.startOperator({ name: 'operator' }),
      cluster.startGateway({ name: 'gateway' }),
    ]);
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: CLASS.namespace } };
    await client.create(namespaces, namespace);
    await client.create(classroomManifests, classroom(model));
    for (const seat of demoStudentQuotas(CLASS, IDS)) await client.create(studentQuotaManifests, seat);
    lesson = await followLesson(client, systemClock, CLASS);
    await lesson.untilReady(AbortSignal.timeout(START_TIMEOUT_MS));
  }, START_TIMEOUT_MS * 2);

  afterAll(async () => {
    await lesson?.stop();
    await podInformer?.stop();
    await cluster?.stop();
    if (temporaryFolder !== undefined) await rm(temporaryFolder, { recursive: true, force: true });
  }, STOP_TIMEOUT_MS);

  const credentials = (id: string): Promise<StudentCredentials> => {
    const seat = lesson.seats().find(({ spec }) => spec.student.id === id);
    if (seat === undefined) throw new Error(`${id} has no seat`);
    return credentialsOf(cluster.client, seat);
  };
  const openAI = async (id: string): Promise<OpenAI> => {
    const { apiKey, baseURL } = await credentials(id);
    return new OpenAI({ apiKey, baseURL, maxRetries: 0 });
  };
  const longAnswer = async (id: string) =>
    (await openAI(id)).chat.completions.create({
      model: SERVED_NAME,
      messages: QUESTION,
      ...LONG_ANSWER,
      stream: true,
      stream_options: { include_usage: true },
    });
  const readToTheEnd = async (stream: Awaited<ReturnType<typeof longAnswer>>) => {
    let completionTokens = 0;
    let finishReason: string | null = null;
    for await (const { choices, usage } of stream) {
      finishReason = choices[0]?.finish_reason ?? finishReason;
      completionTokens = usage?.completion_tokens ?? completionTokens;
    }
    return { finishReason, completionTokens };
  };
  const engine = (): PlayedPod => {
    const [pod, ...others] = cluster.nodeAgent.pods();
    if (pod === undefined || others.length > 0) throw new Error(`${others.length + 1} pods, not one`);
    return pod;
  };
  const ask = async (path: string): Promise<Response> =>
    fetch(`http://${engine().address}:${ENGINE_PORT}${path}`);
  const figures = async (): Promise<EngineFigures> => {
    const found = readEngineFigures(await (await ask('/metrics')).text());
    if (found === undefined) throw new Error('the engine tells nothing of itself');
    return found;
  };
  const untilReady = () => lesson.untilReady(AbortSignal.timeout(START_TIMEOUT_MS));

  test('vLLM takes the operator’s arguments as they are', async () => {
    expect(await (await ask('/v1/models')).json()).toMatchObject({
      data: [{ id: SERVED_NAME, max_model_len: CONTEXT_TOKENS }],
    });
    const log = await cluster.nodeAgent.logs(engine());
    expect(log).toContain(`'max_num_seqs': ${SEQUENCES}`);
    expect(log).toMatch(/'shutdown_timeout': 60\b/);
    // What it does not know in the environment it names, and goes on.
    expect(log).not.toContain('Unknown vLLM environment variable');
    // Probes have asked for it all the time.
    expect(log).not.toContain('GET /health');
  });

  test('every student is answered, streamed and not, and told to the token what was generated', async () => {
    const before = await figures();
    const { students, done } = letThemWork({
      credentials: await Promise.all(IDS.map(credentials)),
      rounds: 2,
      maxThinkMs: 200,
      clock: systemClock,
      random: Math.random,
      signal: AbortSignal.timeout(240_000),
    });
    await done;

    expect(students.filter(({ failed }) => failed > 0)).toEqual([]);
    expect(everyoneAnswered(students)).toBe(true);
    expect(students.map(({ streamed, answered }) => ({ streamed, answered }))).toEqual(
      IDS.map(() => ({ streamed: 1, answered: 2 })),
    );
    const told = students.reduce((sum, { completionTokens }) => sum + completionTokens, 0);
    expect((await figures()).generatedTokens - before.generatedTokens).toBe(told);
  }, 300_000);

  test('completions and responses are served, streamed and not', async () => {
    const client = await openAI('alice');
    const wish = { model: SERVED_NAME, prompt: 'def add(', max_tokens: 8 };
    const whole = await client.completions.create(wish);
    expect(whole.usage?.completion_tokens).toBe(8);
    let text = '';
    for await (const { choices } of await client.completions.create({ ...wish, stream: true })) {
      text += choices[0]?.text ?? '';
    }
    expect(text).not.toBe('');

    const question = { model: SERVED_NAME, input: 'Say hello.', max_output_tokens: 16 };
    expect((await client.responses.create(question)).output_text).not.toBe('');
    const events: string[] = [];
    for await (const event of await client.responses.create({ ...question, stream: true })) {
      events.push(event.type);
    }
    expect(events.at(0)).toBe('response.created');
    expect(['response.completed', 'response.incomplete']).toContain(events.at(-1));
  });

  test('a question that is too long is refused in OpenAI’s words', async () => {
    const client = await openAI('alice');
    const content = 'word '.repeat(CONTEXT_TOKENS * 3);
    await expect(
      client.chat.completions.create({ model: SERVED_NAME, messages: [{ role: 'user', content }] }),
    ).rejects.toMatchObject({
      status: 400,
      code: 'context_length_exceeded',
      message: expect.stringContaining(String(CONTEXT_TOKENS)),
    });
  });

  test('an answer nobody reads any more is not generated to its end', async () => {
    const before = await figures();
    const stream = await longAnswer('bo');
    for await (const _ of stream) break;
    const after = await eventually('the engine is idle', async () => {
      const now = await figures();
      return now.running === 0 && now.waiting === 0 ? now : undefined;
    });
    expect(after.generatedTokens - before.generatedTokens).toBeLessThan(LONG_ANSWER_TOKENS);
  });

  test(
    'an engine that is drained finishes the answers it has begun',
    async () => {
      const { name } = engine();
      const streams = await Promise.all(['alice', 'bo'].map(longAnswer));
      await cluster.client.delete(pods, { ...CLASS, name });
      const answers = await Promise.all(streams.map(readToTheEnd));
      const whole = { finishReason: 'length', completionTokens: LONG_ANSWER_TOKENS };
      expect(answers).toEqual([whole, whole]);
      await eventually('the pod has ended', () => exitCodes.has(name), STOP_TIMEOUT_MS);
      expect(exitCodes.get(name)).toBe(0);
      await eventually('its successor is there', () => cluster.nodeAgent.pods()[0]?.name !== name);
    },
    STOP_TIMEOUT_MS * 2,
  );

  test(
    'an engine that dies ends its streams with an error, and the class recovers',
    async () => {
      await untilReady();
      const stream = await longAnswer('chen');
      cluster.nodeAgent.fail(
        { namespace: CLASS.namespace },
        { kind: 'EngineDeath', afterSeconds: 0, times: 1 },
      );
      await expect(readToTheEnd(stream)).rejects.toMatchObject({ code: 'engine_failed' });
      const startedAgain = ({ status }: Pod) => {
        const [container] = status?.containerStatuses ?? [];
        return container?.restartCount === 1 && container.ready;
      };
      await eventually(
        'the engine is started again and ready',
        () => podInformer.store.list().some(startedAgain),
        START_TIMEOUT_MS,
      );
      await untilReady();
      const client = await openAI('chen');
      const body = { model: SERVED_NAME, messages: QUESTION, max_tokens: 8 };
      // The gateway may hear of the engine a moment after we did: 503 with Retry-After.
      const answer = await client.chat.completions.create(body, { maxRetries: 3 });
      expect(answer.usage?.completion_tokens).toBe(8);
    },
    START_TIMEOUT_MS * 2,
  );

  test(
    'the engine goes with the class, by itself and within its grace period',
    async () => {
      const { name } = engine();
      await cluster.client.delete(classrooms, CLASS);
      await eventually('no pod is left', () => cluster.nodeAgent.pods().length === 0, STOP_TIMEOUT_MS);
      // 137 would be a kill at the end of the grace period.
      expect(exitCodes.get(name)).toBe(0);
    },
    STOP_TIMEOUT_MS * 2,
  );
});
