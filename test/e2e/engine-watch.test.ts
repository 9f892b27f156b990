import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Classroom, type ClassroomSpecInput, classrooms } from '../../src/api/classroom.ts';
import { type Condition, findCondition } from '../../src/api/condition.ts';
import { CLASSROOM_CONDITIONS } from '../../src/api/reasons.ts';
import { readEngine } from '../../src/classroom/engine-watch/reading.ts';
import { ensureBinaries, ensureOptionsOf } from '../../src/demo/binaries/ensure.ts';
import { classroomManifests, demoClassroom } from '../../src/demo/class/roster.ts';
import { type DemoCluster, startDemoCluster } from '../../src/demo/cluster.ts';
import { readNodeFile } from '../../src/demo/node-agent/nodes/description.ts';
import { vllmSimulator } from '../../src/demo/node-agent/runtimes/vllm-simulator.ts';
import { CHECKOUT } from '../../src/demo/paths.ts';
import { isReady } from '../../src/kube/readiness.ts';
import { events, namespaces, type Pod, pods } from '../../src/kube/resources.ts';
import { QUICK_PACE } from '../support/demo-cluster.ts';
import { eventually } from '../support/eventually.ts';

/** Engines of the simulator share the memory of a played GPU; the operator watches them through their metrics. */

const BOOT_TIMEOUT_MS = 240_000;
const TEST_TIMEOUT_MS = 300_000;
/** Two engines race from half of it on for a third of it: longer than two processes take to start one after the other. */
const LOAD_SECONDS = 6;

/** The labels of the shared GPU tell nobody what it is, so that nothing is planned and no KV cache is pinned. */
const NODES = `
nodes:
- name: shared
  gpu: {product: NVIDIA-A10, sharing: {timeSlicing: {replicas: 2, renameByDefault: true}}}
  labels: {nvidia.com/gpu.product: Unheard-Of, nvidia.com/gpu.memory: ''}
- name: whole
  gpu: {product: NVIDIA-A10}
`;

const RACE = { namespace: 'race', name: 'race' };
const STALL = { namespace: 'stall', name: 'stall' };

let cluster: DemoCluster;

beforeAll(async () => {
  cluster = await startDemoCluster({
    binaries: await ensureBinaries(ensureOptionsOf(process)),
    nodes: readNodeFile(NODES, 'the nodes of this test'),
    runtimes: [vllmSimulator({ entryPoint: CHECKOUT.vllmSimulator, loadSeconds: LOAD_SECONDS })],
    pace: QUICK_PACE,
    report: () => {},
  });
  await cluster.startOperator({ name: 'operator', flags: ['--rollout-idle-seconds=3'] });
  await makeClass(RACE, {
    model: { id: 'Qwen/Qwen2.5-1.5B-Instruct' },
    gpu: { sharing: 'TimeSliced', slicesPerGPU: 2 },
    engine: { replicas: { min: 2, max: 2, studentsPerReplica: 5 } },
  });
  await makeClass(STALL, demoClassroom(STALL, 1).spec);
}, BOOT_TIMEOUT_MS);

afterAll(() => cluster?.stop(), 60_000);

interface ClassRef {
  namespace: string;
  name: string;
}

async function makeClass(ref: ClassRef, spec: ClassroomSpecInput): Promise<void> {
  await cluster.client.create(namespaces, {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: ref.namespace },
  });
  await cluster.client.create(classroomManifests, { ...demoClassroom(ref, 1), spec });
}

async function classOf(ref: ClassRef): Promise<Classroom> {
  const object = await cluster.client.get(classrooms, ref);
  if (object === undefined) throw new Error(`there is no class ${ref.name}`);
  return object;
}

const asPlanned = ({ status }: Classroom): Condition | undefined =>
  findCondition(status?.conditions, CLASSROOM_CONDITIONS.engineAsPlanned);

