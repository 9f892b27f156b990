import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { classrooms } from '../../src/api/classroom.ts';
import { type StudentQuota, studentQuotas } from '../../src/api/student-quota.ts';
import { ensureBinaries, ensureOptionsOf } from '../../src/demo/binaries/ensure.ts';
import type { Binaries } from '../../src/demo/binaries/versions.ts';
import { credentialsOf, enrol, followLesson, type Lesson } from '../../src/demo/class/lesson.ts';
import {
  classroomManifests,
  demoClassroom,
  demoStudentQuotas,
  studentQuotaManifests,
} from '../../src/demo/class/roster.ts';
import type { DemoCluster } from '../../src/demo/cluster.ts';
import { createApiClient } from '../../src/demo/control-plane/api-client.ts';
import { systemClock } from '../../src/kube/clock.ts';
import type { KubeObject } from '../../src/kube/object.ts';
import {
  customResourceDefinitions,
  deployments,
  namespaces,
  persistentVolumeClaims,
  secrets,
} from '../../src/kube/resources.ts';
import { INSTALLER_RIGHTS } from '../../src/rbac/installer.ts';
import type { Right } from '../../src/rbac/rights.ts';
import { type ApiServerProxy, rightFor, startApiServerProxy } from '../support/api-server-proxy.ts';
import { kubeconfigThrough, startTestCluster } from '../support/demo-cluster.ts';
import { dryRunner } from '../support/dry-run.ts';
import { eventually } from '../support/eventually.ts';
import { CHARTS, type Helm, HelmError, helmAt, type RenderedObject } from '../support/helm.ts';
import { grantedBy, installerAccount, requestsOfInstaller } from '../support/installer.ts';
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

let binaries: Binaries;
let cluster: DemoCluster;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let helm: Helm;
/** Between Helm and the API server. */
let proxy: ApiServerProxy;
let kubectl: ReturnType<typeof kubectlAt>;
/** What the chart makes, hooks included. */
let rendered: RenderedObject[];
let lesson: Lesson | undefined;
let previous: string;

beforeAll(async () => {
  binaries = await ensureBinaries(ensureOptionsOf(process));
  [cluster, folder] = await Promise.all([startTestCluster({ isEmpty: true }), temporaryFolder()]);
  await cluster.client.create(namespaces, {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: SYSTEM, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
  });
  previous = await previousChart(folder.path);
  kubectl = kubectlAt(binaries.kubectl, cluster.controlPlane.kubeconfigPath);
  rendered = await helmAt(binaries.helm).template(CHARTS.gpuClassroom, {
    release: RELEASE,
    namespace: SYSTEM,
    values: values(),
  });
  const installer = { namespace: SYSTEM, name: 'installer' };
  await create(installerAccount(installer, INSTALLER_RIGHTS, grantedBy(rendered)));
  const bearerToken = await cluster.controlPlane.serviceAccountToken(installer);
  const { url, ca } = cluster.controlPlane;
  proxy = await startApiServerProxy({ url, ca, bearerToken });
  helm = helmAt(binaries.helm, {
    KUBECONFIG: await kubeconfigThrough(proxy, cluster, installer),
    HOME: folder.path,
  });
}, TIMEOUT_MS);

afterAll(async () => {
  await lesson?.stop();
  await proxy?.close();
  await cluster?.stop();
  await folder?.[Symbol.asyncDispose]();
}, TIMEOUT_MS);

const create = (items: readonly KubeObject[]) =>
  kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));

/** What the API server would not let an account with these rights make, before anything is there: kind and why. */
async function refusedTo(
  name: string,
  rights: readonly Right[],
  granted: ReturnType<typeof grantedBy>,
): Promise<Map<string, string>> {
  const account = { namespace: SYSTEM, name };
  await create(installerAccount(account, rights, granted));
  const { url, ca } = cluster.controlPlane;
  const client = createApiClient({ url, ca, token: await cluster.controlPlane.serviceAccountToken(account) });
  try {
    const dryRun = dryRunner(client);
    const verdicts = await Promise.all(
      rendered.map(async (object) => [object.kind, await dryRun(object)] as const),
    );
    return new Map(verdicts.filter(([, verdict]) => verdict !== 'ok'));
  } finally {
    client.close();
  }
}

