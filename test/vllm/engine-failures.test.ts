import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Classroom, classrooms } from '../../src/api/classroom.ts';
import { findCondition } from '../../src/api/condition.ts';
import { API_GROUP_VERSION } from '../../src/api/group.ts';
import { ensureBinaries, ensureOptionsOf } from '../../src/demo/binaries/ensure.ts';
import { type DemoCluster, startDemoCluster } from '../../src/demo/cluster.ts';
import { readNodeFile } from '../../src/demo/node-agent/nodes/description.ts';
import { installedVllm } from '../../src/demo/node-agent/runtimes/vllm.ts';
import type { KubeObject } from '../../src/kube/object.ts';
import { namespaces } from '../../src/kube/resources.ts';
import { eventually } from '../support/eventually.ts';
import { installedVllmOf } from './installed.ts';

/** The engine process of a real vLLM fails, and the class says why: through vLLM's logging, as the pod asks for it. */

const CLASS = { namespace: 'broken', name: 'broken' };
const START_TIMEOUT_MS = 600_000;

let folder: string;
let cluster: DemoCluster;

beforeAll(async () => {
  const { program } = installedVllmOf(process.env);
  folder = await mkdtemp(join(tmpdir(), 'vllm-'));
  const environment = Object.fromEntries(
    Object.entries({ ...process.env, TMPDIR: folder }).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    ),
  );
  cluster = await startDemoCluster({
    binaries: await ensureBinaries(ensureOptionsOf(process)),
    nodes: readNodeFile('nodes: [{name: desk, gpu: {product: NVIDIA-A10}}]', 'the nodes of this test'),
    runtimes: [installedVllm({ program, environment })],
    report: () => {},
  });
  await cluster.startOperator({ name: 'operator' });
}, START_TIMEOUT_MS);

afterAll(async () => {
  await cluster?.stop();
  await rm(folder, { recursive: true, force: true });
}, 120_000);

/** The tiny model, its weights cut in half. */
async function damagedModel(): Promise<string> {
  const copy = join(folder, 'damaged');
  await cp(installedVllmOf(process.env).model, copy, { recursive: true });
  const weights = join(copy, 'model.safetensors');
  const bytes = await readFile(weights);
  await writeFile(weights, bytes.subarray(0, bytes.length / 2));
  return copy;
}

test(
  'a file of weights that is damaged',
  async () => {
    const { client } = cluster;
    await client.create<KubeObject>(namespaces, {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: CLASS.namespace },
    });
    await client.create<KubeObject>(classrooms, {
      apiVersion: API_GROUP_VERSION,
      kind: 'Classroom',
      metadata: CLASS,
      ...{ spec: { model: { id: await damagedModel(), servedName: 'tiny' } } },
    });
    const condition = await eventually(
      'the end of the first start',
      async () => {
        const found = await client.get<Classroom>(classrooms, CLASS);
        const enginesReady = findCondition(found?.status?.conditions, 'EnginesReady');
        return found?.status?.failures?.count === 1 ? enginesReady : undefined;
      },
      START_TIMEOUT_MS,
    );
    expect(condition.message).toContain('a file of weights is damaged');
    expect(condition.message).toContain("Delete the model's folder on the model volume");
  },
  START_TIMEOUT_MS,
);
