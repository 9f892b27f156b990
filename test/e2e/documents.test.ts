import { spawn } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { classrooms } from '../../src/api/classroom.ts';
import { ensureBinaries, ensureOptionsOf } from '../../src/demo/binaries/ensure.ts';
import type { Binaries } from '../../src/demo/binaries/versions.ts';
import { credentialsOf, enrol, followLesson } from '../../src/demo/class/lesson.ts';
import type { DemoCluster } from '../../src/demo/cluster.ts';
import { type ControlPlane, startControlPlane } from '../../src/demo/control-plane/control-plane.ts';
import { systemClock } from '../../src/kube/clock.ts';
import { deployments, namespaces, pods } from '../../src/kube/resources.ts';
import { startTestCluster } from '../support/demo-cluster.ts';
import { type Block, ROOT, readDocument } from '../support/documents.ts';
import { eventually } from '../support/eventually.ts';
import { GUIDES, type Guide } from '../support/guides.ts';
import { hasPython } from '../support/python-client.ts';
import { type Ended, ended, linkCheckout, openShell } from '../support/shell.ts';

const CLASS = { namespace: 'python-101', name: 'python-101' };
const BOOT_TIMEOUT_MS = 300_000;

/** Guides that begin where a class with a student is already. */
const WITH_A_CLASS: readonly Guide[] = ['docs/students.md', 'docs/operations.md', 'docs/troubleshooting.md'];

/** Guides that mean other nodes than four machines with an A10 each. */
const NODES: Partial<Record<Guide, string>> = { 'docs/demo-cluster.md': 'manifests/demo-nodes/mixed.yaml' };

let binaries: Binaries;
/** Of all guides that do not need one of their own. */
let shared: DemoCluster;

beforeAll(async () => {
  binaries = await ensureBinaries(ensureOptionsOf(process));
  shared = await startProduct();
}, BOOT_TIMEOUT_MS);

afterAll(() => shared?.stop(), 60_000);

describe.each(GUIDES)('the commands of %s do what it says:', (path) => {
  const { blocks } = readDocument(path);
  const reader = readerOf(path);

  beforeAll(() => reader.begin(blocks), BOOT_TIMEOUT_MS);
  afterAll(() => reader.end(), 120_000);

  const commands = blocks.filter(({ use }) => use.kind === 'run');
  const possible = commands.filter(({ text }) => hasPython() || !text.startsWith('python'));
  test.each(possible.map((block) => [block.where, block] as const))('%s', async (_, block) => {
    const { code, output } = await reader.run(block);
    if (code !== 0) throw new Error(`${block.text}\n\nended with ${code}:\n${output}`);
  });
});

test('the demo ends with 0 when every student was answered', async () => {
  const args = ['src/demo/main.ts', '--exit', '--students', '4', '--speed', '20'];
  const { code, output } = await ended(spawn(process.execPath, args, { cwd: ROOT }));
  expect({ code, output }).toMatchObject({ code: 0, output: expect.stringMatching(/8 answers, 0 failed/) });
});

/** Who reads a guide, and types what stands there into one terminal, from a checkout. */
interface Reader {
  begin(blocks: readonly Block[]): Promise<void>;
  run(block: Block): Promise<Ended>;
  /** Leaves no trace of the guide in the cluster. */
  end(): Promise<void>;
}

function readerOf(path: Guide): Reader {
  const nodes = NODES[path];
  let folder: string;
  let cluster: DemoCluster;
  let empty: ControlPlane | undefined;
  const kubeconfigOf = async ({ use }: Block): Promise<string> => {
    if (use.kind !== 'run' || use.place === 'cluster with the product') return join(folder, '.kubeconfig');
    // As the guide says: nothing of ours is there yet, and pods are not looked at.
    empty ??= await startControlPlane({ binaries, controllerManager: false, scheduler: false });
    return empty.kubeconfigPath;
  };
  return {
    async begin(blocks) {
      folder = await checkout();
      cluster = nodes === undefined ? shared : await startProduct(await readFile(join(ROOT, nodes), 'utf8'));
      await copyFile(cluster.controlPlane.kubeconfigPath, join(folder, '.kubeconfig'));
      for (const { use, text } of blocks) {
        if (use.kind === 'file') await writeFile(join(folder, use.name), `${text}\n`);
      }
      if (WITH_A_CLASS.includes(path)) await writeFile(join(folder, '.env'), await startClass(cluster));
    },
    async run(block) {
      return openShell(folder, binaries).run(block.text, { KUBECONFIG: await kubeconfigOf(block) });
    },
    async end() {
      await empty?.stop();
      await (nodes === undefined ? forgetClass(cluster) : cluster.stop());
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** @param nodes a node file as text */
async function startProduct(nodes?: string): Promise<DemoCluster> {
  const cluster = await startTestCluster(nodes === undefined ? {} : { nodes });
  await Promise.all([cluster.startOperator({ name: 'operator' }), cluster.startGateway({ name: 'gateway' })]);
  return cluster;
}

/** The folder of a reader. */
async function checkout(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gpu-classroom-guide-'));
  await linkCheckout(folder);
  return folder;
}

/** @returns the environment of its student */
async function startClass({ client }: DemoCluster): Promise<string> {
  await enrol(client, CLASS, ['alice'], 1);
  const lesson = await followLesson(client, systemClock, CLASS);
  try {
    await lesson.untilReady(AbortSignal.timeout(BOOT_TIMEOUT_MS));
    const [seat] = lesson.seats();
    if (seat === undefined) throw new Error('alice has no seat');
    const { baseURL, apiKey, model } = await credentialsOf(client, seat);
    return `OPENAI_BASE_URL=${baseURL}\nOPENAI_API_KEY=${apiKey}\nOPENAI_MODEL=${model}\n`;
  } finally {
    await lesson.stop();
  }
}

/** A namespace with pods that take their time is looked at again after half of that: so the engines go first, at once. */
async function forgetClass({ client }: DemoCluster): Promise<void> {
  const { namespace } = CLASS;
  const left = await client.list(classrooms, { namespace });
  for (const { metadata } of left.items) await client.delete(classrooms, metadata);
  await eventually(`the engines of ${namespace} to be gone`, async () => {
    const { items } = await client.list(pods, { namespace });
    for (const { metadata } of items) await client.delete(pods, metadata, { gracePeriodSeconds: 0 });
    return items.length === 0 && (await client.list(deployments, { namespace })).items.length === 0;
  });
  await client.delete(namespaces, { name: namespace });
  await eventually(
    `namespace ${namespace} to be gone`,
    async () => (await client.get(namespaces, { name: namespace })) === undefined,
  );
}
