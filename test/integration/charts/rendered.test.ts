import { readdirSync } from 'node:fs';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { chartGoldens, GOLDENS } from '../../../scripts/chart-goldens.ts';
import { INSTALL_MANIFEST, installManifest } from '../../../scripts/install-manifest.ts';
import { ENGINE_PORT } from '../../../src/api/labels.ts';
import { parseSettings } from '../../../src/gateway/options.ts';
import { parseConfiguration } from '../../../src/operator/configuration.ts';
import { seatName } from '../../../src/student/seat-name.ts';
import { sharedControlPlane } from '../../support/control-plane.ts';
import { CHARTS, helmAt, objectOf, objectsIn, type RenderedObject } from '../../support/helm.ts';
import { kubectlAt } from '../../support/kubectl.ts';

/** What the real Helm makes of the charts, against the programs that read it. No test here asks the API server. */

const { binaries, admin } = await sharedControlPlane();
admin.close();
const helm = helmAt(binaries.helm);
const kubectl = kubectlAt(binaries.kubectl);

const deploymentSchema = z.object({
  spec: z.object({
    strategy: z.object({ type: z.string() }).optional(),
    template: z.object({
      metadata: z.object({ labels: z.record(z.string(), z.string()) }),
      spec: z.object({
        terminationGracePeriodSeconds: z.number().optional(),
        containers: z.tuple([z.object({ args: z.array(z.string()) })]),
        volumes: z.array(z.looseObject({ name: z.string() })).optional(),
      }),
    }),
  }),
});

const podOf = (objects: readonly RenderedObject[], suffix: string) =>
  deploymentSchema.parse(objectOf(objects, 'Deployment', suffix)).spec.template;

describe('install.yaml', () => {
  test('is what `npm run generate:install` writes', async () => {
    expect(await readFile(INSTALL_MANIFEST, 'utf8')).toBe(await installManifest((...args) => helm.run(args)));
  });

  test('is the base of an overlay that changes the address of the students', async () => {
    const overlay = join(import.meta.dirname, '../../../examples/kustomize');
    const objects = objectsIn(await kubectl(['kustomize', overlay]));
    expect(objects).toHaveLength(objectsIn(await readFile(INSTALL_MANIFEST, 'utf8')).length);
    expect(podOf(objects, '-operator').spec.containers[0].args).toContain(
      '--gateway-base-url=https://llm.school.example/v1',
    );
  });
});

