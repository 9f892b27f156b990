import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import OpenAI, { PermissionDeniedError } from 'openai';
import { classrooms } from '../../src/api/classroom.ts';
import { type StudentQuota, studentQuotas } from '../../src/api/student-quota.ts';
import { ensureBinaries, ensureOptionsOf } from '../../src/demo/binaries/ensure.ts';
import { everyoneAnswered, letThemWork } from '../../src/demo/class/at-work.ts';
import { credentialsOf, enrol, followLesson, type Lesson } from '../../src/demo/class/lesson.ts';
import { studentIds } from '../../src/demo/class/roster.ts';
import type { StudentCredentials } from '../../src/demo/class/students.ts';
import type { DemoCluster } from '../../src/demo/cluster.ts';
import { readEngineFigures } from '../../src/demo/engine-figures.ts';
import { systemClock } from '../../src/kube/clock.ts';
import { startTestCluster } from '../support/demo-cluster.ts';
import { eventually } from '../support/eventually.ts';
import { hasPython, pythonWithOpenAI } from '../support/python-client.ts';

const run = promisify(execFile);
const CLASS = { namespace: 'python-101', name: 'python-101' };
const BOOT_TIMEOUT_MS = 240_000;
const ENGINES = 4;
/** Slow enough that a long answer takes seconds: something can happen while it runs. */
const ENGINE_SPEED = 2;
const IDS = studentIds(20);
const QUESTION = [{ role: 'user' as const, content: 'Write a Python function that adds two numbers.' }];

const python = hasPython() ? test : test.skip;

