import { readFile } from 'node:fs/promises';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { networkInterfaces } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { z } from 'zod';
import { type Classroom, classrooms } from '../../../src/api/classroom.ts';
import { ENGINE_CONTAINER, LABELS } from '../../../src/api/labels.ts';
import { type StudentQuota, studentQuotas } from '../../../src/api/student-quota.ts';
import { listenOn } from '../../../src/http/listen.ts';
import { microTime } from '../../../src/kube/micro-time.ts';
import type { KubeObject, Resource } from '../../../src/kube/object.ts';
import { deployments, leases, nodes, pods, roles, secrets, services } from '../../../src/kube/resources.ts';
import { rulesOf } from '../../../src/rbac/manifest.ts';
import { PEOPLE_ROLES } from '../../../src/rbac/people.ts';
import { SECRET_KEYS, secretNameOf } from '../../../src/student/secret.ts';
import { classroom, studentQuota } from '../../support/builders.ts';
import { connectToControlPlane } from '../../support/connected-control-plane.ts';
import { kubectlClassroom } from '../../support/kubectl-classroom.ts';

// A busy machine is slow, not wrong.
jest.setTimeout(60_000);

const { controlPlane, client } = await connectToControlPlane();
const namespace = await controlPlane.createNamespace('cli-live');

/** The API server passes nothing on to a loopback address; the machine's own is as good. */
const address = Object.values(networkInterfaces())
  .flat()
  .find((one) => one?.family === 'IPv4' && !one.internal)?.address;
const testOnNetwork = address === undefined ? test.skip : test;

const ALICE_KEY = 'key-of-alice';
const BOB_KEY = 'key-of-bob';

const kindOf = (
  group: string,
  kind: string,
  plural: string,
): Resource<KubeObject & Record<string, unknown>> => ({
  group,
  version: 'v1',
  kind,
  plural,
  namespaced: true,
});
const endpoints = kindOf('', 'Endpoints', 'endpoints');
const roleBindings = kindOf('rbac.authorization.k8s.io', 'RoleBinding', 'rolebindings');

/** What the gateway heard, the newest last. */
const heard: IncomingMessage[] = [];

const usage = {
  limits: [{ name: 'concurrentRequests', limit: 2, remaining: 1 }],
  today: {
    requests: 7,
    completed: 6,
    throttled: 2,
    queue_wait_ms: 9000,
    prompt_tokens: 80,
    completion_tokens: 20,
    total_tokens: 100,
  },
};

const STREAM = [
  'data: {"choices":[{"delta":{"role":"assistant","content":""}}]}\n\nda',
  'ta: {"choices":[{"delta":{"content":"Hello, "}}]}\n',
  '\n: a comment\n\ndata: {"choices":[{"delta":{"content":"Alice."}}]}\n\n',
  'data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":4}}\n\ndata: [DONE]\n\n',
];

/** As many of them come. */
let streamed = STREAM.length;

/** Speaks as the gateway does: a key in either header, errors in OpenAI's shape. */
function answer(request: IncomingMessage, response: ServerResponse): void {
  heard.push(request);
  const key = request.headers['x-api-key'] ?? request.headers.authorization?.replace('Bearer ', '');
  response.setHeader('content-type', 'application/json');
  if (key !== ALICE_KEY) {
    const error = { message: 'Your seat is suspended. Ask Ms Chen.', code: 'seat_suspended' };
    response.writeHead(403).end(JSON.stringify({ error }));
  } else if (request.url === '/v1/models') {
    response.end(JSON.stringify({ data: [{ id: 'qwen2.5-7b' }] }));
  } else if (request.url === '/v1/usage') {
    response.end(JSON.stringify(usage));
  } else {
    response.setHeader('content-type', 'text/event-stream');
    for (const part of STREAM.slice(0, streamed)) response.write(part);
    response.end();
  }
}

const gateway = createHttpServer(answer);
const PORT_OF_SERVICE = 8080;

const LOG = [
  'INFO 11-23 06:33:20 [core.py:1] Loading weights',
  'ERROR 11-23 06:33:25 [core.py:1330] torch.OutOfMemoryError: CUDA out of memory.',
  '',
].join('\n');