/** The gateway is open on this machine as it would be by the load balancer of a cloud. */
function values(): object {
  const { baseURL } = cluster;
  return { gateway: { baseURL, service: { type: 'LoadBalancer', port: Number(new URL(baseURL).port) } } };
}

/** No chart has been released yet: one with an older version and image, whose kinds and values lack some of today's. */
async function previousChart(parent: string): Promise<string> {
  const chart = join(parent, 'gpu-classroom');
  await cp(CHARTS.gpuClassroom, chart, { recursive: true });
  const description = join(chart, 'Chart.yaml');
  const described = { ...parse(await readFile(description, 'utf8')), version: '0.0.1', appVersion: '0.0.1' };
  await writeFile(description, stringify(described));
  const kind = join(chart, 'templates/crds/classrooms.yaml');
  const lines = (await readFile(kind, 'utf8')).split('\n');
  const start = lines.findIndex((line) => /^ +contact:$/.test(line));
  const indent = lines[start]?.search(/\S/) ?? 0;
  const end = lines.findIndex((line, index) => index > start && line.search(/\S/) <= indent);
  if (start < 0 || end < 0) throw new Error('the kind has no field `contact` to leave out');
  await writeFile(kind, lines.toSpliced(start, end - start).join('\n'));
  await rm(join(chart, 'templates/admission-policy.yaml'));
  const needed = join(chart, 'templates/_needed-values.tpl');
  await writeFile(needed, (await readFile(needed, 'utf8')).replaceAll(/^- admissionPolicy.*\n/gm, ''));
  const valuesFile = join(chart, 'values.yaml');
  const { admissionPolicy: _, ...older } = z.looseObject({}).parse(parse(await readFile(valuesFile, 'utf8')));
  // Helm reads YAML 1.1, where a bare `off` is false.
  await writeFile(valuesFile, stringify(older, { version: '1.1' }));
  return chart;
}