describe('A class of twenty students on four engines', () => {
  let cluster: DemoCluster;
  let lesson: Lesson;

  beforeAll(async () => {
    cluster = await startTestCluster({ engineSpeed: ENGINE_SPEED });
    await Promise.all([
      cluster.startOperator({ name: 'operator' }),
      cluster.startGateway({ name: 'gateway' }),
      enrol(cluster.client, CLASS, IDS, ENGINES),
    ]);
    lesson = await followLesson(cluster.client, systemClock, CLASS);
    await lesson.untilReady(AbortSignal.timeout(BOOT_TIMEOUT_MS));
  }, BOOT_TIMEOUT_MS * 2);

  afterAll(async () => {
    await lesson?.stop();
    await cluster?.stop();
  }, 60_000);

  const seatOf = (id: string): StudentQuota => {
    const seat = lesson.seats().find(({ spec }) => spec.student.id === id);
    if (seat === undefined) throw new Error(`${id} has no seat`);
    return seat;
  };
  const credentials = (id: string): Promise<StudentCredentials> => credentialsOf(cluster.client, seatOf(id));
  const openAI = ({ apiKey, baseURL }: StudentCredentials) => new OpenAI({ apiKey, baseURL, maxRetries: 0 });

  test('the operator makes one engine for five students, and says so in one sentence', async () => {
    const room = await eventually('four engines in the status', () => {
      const classroom = lesson.classroom();
      return classroom?.status?.readyReplicas === ENGINES ? classroom : undefined;
    });
    expect(room.status?.replicas).toBe(ENGINES);
    expect(room.status?.students).toBe(IDS.length);
    const ready = room.status?.conditions?.find(({ type }) => type === 'Ready');
    expect(ready).toMatchObject({
      status: 'True',
      message: '4 of 4 engines answer; 20 students have keys.',
    });
  });

  test('every student is answered, streamed and not, and the work is spread over all engines', async () => {
    const all = await Promise.all(lesson.seats().map((seat) => credentialsOf(cluster.client, seat)));
    const { students, done } = letThemWork({
      credentials: all,
      rounds: 2,
      maxThinkMs: 200,
      clock: systemClock,
      random: Math.random,
      signal: AbortSignal.timeout(120_000),
    });
    await done;

    expect(students.filter(({ failed }) => failed > 0)).toEqual([]);
    expect(everyoneAnswered(students)).toBe(true);
    expect(
      students.every(({ promptTokens, completionTokens }) => promptTokens > 0 && completionTokens > 0),
    ).toBe(true);

    const figures = await Promise.all(
      cluster.nodeAgent.pods().map(async ({ address }) => {
        const answer = await fetch(`http://${address}:8000/metrics`);
        return readEngineFigures(await answer.text());
      }),
    );
    expect(figures).toHaveLength(ENGINES);
    expect(figures.every((figure) => (figure?.generatedTokens ?? 0) > 0)).toBe(true);
    // What the students were told they used is what the engines generated, to the token.
    const told = students.reduce((sum, { completionTokens }) => sum + completionTokens, 0);
    expect(figures.reduce((sum, figure) => sum + (figure?.generatedTokens ?? 0), 0)).toBe(told);
  }, 180_000);

  test('the OpenAI client for Node sees the names of the class and nothing else', async () => {
    const client = openAI(await credentials('alice'));
    const models = await client.models.list();
    expect(models.data.map(({ id }) => id).sort()).toEqual(['class-model', 'qwen2.5-7b-instruct']);

    const byAlias = await client.chat.completions.create({
      model: 'class-model',
      messages: QUESTION,
      max_tokens: 8,
    });
    expect(byAlias.choices[0]?.message.content).not.toBe('');
    await expect(
      client.chat.completions.create({ model: 'Qwen/Qwen2.5-7B-Instruct', messages: QUESTION }),
    ).rejects.toMatchObject({ status: 404, code: 'model_not_found' });
  });

  test('completions and responses are served, streamed and not', async () => {
    const { model, ...rest } = await credentials('bo');
    const client = openAI({ model, ...rest });
    const completion = await client.completions.create({ model, prompt: 'def add(', max_tokens: 8 });
    expect(completion.usage?.completion_tokens).toBe(8);

    const response = await client.responses.create({ model, input: 'Say hello.', max_output_tokens: 16 });
    expect(response.output_text).not.toBe('');
    const events: string[] = [];
    for await (const event of await client.responses.create({
      model,
      input: 'Say hello.',
      max_output_tokens: 16,
      stream: true,
    })) {
      events.push(event.type);
    }
    expect(events.at(0)).toBe('response.created');
    expect(['response.completed', 'response.incomplete']).toContain(events.at(-1));
  });

  python(
    'the OpenAI client for Python is answered, streamed and not',
    async () => {
      const { apiKey, baseURL, model } = await credentials('chen');
      const script = new URL('./clients/chat.py', import.meta.url).pathname;
      const { stdout } = await run(pythonWithOpenAI(), [script], {
        env: { ...process.env, OPENAI_API_KEY: apiKey, OPENAI_BASE_URL: baseURL, OPENAI_MODEL: model },
      });
      expect(JSON.parse(stdout)).toEqual({
        models: ['qwen2.5-7b-instruct', 'class-model'],
        wholeText: expect.stringMatching(/\S/),
        wholeTokens: expect.any(Number),
        streamedText: expect.stringMatching(/\S/),
        streamedTokens: expect.any(Number),
      });
    },
    300_000,
  );

  test('curl is answered, streamed and not', async () => {
    const { apiKey, baseURL, model } = await credentials('dana');
    const curl = async (path: string, body?: object): Promise<string> => {
      const data = body === undefined ? [] : ['--json', JSON.stringify(body)];
      const { stdout } = await run('curl', [
        '--silent',
        '--show-error',
        '--no-buffer',
        `${baseURL}${path}`,
        '--oauth2-bearer',
        apiKey,
        ...data,
      ]);
      return stdout;
    };
    expect(JSON.parse(await curl('/models'))).toMatchObject({
      object: 'list',
      data: [{ id: 'qwen2.5-7b-instruct' }, { id: 'class-model' }],
    });
    const body = { model, messages: QUESTION, max_tokens: 8 };
    expect(JSON.parse(await curl('/chat/completions', body))).toMatchObject({
      object: 'chat.completion',
      usage: { completion_tokens: 8 },
    });
    const stream = await curl('/chat/completions', { ...body, stream: true });
    expect(stream.trimEnd().split('\n').at(-1)).toBe('data: [DONE]');
    // Nobody asked for usage: what the gateway added for itself is not shown.
    expect(stream).not.toContain('"usage":{');
  });

  test('a suspended student is told so, and is answered again when the trainer lifts it', async () => {
    const student = await credentials('emil');
    const client = openAI(student);
    const ask = () => client.models.list();
    await ask();

    const { name } = seatOf('emil').metadata;
    const suspend = async (access: 'Active' | 'Suspended') =>
      cluster.client.mergePatch(studentQuotas, { ...CLASS, name }, { spec: { access } });
    await suspend('Suspended');
    const refusal = await eventually('emil is refused', () =>
      ask().then(
        () => undefined,
        (error) => error,
      ),
    );
    expect(refusal).toBeInstanceOf(PermissionDeniedError);
    expect(refusal).toMatchObject({ code: 'seat_suspended' });
    expect(String(refusal)).toContain('Ask Ms Chen, room 214');

    await suspend('Active');
    await eventually('emil is answered again', () =>
      ask().then(
        () => true,
        () => undefined,
      ),
    );
  });

  test('a key ends with the seat, also for a stream that is running', async () => {
    const student = await credentials('farid');
    const client = openAI(student);
    const stream = await client.chat.completions.create({
      model: student.model,
      messages: QUESTION,
      max_tokens: 256,
      stream: true,
    });
    const chunks = stream[Symbol.asyncIterator]();
    await chunks.next();
    await cluster.client.delete(studentQuotas, { ...CLASS, name: seatOf('farid').metadata.name });

    const drain = async () => {
      while ((await chunks.next()).done !== true);
    };
    await expect(drain()).rejects.toMatchObject({ code: 'invalid_api_key' });
    await expect(client.models.list()).rejects.toMatchObject({ status: 401, code: 'invalid_api_key' });
  });

  test('kubectl answers the first question of a trainer', async () => {
    const { stdout } = await run((await ensureBinaries(ensureOptionsOf(process))).kubectl, [
      `--kubeconfig=${cluster.controlPlane.kubeconfigPath}`,
      `--namespace=${CLASS.namespace}`,
      'get',
      classrooms.plural,
    ]);
    expect(stdout).toMatch(/^NAME +READY/);
    expect(stdout).toMatch(/^python-101 +True/m);
  });
});