/** Speaks as a kubelet does of its containers' logs. */
const kubelet = createHttpsServer({}, (request, response) => {
  const url = new URL(request.url ?? '', 'https://kubelet');
  if (url.searchParams.get('previous') === 'true') {
    response.writeHead(400).end(`previous terminated container "${ENGINE_CONTAINER}" not found`);
  } else if (url.searchParams.get('tailLines') === '1') {
    response.end(`${LOG.split('\n')[1]}\n`);
  } else response.end(LOG);
});

const ENGINE = 'python-101-engine-1';
const NODE = `node-of-${namespace}`;
const now = new Date().toISOString().replace(/\.\d+/, '');
const ready = (reason: string, message: string) => ({
  type: 'Ready',
  status: 'True' as const,
  reason,
  message,
  lastTransitionTime: now,
  observedGeneration: 1,
});

async function makeClass(): Promise<void> {
  const place = { namespace, uid: undefined, generation: undefined };
  const made = await client.create(classrooms, classroom({ metadata: place }));
  await writeStatus(classrooms, made, {
    conditions: [ready('Serving', '1 of 1 engine answers.')],
    observedGeneration: 1,
    replicas: 1,
    readyReplicas: 1,
    servedName: 'qwen2.5-7b',
    baseURL: `http://gateway.${namespace}.svc:${PORT_OF_SERVICE}/v1`,
    engines: [
      { name: ENGINE, state: 'Failing', reason: 'OutOfGPUMemoryAtStart', message: 'It ran out of memory.' },
    ],
  });
  await makeSeat('alice', ALICE_KEY);
  await makeSeat('bob', BOB_KEY);
}

async function writeStatus<T extends Classroom | StudentQuota>(
  resource: Resource<T>,
  object: T,
  status: T['status'],
): Promise<void> {
  await client.replace(resource, { ...object, status }, { subresource: 'status' });
}

async function makeSeat(id: string, apiKey: string): Promise<void> {
  const place = { namespace, uid: undefined, generation: undefined };
  const seat = await client.create(
    studentQuotas,
    studentQuota({ metadata: place, spec: { student: { id } } }),
  );
  const secretName = secretNameOf(seat.metadata.name);
  await client.create(secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: secretName,
      namespace,
      labels: { [LABELS.classroom]: 'python-101', [LABELS.student]: seat.metadata.name },
    },
    data: { [SECRET_KEYS.apiKey]: Buffer.from(apiKey).toString('base64') },
  });
  await writeStatus(studentQuotas, seat, {
    conditions: [ready('Active', 'The key works.')],
    secretName,
    usage: { asOf: now, requestsToday: 3, tokensToday: 40, tokensTotal: 90 },
  });
}

/** Whoever listens at the address of this machine is the gateway. */
async function makeService(ip: string, port: number): Promise<void> {
  await client.create(services, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'gateway', namespace },
    spec: { ports: [{ name: 'http', port: PORT_OF_SERVICE, targetPort: port }] },
  });
  // The API server passes on to what is a pod, and to nothing else.
  const pod = { kind: 'Pod', namespace, name: 'gateway' };
  await client.create(pods, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: pod.name, namespace },
    spec: { nodeName: NODE, containers: [{ name: 'gateway', image: 'gpu-classroom' }] },
  });
  const status = { podIP: ip, podIPs: [{ ip }] };
  await client.mergePatch(pods, pod, { status }, { subresource: 'status' });
  await client.create(endpoints, {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { name: 'gateway', namespace },
    subsets: [{ addresses: [{ ip, targetRef: pod }], ports: [{ name: 'http', port, protocol: 'TCP' }] }],
  });
}

/** Nobody is scheduled to it. */
async function makeEngine(kubeletPort: number): Promise<void> {
  const node = await client.create(nodes, {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: NODE },
    spec: { unschedulable: true },
  });
  const status = {
    addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
    daemonEndpoints: { kubeletEndpoint: { Port: kubeletPort } },
  };
  // The controllers write to it as well.
  await client.mergePatch(nodes, { name: node.metadata.name }, { status }, { subresource: 'status' });
  await makeEnginePod(ENGINE);
}