/** What the engines of a class measured, once so many answer and have said it. */
function measured(ref: ClassRef, count: number, where: (tokens: number) => boolean = () => true) {
  return eventually(`${count} engines of ${ref.name} to say what they measured`, async () => {
    const { status } = await classOf(ref);
    const tokens = (status?.engines ?? []).flatMap(({ kvCacheTokens }) => kvCacheTokens ?? []);
    return tokens.length === count && tokens.every(where) ? tokens : undefined;
  });
}

async function notesOf(ref: ClassRef, reason: string): Promise<string[]> {
  const { items } = await cluster.client.list(events, { namespace: ref.namespace });
  return items.filter((event) => event.reason === reason).map(({ note = '' }) => note);
}

async function enginePods({ namespace }: ClassRef): Promise<Pod[]> {
  return (await cluster.client.list(pods, { namespace })).items;
}

describe('two engines on one GPU', () => {
  test(
    'start in turn; when both crash and race, the one that lost is started anew, alone',
    async () => {
      const [whole = 0, alike] = await measured(RACE, 2);
      expect(alike).toBe(whole);
      expect(asPlanned(await classOf(RACE))?.reason).toBe('NotPlanned');

      const crash = cluster.nodeAgent.fail(
        { namespace: RACE.namespace },
        { kind: 'Crash', afterSeconds: 0, times: 1 },
      );
      const [seen = ''] = await eventually('the race to be told', async () => {
        const notes = await notesOf(RACE, 'EngineNotAsPlanned');
        return notes.length > 0 && notes;
      });
      crash.cancel();
      expect(seen).toContain(`${whole.toLocaleString('en-US')} tokens as the largest of these engines did`);
      expect(seen).toContain('started on its GPU at the same time as');

      const [repaired = ''] = await eventually('an engine to be started anew', async () => {
        const notes = await notesOf(RACE, 'EngineRestarted');
        return notes.length > 0 && notes;
      });
      expect(repaired).toContain('it is started anew, alone');
      await measured(RACE, 2, (tokens) => tokens === whole);
      await eventually('all to be well', async () => asPlanned(await classOf(RACE))?.reason === 'NotPlanned');
    },
    TEST_TIMEOUT_MS,
  );
});

describe('an engine with a GPU of its own', () => {
  test(
    'has the KV cache that was planned',
    async () => {
      const [tokens = 0] = await measured(STALL, 1);
      const { status } = await classOf(STALL);
      expect(status?.plan?.kvCacheTokens).toBe(tokens);
      expect(asPlanned(await classOf(STALL))).toMatchObject({ status: 'True', reason: 'AsPlanned' });
      expect(status?.lastLoadSeconds).toBeGreaterThanOrEqual(LOAD_SECONDS - 1);
    },
    TEST_TIMEOUT_MS,
  );

  test(
    'is started anew when it stands still, though it answers its probes',
    async () => {
      await measured(STALL, 1);
      const [engine] = await enginePods(STALL);
      const origin = `http://${engine?.status?.podIP}:8000`;
      const asked = fetch(`${origin}/v1/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'class-model', prompt: 'Hello', max_tokens: 4000, ignore_eos: true }),
      }).then(
        ({ status }) => status,
        () => 'cut',
      );
      await eventually('the request to be computed', async () => {
        const metrics = await fetch(`${origin}/metrics`);
        return readEngine(await metrics.text())?.running === 1;
      });
      const stall = cluster.nodeAgent.fail(
        { namespace: STALL.namespace },
        { kind: 'EngineStall', afterSeconds: 0, times: 1 },
      );
      const [note = ''] = await eventually('the engine to be started anew', async () => {
        const notes = await notesOf(STALL, 'EngineRestarted');
        return notes.length > 0 && notes;
      });
      stall.cancel();
      expect(note).toContain('computed no token');
      expect(await asked).toBe('cut');
      const renewed = await eventually('another engine that answers', async () => {
        const found = await enginePods(STALL);
        return found.find((pod) => pod.metadata.uid !== engine?.metadata.uid && isReady(pod));
      });
      expect(renewed.status?.containerStatuses?.[0]?.restartCount).toBe(0);
      expect(await notesOf(STALL, 'EngineRestarted')).toHaveLength(1);
    },
    TEST_TIMEOUT_MS,
  );
});
