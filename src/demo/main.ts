import { rmSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { tellWhy } from '../command-line/parse.ts';
import { aborted } from '../kube/aborted.ts';
import { systemClock } from '../kube/clock.ts';
import { ensureBinaries, ensureOptionsOf } from './binaries/ensure.ts';
import type { Binaries } from './binaries/versions.ts';
import { everyoneAnswered, letThemWork } from './class/at-work.ts';
import { credentialsOf, enrol, followLesson, type Lesson, type LessonRef } from './class/lesson.ts';
import { demoEngines, studentIds } from './class/roster.ts';
import type { StudentCredentials, StudentProgress } from './class/students.ts';
import { viewClass } from './class-view.ts';
import { type DemoCluster, startDemoCluster } from './cluster.ts';
import { clusterGuide, emptyClusterGuide, type Place, studentGuide } from './guide.ts';
import { type NodeDescription, readNodeFile } from './node-agent/nodes/description.ts';
import type { Runtime } from './node-agent/runtimes/runtime.ts';
import { installedVllm } from './node-agent/runtimes/vllm.ts';
import { vllmSimulator } from './node-agent/runtimes/vllm-simulator.ts';
import { type DemoOptions, parseDemoOptions } from './options.ts';
import { CHECKOUT } from './paths.ts';
import { createScreen, type Screen } from './screen.ts';

const CLASS: LessonRef = { namespace: 'python-101', name: 'python-101' };
/** With `--exit`: one task streamed, one not. */
const ROUNDS = 2;
const MAX_THINK_MS = 10_000;
const REDRAW_MS = 500;
/** A real engine with a cold cache takes minutes to load. */
const CLASS_READY_TIMEOUT_MS = 600_000;

/** Pods need addresses of their own for an operator and a gateway among them. */
const EMPTY_ELSEWHERE =
  '--empty works on Linux only, where every pod gets an address of its own on this machine. npm run cluster without it brings operator and gateway along.';

/** Everything one run of the demo shares. */
interface Demo {
  options: DemoOptions;
  nodes: readonly NodeDescription[];
  cluster: DemoCluster;
  binaries: Binaries;
  screen: Screen;
  step: (text: string) => void;
  signal: AbortSignal;
}

async function main(): Promise<number> {
  const parsed = parseDemoOptions(process.argv.slice(2));
  if (parsed.kind !== 'run') return tellWhy(parsed, process);
  const { options } = parsed;
  if (options.empty && process.platform !== 'linux') throw new Error(EMPTY_ELSEWHERE);
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());
  const screen = createScreen(process.stdout);
  const startedMs = systemClock.monotonic();
  const step = (text: string) =>
    screen.line(`[${((systemClock.monotonic() - startedMs) / 1000).toFixed(1).padStart(5)} s] ${text}`);

  const nodesFile = options.nodes ?? CHECKOUT.demoNodes;
  const nodes = readNodeFile(await readFile(nodesFile, 'utf8'), nodesFile);
  const binaries = await ensureBinaries(ensureOptionsOf(process));
  const cluster = await startDemoCluster({
    binaries,
    nodes,
    runtimes: [await engineRuntime(options)],
    isEmpty: options.empty,
    ...(options.port === undefined ? {} : { gatewayPort: options.port }),
    report: step,
  });
  try {
    const demo: Demo = { options, nodes, cluster, binaries, screen, step, signal: stop.signal };
    if (!options.empty) await startProduct(demo);
    return options.mode === 'cluster' ? await stay(demo) : await teach(demo);
  } finally {
    if (options.keep !== undefined) await keepLogs(cluster, options.keep);
    await cluster.stop();
  }
}

async function startProduct({ cluster, step }: Demo): Promise<void> {
  await cluster.startOperator({ name: 'operator' });
  step('The operator runs');
  await cluster.startGateway({ name: 'gateway' });
  step(`The gateway takes requests at ${cluster.baseURL}`);
}