async function makeEnginePod(name: string): Promise<void> {
  await client.create(pods, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace,
      labels: { [LABELS.component]: 'engine', [LABELS.classroom]: 'python-101' },
    },
    spec: {
      nodeName: NODE,
      containers: [{ name: ENGINE_CONTAINER, image: 'vllm/vllm-openai:v0.32.0' }],
    },
  });
}

async function startEngine(name: string): Promise<void> {
  await makeEnginePod(name);
  const container = { name: ENGINE_CONTAINER, image: '', imageID: '', ready: false, restartCount: 0 };
  const containerStatuses = [{ ...container, state: { running: { startedAt: now } } }];
  await client.mergePatch(
    pods,
    { namespace, name },
    { status: { containerStatuses } },
    { subresource: 'status' },
  );
}

let gatewayUrl = '';

beforeAll(async () => {
  const certificates = join(dirname(controlPlane.kubeconfigPath), 'certificates');
  kubelet.setSecureContext({
    cert: await readFile(join(certificates, 'apiserver.crt')),
    key: await readFile(join(certificates, 'apiserver.key')),
  });
  const { port: kubeletPort } = await listenOn(kubelet, { host: '127.0.0.1', port: 0 });
  const { port } = await listenOn(gateway, { host: '', port: 0 });
  gatewayUrl = `http://127.0.0.1:${port}/v1`;
  await makeClass();
  await makeEngine(kubeletPort);
  if (address !== undefined) await makeService(address, port);
});

afterAll(async () => {
  for (const server of [gateway, kubelet]) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

const run = (...argv: string[]) =>
  kubectlClassroom([...argv, '-n', namespace, '--kubeconfig', controlPlane.kubeconfigPath]);

describe('chat', () => {
  const ask = ['chat', '--student', 'alice', '-m', 'Hello?'];

  test('answers as a student hears it', async () => {
    const { code, stdout, stderr } = await run(...ask, '--gateway-url', gatewayUrl);
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'Hello, Alice.\n' });
    expect(stderr).toContain(`alice in python-101, qwen2.5-7b, through ${gatewayUrl}`);
    expect(stderr).toMatch(/9 tokens in, 4 out; first text after [\d.]+ s/);
    expect(stderr).not.toContain(ALICE_KEY);
  });

  testOnNetwork('reaches a gateway for the cluster only through the API server', async () => {
    const { code, stdout, stderr } = await run(...ask);
    expect({ code, stdout, stderr: code === 0 ? '' : stderr }).toEqual({
      code: 0,
      stdout: 'Hello, Alice.\n',
      stderr: '',
    });
    expect(heard.at(-1)?.headers).toMatchObject({ 'x-api-key': ALICE_KEY });
    // The API server keeps the credentials of who asks to itself.
    expect(heard.at(-1)?.headers).not.toHaveProperty('authorization');
  });

  test.each([
    ['directly', () => ['--gateway-url', gatewayUrl]],
    ...(address === undefined ? [] : [['through the API server', () => []] as const]),
  ])('tells a refusal in the words of the gateway, %s', async (_, flags) => {
    const { code, stdout, stderr } = await run('chat', '--student', 'bob', '-m', 'Hello?', ...flags());
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('The gateway refuses the request: HTTP 403, seat_suspended.');
    expect(stderr).toContain('Your seat is suspended. Ask Ms Chen.');
  });

  test('asks as whom, where there are several', async () => {
    const { code, stderr } = await run('chat', '-m', 'Hello?');
    expect(code).toBe(2);
    expect(stderr).toMatch(/It has 2\.\n.*alice, bob\./);
  });

  test('asks nothing where there is no question', async () => {
    const before = heard.length;
    const argv = ['chat', '--student', 'alice', '--gateway-url', gatewayUrl, '-n', namespace];
    const { code, stdout, stderr } = await kubectlClassroom(
      [...argv, '--kubeconfig', controlPlane.kubeconfigPath],
      { readText: () => ' \n' },
    );
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('There is no question: the standard input is empty.');
    expect(heard).toHaveLength(before);
  });

  test('ends the line of an answer that breaks off', async () => {
    streamed = 3;
    const { code, stdout, stderr } = await run(...ask, '--gateway-url', gatewayUrl);
    streamed = STREAM.length;
    expect({ code, stdout }).toEqual({ code: 1, stdout: 'Hello, Alice.\n' });
    expect(stderr).toContain('The answer broke off.');
  });

  test('tells of a gateway that is not there', async () => {
    const { code, stderr } = await run(...ask, '--gateway-url', 'http://127.0.0.1:1/v1');
    expect(code).toBe(1);
    expect(stderr).toMatch(/The gateway at http:\/\/127\.0\.0\.1:1\/v1 cannot be reached\.\n.*ECONNREFUSED/);
  });

  testOnNetwork('tells who may not ask through the API server what is missing', async () => {
    const account = await trainer();
    const { code, stderr } = await run(...ask, '--as', account);
    expect(code).toBe(1);
    expect(stderr).toContain(`You may not ask the gateway through the API server`);
    expect(stderr).toContain('services/proxy');
  });
});

