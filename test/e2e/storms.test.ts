import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import OpenAI from 'openai';
import { classrooms } from '../../src/api/classroom.ts';
import { type StudentQuota, studentQuotas } from '../../src/api/student-quota.ts';
import { letThemWork } from '../../src/demo/class/at-work.ts';
import { credentialsOf, enrol, followLesson, type Lesson } from '../../src/demo/class/lesson.ts';
import { demoStudentQuotas, studentIds, studentQuotaManifests } from '../../src/demo/class/roster.ts';
import type { StudentCredentials } from '../../src/demo/class/students.ts';
import type { DemoCluster, DemoProcess } from '../../src/demo/cluster.ts';
import { systemClock } from '../../src/kube/clock.ts';
import { GATEWAY_ACCOUNT, OPERATOR_ACCOUNT } from '../../src/rbac/accounts.ts';
import { type ApiServerProxy, startApiServerProxy } from '../support/api-server-proxy.ts';
import { kubeconfigThrough, startTestCluster } from '../support/demo-cluster.ts';
import { eventually } from '../support/eventually.ts';

/** Operator and gateway reach the API server through proxies, where the weather is made. */

const CLASS = { namespace: 'python-101', name: 'python-101' };
const ENGINES = 2;
const [AT_WORK, OTHERS] = [studentIds(6), studentIds(12).slice(6)];
const [suspended = '', deleted = '', added = '', late1 = '', late2 = '', late3 = ''] = OTHERS;
/** 40 blows of half a second: twenty seconds in which no watch lives for more than one. */
const BLOWS = 40;
const BLOW_EVERY_MS = 500;
const MAX_THINK_MS = 500;
/** Students ask as fast as they can: who asks less would notice less. */
const WITHOUT_PAUSE = { requestsPerMinute: 10_000, tokensPerMinute: 10_000_000 };
const TEST_TIMEOUT_MS = 240_000;
/** How long a student may go on after the key has been taken away, were this a busy machine in a bad moment. */
const REVOKED_TIMEOUT_MS = 60_000;

let cluster: DemoCluster;
let lesson: Lesson;
let gateway: DemoProcess;
let proxies: ApiServerProxy[];

beforeAll(async () => {
  cluster = await startTestCluster();
  const [forOperator, forGateway] = await Promise.all([
    startApiServerProxy(cluster.controlPlane),
    startApiServerProxy(cluster.controlPlane),
  ]);
  proxies = [forOperator, forGateway];
  const operatorConfig = await kubeconfigThrough(forOperator, cluster, OPERATOR_ACCOUNT);
  const gatewayConfig = await kubeconfigThrough(forGateway, cluster, GATEWAY_ACCOUNT);
  [, gateway] = await Promise.all([
    cluster.startOperator({ name: 'operator', kubeconfig: operatorConfig }),
    cluster.startGateway({ name: 'gateway', kubeconfig: gatewayConfig }),
    enrol(cluster.client, CLASS, [...AT_WORK, suspended, deleted, late1, late2, late3], ENGINES),
  ]);
  await cluster.client.mergePatch(classrooms, CLASS, { spec: { limits: { perStudent: WITHOUT_PAUSE } } });
  lesson = await followLesson(cluster.client, systemClock, CLASS);
  await lesson.untilReady(AbortSignal.timeout(TEST_TIMEOUT_MS));
}, TEST_TIMEOUT_MS);

afterAll(async () => {
  await lesson?.stop();
  await cluster?.stop();
  await Promise.all((proxies ?? []).map((proxy) => proxy.close()));
}, 60_000);

function seatOf(id: string): StudentQuota | undefined {
  return lesson.seats().find(({ spec }) => spec.student.id === id);
}

const seatRef = (id: string) => ({ ...CLASS, name: `${CLASS.name}-${id}` });

async function credentials(id: string): Promise<StudentCredentials> {
  const seat = await eventually(`the key of ${id}`, () => {
    const found = seatOf(id);
    return found?.status?.secretName === undefined ? undefined : found;
  });
  return credentialsOf(cluster.client, seat);
}

const suspend = (id: string) =>
  cluster.client.mergePatch(studentQuotas, seatRef(id), { spec: { access: 'Suspended' } });

const remove = (id: string) => cluster.client.delete(studentQuotas, seatRef(id));

/** The status of one question: 200 when it was answered. Without retries: nothing is glossed over. */
async function ask({ apiKey, baseURL, model }: StudentCredentials): Promise<number> {
  const client = new OpenAI({ apiKey, baseURL, maxRetries: 0 });
  try {
    const question = [{ role: 'user' as const, content: 'Say hello.' }];
    await client.chat.completions.create({ model, max_tokens: 4, messages: question });
    return 200;
  } catch (error) {
    if (error instanceof OpenAI.APIError && typeof error.status === 'number') return error.status;
    throw error;
  }
}

/** Asks again and again until the answer is this status; resolves with how long that took. */
async function untilAnswered(student: StudentCredentials, status: number): Promise<number> {
  const startedMs = performance.now();
  await eventually(
    `${student.id} to get ${status}`,
    async () => (await ask(student)) === status,
    REVOKED_TIMEOUT_MS,
  );
  return performance.now() - startedMs;
}

