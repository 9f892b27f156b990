import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Component, startComponent } from '../../src/demo/control-plane/component.ts';
import { freePort } from '../../src/demo/control-plane/ports.ts';
import { CHECKOUT } from '../../src/demo/paths.ts';
import { OPERATOR_NODE_FLAGS } from '../../src/operator/node-flags.ts';
import { FIELD_MANAGER } from '../../src/reconcile/field-managers.ts';
import { BARE_LOOP_USER_AGENT } from './bare-loop.ts';
import type { SchoolCluster } from './cluster.ts';
import { watchConvergence } from './convergence.ts';
import { usageOf } from './process-usage.ts';
import { type Made, rootUids, writesFor } from './replay.ts';
import { untilQuiet, type Writes, writesOf } from './writes.ts';

/** What serving a whole school took, from the start of the process. */
export interface Work {
  seconds: number;
  /** Until the first write was answered: the process started, read what is there, and began. */
  secondsToFirstWrite: number;
  /** Of the process, until everything was done. */
  cpuSeconds: number;
  peakMiB: number;
  writes: Omit<Writes, 'firstAt'>;
}

const WORK_TIMEOUT_MS = 540_000;

/** An operator process and where it answers. */
export interface OperatorProcess extends Component {
  url: string;
}

/** @param profile folder for a CPU profile, if one is wanted */
export async function startOperator(
  { controlPlane }: SchoolCluster,
  workers: number,
  profile: string | undefined,
): Promise<OperatorProcess> {
  const port = await freePort();
  const profiling = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${resolve(profile)}`];
  if (profile !== undefined) await mkdir(profile, { recursive: true });
  const component = await startComponent(controlPlane.run, 'operator', process.execPath, [
    ...OPERATOR_NODE_FLAGS,
    ...profiling,
    CHECKOUT.operator,
    `--kubeconfig=${controlPlane.kubeconfigPath}`,
    // No student asks anything here.
    '--gateway-base-url=http://127.0.0.1:1/v1',
    `--health-address=127.0.0.1:${port}`,
    `--workers=${workers}`,
  ]);
  return { ...component, url: `http://127.0.0.1:${port}` };
}

/** The operator at work on an enrolled school, and nothing else. Leaves it ended. */
export async function measureOperator(
  cluster: SchoolCluster,
  workers: number,
  profile: string | undefined,
): Promise<Work> {
  return measureWork(cluster, FIELD_MANAGER, () => startOperator(cluster, workers, profile));
}

/** The same objects written by the bare loop. */
export async function measureBareLoop(cluster: SchoolCluster, made: Made, parallel: number): Promise<Work> {
  const { controlPlane, client, school } = cluster;
  const work = join(controlPlane.run.path, 'writes.json');
  const writes = writesFor(made, await rootUids(client, school.namespace));
  await writeFile(work, JSON.stringify(writes), { mode: 0o600 });
  return measureWork(cluster, BARE_LOOP_USER_AGENT, () =>
    startComponent(controlPlane.run, 'bare-loop', process.execPath, [
      join(import.meta.dirname, 'bare-loop.ts'),
      controlPlane.kubeconfigPath,
      work,
      String(parallel),
    ]),
  );
}

async function measureWork(
  { controlPlane, client, school }: SchoolCluster,
  userAgent: string,
  start: () => Promise<Component>,
): Promise<Work> {
  const convergence = await watchConvergence(client, school);
  const startedAt = new Date();
  const startedMs = performance.now();
  const component = await start();
  try {
    const isDone = async (): Promise<boolean> => convergence.reachedAtMs !== undefined;
    await component.waitUntil('all classes and seats', isDone, WORK_TIMEOUT_MS);
    const { cpuSeconds } = usageOf(component.pid);
    const seconds = ((convergence.reachedAtMs ?? Number.NaN) - startedMs) / 1000;
    await convergence.stop();
    await untilQuiet(controlPlane);
    const { peakMiB } = usageOf(component.pid);
    const { firstAt, ...writes } = await writesOf(controlPlane, userAgent);
    const secondsToFirstWrite = ((firstAt?.getTime() ?? Number.NaN) - startedAt.getTime()) / 1000;
    return { seconds, secondsToFirstWrite, cpuSeconds, peakMiB, writes };
  } finally {
    await convergence.stop();
    await component.stop('SIGTERM');
  }
}