describe('logs', () => {
  test('marks the line by which a failure is known, and says what the operator says', async () => {
    const { code, stdout, stderr } = await run('logs');
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: `${ENGINE}: Failing, OutOfGPUMemoryAtStart: It ran out of memory.\n`,
    });
    const [first, second, cause, next] = stdout.split('\n');
    expect([first, second]).toEqual(LOG.split('\n').slice(0, 2));
    expect(cause).toMatch(/^\^\^\^ OutOfGPUMemoryAtStart: /);
    expect(next).toMatch(/^ {4}[A-Z]/);
  });

  test('shows so many lines as are asked for', async () => {
    expect((await run('logs', '--tail', '1')).stdout).toMatch(/^ERROR/);
  });

  test('end where nobody reads them any more, as before `head`', async () => {
    const written: string[] = [];
    const argv = ['logs', '-n', namespace, '--kubeconfig', controlPlane.kubeconfigPath];
    const stdout = { destroyed: true, write: (text: string) => written.push(text) };
    expect(await kubectlClassroom(argv, { stdout })).toMatchObject({ code: 0 });
    expect(written).toHaveLength(1);
  });

  test('says of which engine there is none, and fails', async () => {
    const { code, stdout, stderr } = await run('logs', '-p');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/has no log of an earlier start to show: .*not found/);
  });

  test('go on with engines that start meanwhile, until Ctrl-C, which is no failure', async () => {
    const stop = new AbortController();
    const later = `${ENGINE}-later`;
    const lines: string[] = [];
    const stdout = {
      write: (text: string) => {
        lines.push(text);
        if (lines.length === 1) void startEngine(later);
        if (text.startsWith(`${later} | ERROR`)) stop.abort(new Error('Interrupted'));
      },
    };
    const argv = ['logs', '-f', '--tail', '1', '-n', namespace, '--kubeconfig', controlPlane.kubeconfigPath];
    const { code, stderr } = await kubectlClassroom(argv, { stdout, signal: stop.signal });
    await client.delete(pods, { namespace, name: later }, { gracePeriodSeconds: 0 });
    expect(code).toBe(130);
    expect(stderr).toBe(`${ENGINE}: Failing, OutOfGPUMemoryAtStart: It ran out of memory.\n`);
    const [first, second, third] = lines;
    expect(first).toMatch(new RegExp(`^${ENGINE} \\| ERROR`));
    // Of one that starts later, all: who follows has not seen its beginning.
    expect([second, third]).toEqual([
      expect.stringMatching(`^${later} \\| INFO`),
      expect.stringMatching(`^${later} \\| ERROR`),
    ]);
  });

  test('names the engines that there are', async () => {
    const { code, stderr } = await run('logs', '--engine', 'nobody');
    expect(code).toBe(1);
    expect(stderr).toContain(ENGINE);
  });
});

