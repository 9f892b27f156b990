import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import {
  type Classroom,
  type ClassroomSpecInput,
  classrooms,
  type EngineState,
} from '../src/api/classroom.ts';
import { findCondition } from '../src/api/condition.ts';
import { API_GROUP_VERSION } from '../src/api/group.ts';
import { ensureBinaries, ensureOptionsOf } from '../src/demo/binaries/ensure.ts';
import {
  classroomManifests,
  demoStudentQuotas,
  studentIds,
  studentQuotaManifests,
} from '../src/demo/class/roster.ts';
import { type DemoCluster, startDemoCluster } from '../src/demo/cluster.ts';
import { readNodeFile } from '../src/demo/node-agent/nodes/description.ts';
import { vllmSimulator } from '../src/demo/node-agent/runtimes/vllm-simulator.ts';
import { CHECKOUT } from '../src/demo/paths.ts';
import { namespaces } from '../src/kube/resources.ts';

/**
 * Writes what kubectl prints of classes in several states into `docs/classroom-status.md`, from a cluster of its own
 * whose GPUs are played. In the document each command stands in a comment, `<!-- kubectl get classrooms -->`, and the
 * block after it is replaced.
 */
const DOCUMENT = 'docs/classroom-status.md';
const NAMESPACE = 'school';
const NODES = `nodes:
- {name: gpu, count: 2, gpu: {product: NVIDIA-A10}}
- {name: shared, gpu: {product: NVIDIA-L4, sharing: {timeSlicing: {replicas: 4}}}}`;
const TIMEOUT_MS = 120_000;
const POLL_MS = 100;
const LOAD_SECONDS = 4;

const A10 = { product: 'NVIDIA-A10' };
const CONTACT = { contact: 'Ms Chen, room 214' };

interface ShownClass {
  name: string;
  students: number;
  spec: ClassroomSpecInput;
}

const CLASSES: readonly ShownClass[] = [
  {
    name: 'python-101',
    students: 12,
    spec: {
      ...CONTACT,
      model: { id: 'Qwen/Qwen2.5-7B-Instruct', servedName: 'qwen2.5-7b' },
      gpu: A10,
      engine: { replicas: { min: 1, max: 2, studentsPerReplica: 6 } },
    },
  },
  {
    name: 'biology',
    students: 8,
    spec: {
      ...CONTACT,
      model: { id: 'Qwen/Qwen2.5-14B-Instruct', servedName: 'qwen2.5-14b' },
      gpu: A10,
    },
  },
  {
    name: 'statistics',
    students: 4,
    spec: {
      ...CONTACT,
      model: { id: 'Qwen/Qwen2.5-1.5B-Instruct', servedName: 'qwen2.5-1.5b' },
      gpu: { sharing: 'TimeSliced', slicesPerGPU: 4, product: 'NVIDIA-L4' },
      engine: { replicas: { min: 3, max: 4, studentsPerReplica: 1 } },
    },
  },
];

async function main(): Promise<void> {
  const binaries = await ensureBinaries(ensureOptionsOf(process));
  const cluster = await startDemoCluster({
    binaries,
    nodes: readNodeFile(NODES, 'the nodes of the document'),
    runtimes: [vllmSimulator({ entryPoint: CHECKOUT.vllmSimulator, loadSeconds: LOAD_SECONDS })],
    report: (step) => process.stderr.write(`${step}\n`),
  });
  try {
    await cluster.startOperator({ name: 'operator' });
    await openClasses(cluster);
    await changeAfterReady(cluster);
    const kubectl = async (args: string): Promise<string> => {
      const flags = [`--kubeconfig=${cluster.controlPlane.kubeconfigPath}`, `--namespace=${NAMESPACE}`];
      const { stdout } = await promisify(execFile)(binaries.kubectl, [...flags, ...args.split(' ')]);
      return stdout.trimEnd();
    };
    await writeFile(DOCUMENT, await withOutputs(await readFile(DOCUMENT, 'utf8'), kubectl));
  } finally {
    await cluster.stop();
  }
}

async function openClasses({ client }: DemoCluster): Promise<void> {
  await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } });
  for (const { name, students, spec } of CLASSES) {
    const room = { namespace: NAMESPACE, name };
    const object = { apiVersion: API_GROUP_VERSION, kind: 'Classroom', metadata: room, spec };
    await client.create(classroomManifests, object);
    for (const seat of demoStudentQuotas(room, studentIds(students))) {
      await client.create(studentQuotaManifests, seat);
    }
  }
}

/** One class answers and has a change that waits; the engines of another one are on their way, in turn. */
async function changeAfterReady(cluster: DemoCluster): Promise<void> {
  const python = { namespace: NAMESPACE, name: 'python-101' };
  await until(cluster, python, ({ status }) => isTrue(status, 'Ready'));
  const image = 'vllm/vllm-openai:v0.32.1';
  await cluster.client.mergePatch(classrooms, python, { spec: { engine: { image, maxNumSeqs: 24 } } });
  await until(cluster, python, ({ status }) => isTrue(status, 'RolloutPending'));
  const inTurn = { namespace: NAMESPACE, name: 'statistics' };
  await until(cluster, inTurn, ({ status }) => has(status, 'Ready') && has(status, 'Loading'));
}

function has(status: Classroom['status'], wanted: EngineState): boolean {
  return status?.engines?.some(({ state }) => state === wanted) ?? false;
}

function isTrue(status: Classroom['status'], type: string): boolean {
  return findCondition(status?.conditions, type)?.status === 'True';
}

async function until(
  { client }: DemoCluster,
  room: { namespace: string; name: string },
  holds: (classroom: Classroom) => boolean,
): Promise<void> {
  const deadlineMs = performance.now() + TIMEOUT_MS;
  for (;;) {
    const classroom = await client.get(classrooms, room);
    if (classroom !== undefined && holds(classroom)) return;
    if (performance.now() > deadlineMs)
      throw new Error(`${room.name} does not come to where it should be shown`);
    await delay(POLL_MS);
  }
}

async function withOutputs(text: string, kubectl: (args: string) => Promise<string>): Promise<string> {
  const parts = text.split(/(<!-- kubectl [^>]+ -->\n)```text\n[\s\S]*?\n```/);
  const written: string[] = [];
  for (const part of parts) {
    written.push(part);
    const args = /^<!-- kubectl (.+) -->\n$/.exec(part)?.[1];
    if (args !== undefined) written.push(`\`\`\`text\n$ kubectl ${args}\n${await kubectl(args)}\n\`\`\``);
  }
  return written.join('');
}

await main();
