import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { classrooms } from '../../src/api/classroom.ts';
import { type StudentQuota, studentQuotas } from '../../src/api/student-quota.ts';
import { ensureBinaries, ensureOptionsOf } from '../../src/demo/binaries/ensure.ts';
import { credentialsOf, enrol, followLesson, type Lesson } from '../../src/demo/class/lesson.ts';
import type { DemoCluster } from '../../src/demo/cluster.ts';
import { systemClock } from '../../src/kube/clock.ts';
import {
  customResourceDefinitions,
  deployments,
  namespaces,
  persistentVolumeClaims,
  secrets,
} from '../../src/kube/resources.ts';
import { startTestCluster } from '../support/demo-cluster.ts';
import { eventually } from '../support/eventually.ts';
import { CHARTS, type Helm, HelmError, helmAt } from '../support/helm.ts';
import { INSTALLER, installerRights, ownWriteRights } from '../support/installer.ts';
import { kubectlAt } from '../support/kubectl.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/**
 * The life of a release on a real API server: an empty cluster, the real Helm, and pods that run operator and gateway
 * with the rights that the chart gives them. Nobody here is an administrator but who looks at what came of it.
 */

const TIMEOUT_MS = 240_000;
const RELEASE = 'school';
const SYSTEM = 'gpu-classroom';
const CLASS = { namespace: 'python-101', name: 'python-101' };
const FULLNAME = `${RELEASE}-gpu-classroom`;

let cluster: DemoCluster;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let helm: Helm;
let lesson: Lesson | undefined;
let previous: string;

beforeAll(async () => {
  const binaries = await ensureBinaries(ensureOptionsOf(process));
  [cluster, folder] = await Promise.all([startTestCluster({ isEmpty: true }), temporaryFolder()]);
  await cluster.client.create(namespaces, {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: SYSTEM, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
  });
  previous = await previousChart(folder.path);
  const rendered = await helmAt(binaries.helm).template(CHARTS.gpuClassroom, {
    release: RELEASE,
    namespace: SYSTEM,
    values: values(),
  });
  const kubectl = kubectlAt(binaries.kubectl, cluster.controlPlane.kubeconfigPath);
  const items = installerRights(rendered, SYSTEM);
  writeRights = ownWriteRights(rendered);
  await kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  const account = { namespace: SYSTEM, name: INSTALLER };
  const kubeconfig = await cluster.controlPlane.writeServiceAccountKubeconfig(account);
  helm = helmAt(binaries.helm, { KUBECONFIG: kubeconfig, HOME: folder.path });
}, TIMEOUT_MS);

afterAll(async () => {
  await lesson?.stop();
  await cluster?.stop();
  await folder?.[Symbol.asyncDispose]();
}, TIMEOUT_MS);

/** The gateway is open on this machine as it would be by the load balancer of a cloud. */
function values(): object {
  const { baseURL } = cluster;
  return { gateway: { baseURL, service: { type: 'LoadBalancer', port: Number(new URL(baseURL).port) } } };
}

/** No chart has been released yet: one with an older version and image, whose kinds lack a field of today's. */
async function previousChart(parent: string): Promise<string> {
  const chart = join(parent, 'gpu-classroom');
  await cp(CHARTS.gpuClassroom, chart, { recursive: true });
  const description = join(chart, 'Chart.yaml');
  const older = { ...parse(await readFile(description, 'utf8')), version: '0.0.1', appVersion: '0.0.1' };
  await writeFile(description, stringify(older));
  const kind = join(chart, 'templates/crds/classrooms.yaml');
  const lines = (await readFile(kind, 'utf8')).split('\n');
  const start = lines.findIndex((line) => /^ +contact:$/.test(line));
  const indent = lines[start]?.search(/\S/) ?? 0;
  const end = lines.findIndex((line, index) => index > start && line.search(/\S/) <= indent);
  if (start < 0 || end < 0) throw new Error('the kind has no field `contact` to leave out');
  await writeFile(kind, lines.toSpliced(start, end - start).join('\n'));
  return chart;
}

const release = (command: string, chart: string, more: object = {}) =>
  helm.run(
    [command, RELEASE, chart, `--namespace=${SYSTEM}`, '--values=-', '--wait', '--timeout=3m'],
    JSON.stringify({ ...values(), ...more }),
  );

function follow(): Lesson {
  if (lesson === undefined) throw new Error('there is no class');
  return lesson;
}

/** The seats with their keys, as the students hold them. */
const handedOut = () =>
  Promise.all(
    follow()
      .seats()
      .map(async (seat) => credentialsOf(cluster.client, seat)),
  );