describe('top', () => {
  test('shows of each student what the gateway says, else what it wrote down', async () => {
    const { code, stdout } = await run('top', '--once', '-o', 'json', '--gateway-url', gatewayUrl);
    expect(code).toBe(0);
    const { students, note } = JSON.parse(stdout);
    expect(students).toEqual([
      {
        id: 'alice',
        source: 'Gateway',
        running: 1,
        requests: 7,
        refused: 2,
        meanWaitMs: 1500,
        promptTokens: 80,
        completionTokens: 20,
        tokens: 100,
      },
      { id: 'bob', source: 'Status', requests: 3, tokens: 40 },
    ]);
    expect(note).toMatch(/^The figures of bob are up to a minute old: The gateway refuses/);
  });

  test('is a table for people', async () => {
    const { stdout } = await run('top', '--once', '--sort', 'student', '--gateway-url', gatewayUrl);
    expect(stdout).toMatch(/^python-101 in .*: 1 of 1 engine answers\./);
    expect(stdout).toMatch(/^alice +1 +7 +2 +1\.5s +80 +20 +100 +<unlimited>$/m);
  });

  test('draws again until Ctrl-C, which is no failure', async () => {
    const stop = new AbortController();
    const drawn: string[] = [];
    const screen = {
      draw: (text: string) => {
        if (drawn.push(text) === 2) stop.abort(new Error('Interrupted'));
      },
      close() {},
    };
    const argv = ['top', '--interval', '1ms', '--gateway-url', gatewayUrl, '-n', namespace];
    const { code, stderr } = await kubectlClassroom([...argv, '--kubeconfig', controlPlane.kubeconfigPath], {
      signal: stop.signal,
      screen: async () => screen,
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(drawn[1]).toMatch(/PER MINUTE/);
  });
});

const findingsSchema = z.object({
  findings: z.array(z.looseObject({ area: z.string(), what: z.string(), next: z.string().optional() })),
});

describe('doctor', () => {
  const findings = async (...flags: string[]) => {
    const { code, stdout } = await run('doctor', '-o', 'json', ...flags);
    const { findings: found } = findingsSchema.parse(JSON.parse(stdout));
    const of = (area: string) => found.filter((finding) => finding.area === area);
    return { code, of };
  };

  test('goes the way of a student to the end', async () => {
    const { of } = await findings('--gateway-url', gatewayUrl);
    expect(of('Cluster')).toMatchObject([{ mark: 'Good' }, { mark: 'Good' }]);
    expect(of('Rights')).toMatchObject([{ mark: 'Good' }]);
    expect(of('Gateway')).toMatchObject([
      { mark: 'Good', what: expect.stringContaining('knows alice and offers qwen2.5-7b') },
      { mark: 'Good', what: expect.stringContaining('A question of alice was answered') },
    ]);
  });

  test('asks no engine where that is not wanted', async () => {
    const { of } = await findings('--gateway-url', gatewayUrl, '--no-request');
    expect(of('Gateway')).toHaveLength(1);
  });

  test('says what is wrong and what to do, and fails', async () => {
    const { code, of } = await findings('--gateway-url', gatewayUrl, '--student', 'bob');
    expect(code).toBe(1);
    expect(of('Gateway')).toMatchObject([{ mark: 'Bad', why: 'Your seat is suspended. Ask Ms Chen.' }]);
    expect(of('Class')).toContainEqual({
      area: 'Class',
      mark: 'Bad',
      what: `Engine ${ENGINE}, Failing: It ran out of memory.`,
    });
  });

  test('tells who may not look what is missing, and goes on', async () => {
    const { of } = await findings('--gateway-url', gatewayUrl, '--as', 'mallory');
    expect(of('Rights')).toMatchObject([{ mark: 'Bad', why: expect.stringContaining('list secrets') }]);
    expect(of('Operator')).toEqual([
      {
        area: 'Operator',
        mark: 'Unknown',
        what: 'You may not look at all of operator and gateway.',
        why: 'The user mallory lacks the right "list" on "deployments.apps" in the whole cluster.',
        next: expect.stringContaining('Who runs the cluster may look'),
      },
    ]);
    expect(of('GPUs')).toMatchObject([{ mark: 'Unknown' }]);
    expect(of('Class')).toMatchObject([
      {
        mark: 'Unknown',
        why: `The user mallory lacks the right "list" on "classrooms.gpu-classroom.io" in namespace "${namespace}".`,
        next: expect.stringContaining("Ask who runs the cluster for the trainers' role"),
      },
    ]);
  });

  test('names whoever is like the student whom nobody knows, and fails', async () => {
    const { code, of } = await findings('--gateway-url', gatewayUrl, '--student', 'alcie');
    expect(code).toBe(1);
    expect(of('Gateway')).toMatchObject([
      {
        mark: 'Bad',
        what: 'Nobody with the id "alcie" has a seat in the class "python-101".',
        why: 'Did you mean alice?',
      },
    ]);
  });

  test('does not call a namespace healthy of whose classes it looked at none', async () => {
    const several = await controlPlane.createNamespace('cli-live-several');
    for (const name of ['biology', 'python']) {
      const place = { name, namespace: several, uid: undefined, generation: undefined };
      await client.create(classrooms, classroom({ metadata: place }));
    }
    const argv = ['doctor', '-o', 'json', '-n', several, '--kubeconfig', controlPlane.kubeconfigPath];
    const { stdout } = await kubectlClassroom(argv);
    expect(findingsSchema.parse(JSON.parse(stdout)).findings).toContainEqual(
      expect.objectContaining({
        mark: 'Unknown',
        what: `Which class is meant? Namespace "${several}" has 2.`,
      }),
    );
  });

  test('says what operator and gateway lack, and who of them does not run', async () => {
    await makeOperator();
    const { code, of } = await findings('--gateway-url', gatewayUrl);
    expect(code).toBe(1);
    // Charts that other tests install are seen as well.
    const ours = of('Operator').filter(({ what = '', next = '' }) => `${what} ${next}`.includes(namespace));
    expect(ours).toMatchObject([
      {
        mark: 'Bad',
        what: `The operator (${namespace}/gpu-classroom-operator) was stopped: its Deployment wants no pod.`,
        next: expect.stringContaining('--replicas=1'),
      },
      { mark: 'Bad', what: expect.stringMatching(/has not renewed its Lease for \d+m/) },
      {
        mark: 'Bad',
        what: `The operator lacks rights for namespace "${namespace}".`,
        why: expect.stringMatching(/list classrooms.*list nodes/),
      },
    ]);
  });

  test('is read by people, area by area', async () => {
    const { stdout } = await run('doctor', '--gateway-url', gatewayUrl, '--student', 'bob');
    expect(stdout).toMatch(/^Cluster\n {2}✓ Kubernetes v1/);
    expect(stdout).toMatch(/✗ The gateway refuses the request: HTTP 403, seat_suspended\.\n {4}Your seat/);
    expect(stdout).toMatch(/things are wrong.*Begin with the first\.\n$/);
  });
});

describe('plan', () => {
  test('plans a class of the cluster, with its students', async () => {
    const { code, stdout } = await run('plan', 'python-101', '--gpu', 'A10', '-o', 'json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      fits: true,
      replicas: 1,
      model: { name: 'Qwen/Qwen2.5-7B-Instruct' },
      gpuAvailability: { status: expect.any(String), message: expect.any(String) },
    });
  });

  test('tells of a class that is not there', async () => {
    const { code, stderr } = await run('plan', 'python-102');
    expect(code).toBe(1);
    expect(stderr).toContain('There is no class "python-102"');
  });
});

/** Somebody has stopped it, and nobody has given it its rights. */
async function makeOperator(): Promise<void> {
  const labels = { [LABELS.partOf]: 'gpu-classroom', [LABELS.component]: 'operator', test: namespace };
  const metadata = { name: 'gpu-classroom-operator', namespace, labels };
  await client.create(deployments, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata,
    spec: {
      replicas: 0,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          serviceAccountName: 'gpu-classroom-operator',
          containers: [{ name: 'operator', image: 'gpu-classroom' }],
        },
      },
    },
  });
  await client.create(leases, {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata,
    spec: { holderIdentity: 'gone', renewTime: microTime(Date.now() - 3_600_000 - 60_000) },
  });
}

/** Somebody with exactly the rights of a trainer in this namespace. */
async function trainer(): Promise<string> {
  const rules = rulesOf(
    PEOPLE_ROLES.filter(({ name }) => name === 'trainer').flatMap(({ rights }) => rights),
  );
  const metadata = { name: 'trainer', namespace };
  await client.create(roles, { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata, rules });
  await client.create(roleBindings, {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata,
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'trainer' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'ms-chen' }],
  });
  return 'ms-chen';
}