describe('the charts render what `npm run generate:install` wrote', () => {
  const rendered = chartGoldens((...args) => helm.run(args));
  const nameOf = (path: string) => relative(GOLDENS, path);

  test('for their defaults and each of their values files, and nothing else is there', async () => {
    const written = await readdir(GOLDENS, { recursive: true });
    const wanted = (await rendered).map(({ path }) => nameOf(path));
    expect(written.filter((name) => name.endsWith('.yaml')).sort()).toEqual(wanted.sort());
  });

  test.each(
    readdirSync(GOLDENS, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.yaml')),
  )('%s', async (name) => {
    const now = (await rendered).find(({ path }) => nameOf(path) === name)?.content;
    expect(now).toBe(await readFile(join(GOLDENS, name), 'utf8'));
  });
});

/** Values that use everything that reaches the programs. */
const EVERYTHING = {
  watchNamespace: 'python-101',
  operator: { replicas: 2, requestsPerSecond: 50, logLevel: 'debug', workers: 4, rolloutIdleSeconds: 60 },
  gateway: {
    replicas: 3,
    tlsSecretName: 'tls',
    saltSecret: { name: 'salt' },
    valkey: {
      url: 'rediss://gateway@valkey.school.svc:6380',
      passwordSecret: { name: 'valkey' },
      caSecret: { name: 'valkey-ca' },
    },
    settings: {
      queueBytesPerClass: 268_435_456,
      maxBodyBytes: 10_000_000,
      trustedProxies: ['10.0.0.0/8', 'fd00::/8'],
      trustTraceparent: true,
      idleTimeout: '3m',
      jwt: {
        issuer: 'https://login.school.example',
        audience: 'gpu-classroom',
        jwksUrl: 'https://login.school.example/keys',
        classroom: 'python-101/python-101',
      },
    },
  },
  monitoring: { prometheus: { namespace: 'monitoring' } },
  ingress: { enabled: true, host: 'llm.school.example', tlsSecretName: 'certificate' },
};

describe.each([
  ['without values', {}],
  ['with everything', EVERYTHING],
])('rendered %s', (_what, values) => {
  const rendered = helm.template(CHARTS.gpuClassroom, { values });

  test('the gateway reads its file', async () => {
    const { data } = z
      .object({ data: z.object({ 'gateway.yaml': z.string() }) })
      .parse(objectOf(await rendered, 'ConfigMap', '-gateway'));
    const [program, ...flags] = podOf(await rendered, '-gateway').spec.containers[0].args;
    const parsed = parseSettings(flags, {}, () => data['gateway.yaml']);
    expect(program).toBe('gateway.js');
    expect(parsed).toMatchObject({ kind: 'run' });
  });

  test('the operator reads its flags', async () => {
    const [program, ...flags] = podOf(await rendered, '-operator').spec.containers[0].args;
    expect(program).toBe('operator.js');
    expect(parseConfiguration(flags, {})).toMatchObject({ kind: 'run', options: { leaderElect: true } });
  });

  test('the operator lets through the pods that the chart makes', async () => {
    const [, ...flags] = podOf(await rendered, '-operator').spec.containers[0].args;
    const parsed = parseConfiguration(flags, {});
    if (parsed.kind !== 'run') throw new Error(parsed.text);
    const { gatewayLabels, operatorLabels } = parsed.options;
    expect(podOf(await rendered, '-gateway').metadata.labels).toMatchObject(gatewayLabels);
    expect(podOf(await rendered, '-operator').metadata.labels).toMatchObject(operatorLabels);
  });

  test('operator and gateway may reach engines', async () => {
    const policies = (await rendered).filter(({ kind }) => kind === 'NetworkPolicy');
    expect(policies).toHaveLength(2);
    for (const policy of policies) {
      expect(JSON.stringify(policy)).toContain(`"ports":[{"port":${ENGINE_PORT},"protocol":"TCP"}]`);
    }
  });
});

test('the settings of the values are in force, and those of the chart win', async () => {
  const objects = await helm.template(CHARTS.gpuClassroom, { values: EVERYTHING });
  const text = JSON.stringify(objectOf(objects, 'ConfigMap', '-gateway').data);
  const { data } = z
    .object({ data: z.object({ 'gateway.yaml': z.string() }) })
    .parse(objectOf(objects, 'ConfigMap', '-gateway'));
  const parsed = parseSettings(['--config=x'], {}, () => data['gateway.yaml']);
  if (parsed.kind !== 'run') throw new Error(parsed.text);
  expect(parsed.options).toMatchObject({
    namespace: 'python-101',
    maxBodyBytes: 10_000_000,
    queueBytesPerClass: 268_435_456,
    trustTraceparent: true,
    idleTimeoutMs: 180_000,
    valkey: 'rediss://gateway@valkey.school.svc:6380',
    jwt: { issuer: 'https://login.school.example' },
  });
  expect(text).not.toContain('ledger');
});

describe('one gateway with its account on a disk', () => {
  test('is stopped before the next one starts, and has the time that its answers have', async () => {
    const objects = await helm.template(CHARTS.gpuClassroom, {
      values: { gateway: { shutdownGraceSeconds: 120 } },
    });
    const { spec } = deploymentSchema.parse(objectOf(objects, 'Deployment', '-gateway'));
    expect(spec.strategy?.type).toBe('Recreate');
    expect(spec.template.spec.terminationGracePeriodSeconds).toBeGreaterThan(5 + 120);
    expect(spec.template.spec.volumes).toContainEqual({
      name: 'ledger',
      persistentVolumeClaim: { claimName: objectOf(objects, 'PersistentVolumeClaim').metadata.name },
    });
  });
});

describe('values that cannot work are refused, with what to do:', () => {
  test.each([
    ['several gateways that count alone', { gateway: { replicas: 2 } }, 'Set gateway.valkey.url to a Valkey'],
    [
      'a password in a ConfigMap',
      { gateway: { valkey: { url: 'redis://a:secret@valkey:6379' } } },
      'Put it into a Secret',
    ],
    ['an Ingress for any host', { ingress: { enabled: true } }, 'ingress.host is empty'],
    ['a route of no Gateway', { httpRoute: { enabled: true } }, 'Name the Gateway'],
    ['nodes without the right', { rbac: { nodePreparation: { nodes: ['a'] } } }, 'Set it to true'],
    ['a misspelled value', { gatway: {} }, "'gatway' not allowed"],
    ['a setting of the chart', { gateway: { settings: { listen: ':1' } } }, "'listen' not allowed"],
    ['a block that is null', { gateway: { valkey: null } }, 'gateway.valkey is null or missing'],
    ['a block of blocks that is null', { networkPolicy: null }, 'networkPolicy is null'],
    ['settings that are null', { gateway: { settings: null } }, 'gateway.settings is null'],
    ['a text that is null', { gateway: { tlsSecretName: null } }, 'gateway.tlsSecretName is null'],
    ['a switch that is null', { monitoring: { prometheusRule: { enabled: null } } }, 'or leave it out'],
  ])('%s', async (_what, values, words) => {
    await expect(helm.template(CHARTS.gpuClassroom, { values })).rejects.toThrow(words);
  });
});

test('labels that several values give are there once, and those that select stay as they are', async () => {
  const labels = { team: 'llm', 'app.kubernetes.io/name': 'other', 'app.kubernetes.io/instance': 'other' };
  const values = {
    commonLabels: labels,
    operator: { podLabels: labels },
    gateway: { podLabels: { ...labels, team: 'gateway' } },
    ingress: { enabled: true, host: 'llm.school.example', labels },
    httpRoute: { enabled: true, parentRefs: [{ name: 'public' }], labels },
  };
  const objects = await helm.template(CHARTS.gpuClassroom, { values });
  const own = { 'app.kubernetes.io/name': 'gpu-classroom', 'app.kubernetes.io/instance': 'school' };
  for (const { metadata } of objects) expect(metadata.labels).toMatchObject({ ...own, team: 'llm' });
  expect(podOf(objects, '-operator').metadata.labels).toMatchObject({ ...own, team: 'llm' });
  expect(podOf(objects, '-gateway').metadata.labels).toMatchObject({ ...own, team: 'gateway' });
});

test('a release may be called by a number', async () => {
  const objects = await helm.template(CHARTS.gpuClassroom, { release: '2026' });
  for (const { metadata } of objects) {
    expect(metadata.labels).toMatchObject({ 'app.kubernetes.io/instance': '2026' });
  }
});

test('lists and maps that are null are empty ones', async () => {
  const flags = [
    '--api-versions=monitoring.coreos.com/v1/ServiceMonitor',
    '--api-versions=monitoring.coreos.com/v1/PrometheusRule',
  ];
  const pods = {
    ...{ resources: null, podLabels: null, podAnnotations: null, nodeSelector: null, tolerations: null },
    ...{ affinity: null, topologySpreadConstraints: null, extraEnv: null },
  };
  const objects = await helm.template(CHARTS.gpuClassroom, {
    flags,
    values: {
      ...{ global: null, commonLabels: null, imagePullSecrets: null, extraObjects: null },
      ...{ podSecurityContext: null, securityContext: null },
      operator: { ...pods, extraArgs: null, serviceAccount: { annotations: null } },
      gateway: {
        ...{ ...pods, extraVolumes: null, extraVolumeMounts: null, serviceAccount: { annotations: null } },
        persistence: { annotations: null },
        service: { type: 'LoadBalancer', annotations: null, loadBalancerSourceRanges: null },
      },
      ingress: { enabled: true, host: 'llm.school.example', annotations: null, labels: null },
      networkPolicy: { clients: null, egress: { extra: null } },
      monitoring: {
        prometheus: { namespace: 'monitoring' },
        serviceMonitor: { labels: null },
        prometheusRule: { labels: null },
        dashboards: { enabled: true, labels: null, annotations: null },
      },
    },
  });
  const byDefault = await helm.template(CHARTS.gpuClassroom, {
    flags,
    values: {
      ingress: { enabled: true, host: 'llm.school.example' },
      monitoring: { prometheus: { namespace: 'monitoring' }, dashboards: { enabled: true } },
    },
  });
  const names = (of: readonly RenderedObject[]) => of.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
  expect(names(objects)).toEqual(names(byDefault));
});

describe('the notes after an installation', () => {
  const notes = async (values: object) => {
    const args = ['install', 'school', CHARTS.gpuClassroom, '--dry-run=client', '--values=-'];
    return (await helm.run(args, JSON.stringify(values))).split('NOTES:').at(-1) ?? '';
  };

  test('make a namespace for the first class, unless it is the one that is served', async () => {
    expect(await notes({})).toContain('kubectl create namespace python-101\n');
    const ofOne = await notes({ watchNamespace: 'lab' });
    expect(ofOne).toContain('kubectl classroom create python-101 -n lab ');
    expect(ofOne).not.toContain('kubectl create namespace');
  });

  const warning = 'gateway.tlsSecretName is empty: keys travel readable';
  const service = { type: 'LoadBalancer' };
  test.each([
    ['warn of keys that travel readable from outside', { service }, true],
    ['do not where the gateway has a certificate', { service, tlsSecretName: 'tls' }, false],
    ['nor where something before it has', { service, baseURL: 'https://llm.school.example/v1' }, false],
    ['nor where nobody comes from outside', {}, false],
  ])('%s', async (_what, gateway, warns) => {
    expect((await notes({ gateway })).includes(warning)).toBe(warns);
  });
});

describe('as part of another chart', () => {
  let parent: string;
  beforeAll(async () => {
    parent = await mkdtemp(join(tmpdir(), 'parent-chart-'));
    const dependencies = ['gpu-classroom', 'classroom'].map((name) => ({
      name,
      version: '>=0.0.0',
      condition: `${name}.enabled`,
    }));
    const chart = { apiVersion: 'v2', name: 'school', version: '1.0.0', dependencies };
    await writeFile(join(parent, 'Chart.yaml'), JSON.stringify(chart));
    for (const folder of Object.values(CHARTS)) {
      await cp(folder, join(parent, 'charts', basename(folder)), { recursive: true });
    }
  });
  afterAll(() => rm(parent, { recursive: true }));

  test('both are there or not, as that chart says', async () => {
    const values = {
      global: { registry: 'registry.school.example' },
      'gpu-classroom': { enabled: false },
      classroom: { enabled: true, students: [{ id: 'alice' }] },
    };
    const objects = await helm.template(parent, { values });
    expect(objects.map(({ kind }) => kind)).toEqual(['Classroom', 'StudentQuota']);
  });
});

describe('a class from a values file', () => {
  test('has labels of its own beside ours, none twice', async () => {
    const values = {
      labels: { school: 'north', 'app.kubernetes.io/name': 'other' },
      students: [{ id: 'a' }],
    };
    for (const { metadata } of await helm.template(CHARTS.classroom, { values })) {
      expect(metadata.labels).toMatchObject({ school: 'north', 'app.kubernetes.io/name': 'classroom' });
    }
  });

  test.each([
    ['all namespaces', {}, {}],
    ['its namespace alone', { watchNamespace: 'python-101' }, { trainerRoleKind: 'Role' }],
  ])('binds its trainers to the role of an installation for %s', async (_where, installation, values) => {
    const there = await helm.template(CHARTS.gpuClassroom, {
      release: 'gpu-classroom',
      values: installation,
    });
    const trainers = [{ kind: 'User', name: 'chen@school.example', apiGroup: 'rbac.authorization.k8s.io' }];
    const objects = await helm.template(CHARTS.classroom, {
      namespace: 'python-101',
      values: { ...values, trainers },
    });
    const { kind, name } = z
      .object({ roleRef: z.object({ kind: z.string(), name: z.string() }) })
      .parse(objectOf(objects, 'RoleBinding', ':trainers')).roleRef;
    expect(there.map((object) => [object.kind, object.metadata.name])).toContainEqual([kind, name]);
  });

  test('may have nobody in it', async () => {
    const values = { students: null, trainers: null, labels: null, annotations: null };
    const objects = await helm.template(CHARTS.classroom, { values });
    expect(objects.map(({ kind }) => kind)).toEqual(['Classroom']);
  });

  const ids = ['alice', 'Alice', 'alice.b@school.example', 'a_b', '2023-0815', 'x'.repeat(63)];

  test('names its seats as `kubectl classroom enroll` does', async () => {
    const objects = await helm.template(CHARTS.classroom, {
      release: 'python-101',
      values: { students: ids.map((id) => ({ id })) },
    });
    const names = objects.filter(({ kind }) => kind === 'StudentQuota').map(({ metadata }) => metadata.name);
    expect(names.sort()).toEqual(ids.map((id) => seatName('python-101', id)).sort());
  });

  test.each([
    ['a student twice', { students: [{ id: 'a' }, { id: 'a' }] }, 'a student has one seat in a class'],
    ['a field that seats do not have', { students: [{ id: 'a', weigth: 2 }] }, "'weigth' not allowed"],
    ['a field that classes do not have', { spec: { modle: {} } }, "'modle' not allowed"],
    ['a number for an id', { students: [{ id: 20230815 }] }, 'want string'],
    ['no class at all', { spec: null }, "missing property 'spec'"],
  ])('is refused with %s', async (_what, values, words) => {
    await expect(helm.template(CHARTS.classroom, { values })).rejects.toThrow(words);
  });
});