/** @returns tokens of the answer */
async function ask({ baseURL, apiKey, model }: Awaited<ReturnType<typeof credentialsOf>>): Promise<number> {
  const answer = await fetch(`${baseURL}/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      model,
      messages: [{ role: 'user', content: 'Add two numbers.' }],
      max_tokens: 16,
    }),
  });
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(text);
  return z.object({ usage: z.object({ total_tokens: z.number() }) }).parse(JSON.parse(text)).usage
    .total_tokens;
}

const usedTokens = ({ status }: StudentQuota): number => status?.usage?.tokensTotal ?? 0;

/** Waits until the seats say what was used. */
async function publishedUsage(want: number): Promise<void> {
  await eventually(`${want} tokens in the status of the seats`, () => {
    const sum = follow()
      .seats()
      .reduce((tokens, seat) => tokens + usedTokens(seat), 0);
    return sum === want;
  });
}

let writeRights: string[];
let used = 0;
let keys: Awaited<ReturnType<typeof handedOut>>;

describe('a release of the chart', () => {
  test(
    'is installed by somebody who may do no more than that takes',
    async () => {
      const notes = await release('install', previous);
      expect(notes).toContain(`Students will get OPENAI_BASE_URL=${cluster.baseURL}`);
      for (const name of [`${FULLNAME}-operator`, `${FULLNAME}-gateway`]) {
        const deployment = await cluster.client.get(deployments, { namespace: SYSTEM, name });
        expect(deployment?.status?.readyReplicas).toBe(1);
      }
    },
    TIMEOUT_MS,
  );

  test(
    'passes helm test',
    async () => {
      expect(await helm.run(['test', RELEASE, `--namespace=${SYSTEM}`])).toMatch(/Phase:\s+Succeeded/);
    },
    TIMEOUT_MS,
  );

  test(
    'runs a class',
    async () => {
      await enrol(cluster.client, CLASS, ['alice', 'bo', 'chen'], 1);
      lesson = await followLesson(cluster.client, systemClock, CLASS);
      await lesson.untilReady(AbortSignal.timeout(TIMEOUT_MS));
      keys = await handedOut();
      for (const student of keys) used += await ask(student);
      await publishedUsage(used);
    },
    TIMEOUT_MS,
  );

  test(
    'keeps keys and usage when it is upgraded, and gives the kinds their new fields',
    async () => {
      const claim = { namespace: SYSTEM, name: `${FULLNAME}-gateway-ledger` };
      const before = await cluster.client.get(persistentVolumeClaims, claim);
      expect(await setContact()).toBe(422);
      await release('upgrade', CHARTS.gpuClassroom);

      expect(await handedOut()).toEqual(keys);
      expect((await cluster.client.get(persistentVolumeClaims, claim))?.metadata.uid).toBe(
        before?.metadata.uid,
      );
      const [alice] = keys;
      if (alice === undefined) throw new Error('nobody has a key');
      used += await ask(alice);
      await publishedUsage(used);
      await setContact();
    },
    TIMEOUT_MS,
  );

  test(
    'says what it keeps when it is uninstalled, and keeps it',
    async () => {
      const words = await helm.run(['uninstall', RELEASE, `--namespace=${SYSTEM}`, '--wait', '--timeout=3m']);
      expect(words).toContain('[CustomResourceDefinition] classrooms.gpu-classroom.io');
      expect(words).toContain('[CustomResourceDefinition] studentquotas.gpu-classroom.io');
      expect(words).toContain(`[PersistentVolumeClaim] ${FULLNAME}-gateway-ledger`);

      const names = (await cluster.client.list(customResourceDefinitions)).items.map(
        ({ metadata }) => metadata.name,
      );
      expect(names.sort()).toEqual(['classrooms.gpu-classroom.io', 'studentquotas.gpu-classroom.io']);
      expect((await cluster.client.list(deployments, { namespace: SYSTEM })).items).toEqual([]);
      expect((await cluster.client.list(studentQuotas, CLASS)).items).toHaveLength(keys.length);
      expect(await handedOut()).toEqual(keys);
      expect((await cluster.client.list(secrets, { namespace: SYSTEM })).items).toEqual([]);
    },
    TIMEOUT_MS,
  );

  test(
    'goes on where it was when it is installed again',
    async () => {
      await release('install', CHARTS.gpuClassroom);
      const [alice] = keys;
      if (alice === undefined) throw new Error('nobody has a key');
      used += await eventually('an answer', () => ask(alice).catch(() => undefined));
      await publishedUsage(used);
    },
    TIMEOUT_MS,
  );

  test('took every right to write that whoever installs it needs, and missed none', async () => {
    const all = await cluster.controlPlane.auditedWrites();
    const writes = all.filter(({ user }) => user.endsWith(`:${INSTALLER}`));
    const rights = writes.map(({ verb, apiGroup, resource }) => `${verb} ${apiGroup}/${resource}`);
    expect(writes.filter(({ code }) => code === 403)).toEqual([]);
    expect([...new Set(rights)].sort()).toEqual(writeRights);
  });

  test(
    'leaves nobody who installs it more than that: other namespaces are closed',
    async () => {
      const elsewhere = [
        'install',
        'other',
        CHARTS.gpuClassroom,
        '--namespace=default',
        '--set=crds.install=false',
      ];
      await expect(helm.run(elsewhere)).rejects.toThrow(HelmError);
      await expect(helm.run(elsewhere)).rejects.toThrow('forbidden');
    },
    TIMEOUT_MS,
  );
});

/** @returns the status of the answer: a field that the kind does not have is refused */
async function setContact(): Promise<number> {
  const path = `/apis/${classrooms.group}/${classrooms.version}/namespaces/${CLASS.namespace}/classrooms/${CLASS.name}`;
  const answer = await cluster.controlPlane.admin.request(
    'PATCH',
    `${path}?fieldValidation=Strict`,
    { spec: { contact: 'Ms Chen, room 214' } },
    'application/merge-patch+json',
  );
  return answer.status;
}