async function engineRuntime(options: DemoOptions): Promise<Runtime> {
  const program = process.env.GPU_CLASSROOM_VLLM;
  if (program === undefined || program === '') {
    return vllmSimulator({ entryPoint: CHECKOUT.vllmSimulator, speed: options.speed });
  }
  const environment = Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  return installedVllm({ program, environment: { ...environment, TMPDIR: await engineFolder() } });
}

/** For the sockets that vLLM leaves behind. Its name is short because the path of a socket must be. */
async function engineFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'vllm-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function stay(demo: Demo): Promise<number> {
  const guide = demo.options.empty ? emptyClusterGuide : clusterGuide;
  demo.screen.line(`\n${guide(placeOf(demo))}\n`);
  demo.screen.line('Ctrl-C ends it.');
  await aborted(demo.signal);
  return 0;
}

async function teach(demo: Demo): Promise<number> {
  const { options, nodes, cluster, step, screen, signal } = demo;
  const ids = studentIds(options.students);
  await enrol(cluster.client, CLASS, ids, demoEngines(ids.length, nodes), options.model);
  step(`Classroom ${CLASS.name} and ${ids.length} StudentQuotas are written`);
  const lesson = await followLesson(cluster.client, systemClock, CLASS);
  try {
    const ready = lesson.untilReady(AbortSignal.any([signal, AbortSignal.timeout(CLASS_READY_TIMEOUT_MS)]));
    await redrawUntil(ready, drawer(demo, lesson, []));
    screen.clear();
    step('The class is ready: every engine answers, every student has a key');
    return await work(demo, lesson);
  } catch (error) {
    if (signal.aborted) return exitCodeOfCtrlC(options);
    throw error;
  } finally {
    await lesson.stop();
  }
}

async function work(demo: Demo, lesson: Lesson): Promise<number> {
  const { options, cluster, screen, signal } = demo;
  const credentials = await Promise.all(lesson.seats().map((seat) => credentialsOf(cluster.client, seat)));
  showGuides(demo, credentials[0]);
  const { students, done } = letThemWork({
    credentials,
    rounds: options.exit ? ROUNDS : Number.POSITIVE_INFINITY,
    maxThinkMs: MAX_THINK_MS,
    clock: systemClock,
    random: Math.random,
    signal,
  });
  await redrawUntil(done, drawer(demo, lesson, students));
  screen.settle();
  return signal.aborted ? exitCodeOfCtrlC(options) : everyoneAnswered(students) ? 0 : 1;
}

/** Ctrl-C is how the demo ends, unless it was to end by itself. */
function exitCodeOfCtrlC({ exit }: DemoOptions): number {
  return exit ? 130 : 0;
}

function showGuides(demo: Demo, student: StudentCredentials | undefined): void {
  demo.screen.line(`\n${clusterGuide(placeOf(demo))}\n`);
  if (student !== undefined) demo.screen.line(`${studentGuide(student)}\n`);
}

function placeOf({ cluster, binaries }: Demo): Place {
  const { baseURL, controlPlane } = cluster;
  return {
    programFolders: [dirname(binaries.kubectl), dirname(binaries.helm), CHECKOUT.plugin],
    kubeconfigPath: controlPlane.kubeconfigPath,
    baseURL,
  };
}

function drawer({ cluster, screen }: Demo, lesson: Lesson, students: readonly StudentProgress[]) {
  const startedMs = systemClock.monotonic();
  return async () => {
    const elapsedMs = systemClock.monotonic() - startedMs;
    const { nodeAgent } = cluster;
    screen.draw(await viewClass({ name: CLASS.name, lesson, nodeAgent, students, elapsedMs }));
  };
}

async function redrawUntil(done: Promise<void>, draw: () => Promise<void>): Promise<void> {
  let ended = false;
  const end = done.finally(() => {
    ended = true;
  });
  while (!ended) {
    await draw();
    await Promise.race([end, systemClock.sleep(REDRAW_MS)]);
  }
  await end;
  await draw();
}

async function keepLogs(cluster: DemoCluster, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const { path } = cluster.controlPlane.run;
  const names = (await readdir(path, { recursive: true })).filter((name) => /\.(log|kubeconfig)$/.test(name));
  for (const name of names) await cp(join(path, name), join(folder, name), { recursive: true });
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