const install = (chart: string) =>
  helm.run(
    ['install', RELEASE, chart, `--namespace=${SYSTEM}`, '--values=-', '--wait', '--timeout=3m'],
    JSON.stringify(values()),
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

let used = 0;
let keys: Awaited<ReturnType<typeof handedOut>>;

describe('whoever installs the chart', () => {
  test('may make nothing of it without the rights to create', async () => {
    const rights = INSTALLER_RIGHTS.map((right) => ({
      ...right,
      verbs: right.verbs.filter((verb) => verb !== 'create'),
    }));
    // Some of them are among what the chart grants, and who cannot grant is asked no more about roles.
    const refused = [
      ...(await refusedTo('no-creator', rights, grantedBy(rendered))),
      ...(await refusedTo('no-creator-nor-granter', rights, new Map())),
    ];
    const kinds = refused.filter(([, why]) => why.includes('cannot create resource')).map(([kind]) => kind);
    // Of a binding the API server first wants to see the role, which is not there yet.
    const wanted = rendered.map(({ kind }) => kind).filter((kind) => !kind.endsWith('RoleBinding'));
    expect(new Set(kinds)).toEqual(new Set(wanted));
    expect(refused.map(([kind]) => kind)).toEqual(
      expect.arrayContaining(['RoleBinding', 'ClusterRoleBinding']),
    );
  });

  test('may not grant what he may not do himself', async () => {
    const refused = await refusedTo('no-granter', INSTALLER_RIGHTS, new Map());
    expect([...refused.keys()]).toEqual(expect.arrayContaining(['ClusterRole', 'Role']));
    expect(refused.get('ClusterRole')).toContain('attempting to grant RBAC permissions not currently held');
    expect(refused.get('Deployment')).toBeUndefined();
  });
});

describe('a release of the chart', () => {
  test(
    'is installed by somebody who may do no more than that takes',
    async () => {
      const notes = await install(previous);
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
      const upgrade = [
        'upgrade',
        RELEASE,
        CHARTS.gpuClassroom,
        `--namespace=${SYSTEM}`,
        '--wait',
        '--timeout=3m',
      ];
      await expect(helm.run([...upgrade, '--reuse-values'])).rejects.toThrow('use --reset-then-reuse-values');
      await helm.run([...upgrade, '--reset-then-reuse-values']);

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
      await install(CHARTS.gpuClassroom);
      const [alice] = keys;
      if (alice === undefined) throw new Error('nobody has a key');
      used += await eventually('an answer', () => ask(alice).catch(() => undefined));
      await publishedUsage(used);
    },
    TIMEOUT_MS,
  );

  test('took every right that whoever installs it has, and missed none', () => {
    const ofResources = proxy.requests.flatMap((request) => {
      const right = rightFor(request);
      return right === undefined ? [] : [{ right, status: request.status }];
    });
    expect(ofResources.filter(({ status }) => status === 403)).toEqual([]);
    expect([...new Set(ofResources.map(({ right }) => right))].sort()).toEqual(requestsOfInstaller());
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

describe('a release for one namespace', () => {
  const LAB = { namespace: 'lab', name: 'lab' };

  test(
    'is installed by somebody with rights in that namespace alone, serves a class there, and goes again',
    async () => {
      await helm.run(['uninstall', RELEASE, `--namespace=${SYSTEM}`, '--wait', '--timeout=3m']);
      const chosen = { ...values(), watchNamespace: LAB.namespace, crds: { install: false } };
      const installer = await installerOfOneNamespace(LAB.namespace, chosen);

      await installer.run(
        ['install', RELEASE, CHARTS.gpuClassroom, '--namespace=lab', '--values=-', '--wait', '--timeout=3m'],
        JSON.stringify(chosen),
      );
      expect(await installer.run(['test', RELEASE, '--namespace=lab'])).toMatch(/Phase:\s+Succeeded/);
      expect(await firstAnswerIn(LAB)).toBeGreaterThan(0);
      await installer.run(['uninstall', RELEASE, '--namespace=lab', '--wait', '--timeout=3m']);
      expect((await cluster.client.list(secrets, LAB)).items.map(({ type }) => type)).not.toContain(
        'helm.sh/release.v1',
      );
    },
    TIMEOUT_MS,
  );
});

/** Helm as an account that has no rights outside of a namespace, which is made. */
async function installerOfOneNamespace(namespace: string, chosen: object): Promise<Helm> {
  const metadata = { name: namespace };
  await cluster.client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata });
  const objects = await helm.template(CHARTS.gpuClassroom, { release: RELEASE, namespace, values: chosen });
  const granted = grantedBy(objects);
  expect([...granted.keys()]).toEqual([namespace]);
  const account = { namespace, name: 'installer' };
  const rights = INSTALLER_RIGHTS.filter(({ scope }) => scope === 'Own');
  await create(installerAccount(account, rights, granted));
  const kubeconfig = await cluster.controlPlane.writeServiceAccountKubeconfig(account);
  return helmAt(binaries.helm, { KUBECONFIG: kubeconfig, HOME: folder.path });
}

/** @returns tokens of the answer to the first question in a new class */
async function firstAnswerIn(ref: typeof CLASS): Promise<number> {
  await cluster.client.create(classroomManifests, demoClassroom(ref, 1));
  for (const seat of demoStudentQuotas(ref, ['dora']))
    await cluster.client.create(studentQuotaManifests, seat);
  const followed = await followLesson(cluster.client, systemClock, ref);
  try {
    await followed.untilReady(AbortSignal.timeout(TIMEOUT_MS));
    const [seat] = followed.seats();
    if (seat === undefined) throw new Error('nobody has a seat');
    return await ask(await credentialsOf(cluster.client, seat));
  } finally {
    await followed.stop();
  }
}

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