/** How long a new student waits for the key and the first answer. */
async function untilEnrolled(id: string): Promise<number> {
  const startedMs = performance.now();
  await untilAnswered(await credentials(id), 200);
  return performance.now() - startedMs;
}

function report(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** For 20 s every blow resets all connections or ends all watches as too old, for operator and gateway. */
async function storm(duringBlow: ReadonlyMap<number, () => Promise<unknown>>): Promise<void> {
  for (let blow = 0; blow < BLOWS; blow += 1) {
    for (const proxy of proxies) {
      if (blow % 2 === 0) proxy.resetConnections();
      else proxy.expireWatches();
    }
    await duringBlow.get(blow)?.();
    await delay(BLOW_EVERY_MS);
  }
}

/** By the operator and by the gateway. */
const watchesOpened = (): number[] =>
  proxies.map(({ requests }) => requests.filter(({ watch }) => watch).length);

/** Requests that the gateway answered with an error of its own or of an engine. */
async function serverErrors(): Promise<string[]> {
  const metrics = await (await fetch(`${gateway.healthUrl}/metrics`)).text();
  return metrics
    .split('\n')
    .filter((line) => /^gpu_classroom_gateway_requests_total\{.*status="5\d\d"/.test(line));
}

describe('while resets and expired watches rain on operator and gateway', () => {
  test(
    'no student notices, and everything that changes meanwhile takes effect',
    async () => {
      const [victim, leaver] = [await credentials(suspended), await credentials(deleted)];
      expect([await ask(victim), await ask(leaver)]).toEqual([200, 200]);
      const before = watchesOpened();
      const stop = new AbortController();
      const { students, done } = letThemWork({
        credentials: await Promise.all(AT_WORK.map(credentials)),
        rounds: Number.POSITIVE_INFINITY,
        maxThinkMs: MAX_THINK_MS,
        clock: systemClock,
        random: Math.random,
        signal: stop.signal,
      });
      const effects: Promise<string>[] = [];
      const soon = (what: string, effect: Promise<number>) =>
        effects.push(effect.then((tookMs) => `${what} after ${tookMs.toFixed(0)} ms`));
      await storm(
        new Map([
          [
            8,
            async () => {
              for (const seat of demoStudentQuotas(CLASS, [added])) {
                await cluster.client.create(studentQuotaManifests, seat);
              }
              soon('a new student was answered', untilEnrolled(added));
            },
          ],
          [
            16,
            async () => {
              await suspend(suspended);
              soon('a suspended one was refused', untilAnswered(victim, 403));
            },
          ],
          [
            24,
            async () => {
              await remove(deleted);
              soon('a deleted key was refused', untilAnswered(leaver, 401));
            },
          ],
        ]),
      );
      const took = await Promise.all(effects);
      await lesson.untilReady(AbortSignal.timeout(REVOKED_TIMEOUT_MS));
      stop.abort();
      await done;

      const answered = students.reduce((sum, student) => sum + student.answered, 0);
      const watches = watchesOpened().map((opened, index) => opened - (before[index] ?? 0));
      report(
        `storm: ${BLOWS} blows, ${watches.join(' + ')} watches opened again, ${answered} questions answered; ${took.join('; ')}`,
      );
      expect(watches.every((again) => again > 0)).toBe(true);
      expect(students.filter(({ failed }) => failed > 0)).toEqual([]);
      expect(students.every((student) => student.answered > 0)).toBe(true);
      expect(await serverErrors()).toEqual([]);
    },
    TEST_TIMEOUT_MS,
  );
});

/** Takes seats away and tells how long their keys still worked. */
async function expectRevokedSoon(when: string, ids: { deleted: string; suspended: string }): Promise<void> {
  const leaver = await credentials(ids.deleted);
  await remove(ids.deleted);
  const deletedMs = await untilAnswered(leaver, 401);
  const victim = await credentials(ids.suspended);
  await suspend(ids.suspended);
  const suspendedMs = await untilAnswered(victim, 403);
  report(
    `${when}: a deleted key was refused after ${deletedMs.toFixed(0)} ms, a suspended one after ${suspendedMs.toFixed(0)} ms`,
  );
}

describe('a key that is taken away', () => {
  test(
    'is refused at once when the storm is over',
    () => expectRevokedSoon('after the storm', { deleted: late1, suspended: late2 }),
    TEST_TIMEOUT_MS,
  );

  test(
    'is refused soon after an outage of the API server, during which students went on working',
    async () => {
      const [first = ''] = AT_WORK;
      const student = await credentials(first);
      await cluster.controlPlane.stopApiServer();
      for (let question = 0; question < 20; question += 1) expect(await ask(student)).toBe(200);
      await cluster.controlPlane.startApiServer();
      await expectRevokedSoon('after an outage of the API server', { deleted: late3, suspended: first });
    },
    TEST_TIMEOUT_MS,
  );
});
