import { fileURLToPath } from 'node:url';
import { ENGINE_POD_SELECTOR } from '../../../src/api/labels.ts';
import type { DemoCluster, DemoProcess } from '../../../src/demo/cluster.ts';
import { systemClock } from '../../../src/kube/clock.ts';
import { createInformer } from '../../../src/kube/informer.ts';
import { pods } from '../../../src/kube/resources.ts';
import { OPERATOR_ACCOUNT } from '../../../src/rbac/accounts.ts';
import { samplesOf, sumOf } from '../../../src/vllm/metrics-text.ts';
import { type ApiServerProxy, startApiServerProxy } from '../../support/api-server-proxy.ts';
import { type CourseTime, startCourseTime } from '../../support/course-clock/course-time.ts';
import { kubeconfigThrough, startTestCluster } from '../../support/demo-cluster.ts';
import { eventually } from '../../support/eventually.ts';
import { type CourseWeek, courseWeek } from './calendar.ts';

const PROGRAMS = {
  operator: fileURLToPath(new URL('../../support/course-clock/operator.ts', import.meta.url)),
  gateway: fileURLToPath(new URL('../../support/course-clock/gateway.ts', import.meta.url)),
};
/** So slow that a long answer is open for some seconds. */
const ENGINE_SPEED = 4;
/** Longer than from an answer to the request that follows from it. */
const IDLE_MS = 60;

/** One of the two programs, which may be killed at any moment. */
export interface Program {
  /** SIGKILL; resolves when it has ended. */
  kill(): Promise<void>;
  /** Resolves when it is ready. */
  start(): Promise<void>;
  /** SIGKILL and a new start, which goes on while the course does. */
  crash(): void;
  /** Resolves when a start that is under way has ended. */
  up(): Promise<void>;
  /** What `/metrics` says now. */
  metrics(): Promise<string>;
}

/** A cluster whose operator and gateway live in the time of a course. */
export interface School extends AsyncDisposable {
  readonly cluster: DemoCluster;
  readonly time: CourseTime;
  /** What the operator writes goes through it. */
  readonly proxy: ApiServerProxy;
  readonly operator: Program;
  readonly gateway: Program;
  /**
   * Moves the time of the course to this one (epoch ms) when the operator has no request under way: none of them would
   * be answered within its deadline.
   */
  moveTo(timeMs: number): Promise<void>;
  /** How many passes a controller of the operator has made since the operator was started. */
  operatorPasses(controller: string): Promise<number>;
  /** How many engines were ever made in a namespace. */
  enginesMade(namespace: string): number;
  /** The how-manieth week of the course, from 0. */
  week(number: number): CourseWeek;
}

/** Everything but operator and gateway is started; the first Monday is still to come. */
export async function openSchool(): Promise<School> {
  await using stack = new AsyncDisposableStack();
  const time = stack.use(await startCourseTime());
  const startMs = time.clock.now();
  const cluster = stack.use(
    await startTestCluster({ engineSpeed: ENGINE_SPEED, clock: time.clock, programs: PROGRAMS }),
  );
  const proxy = await startApiServerProxy(cluster.controlPlane);
  stack.defer(() => proxy.close());
  const enginesMade = stack.use(await countEngines(cluster));
  const kubeconfig = await kubeconfigThrough(proxy, cluster, OPERATOR_ACCOUNT);
  const flags = [time.flag];
  const operator = programOf(() => cluster.startOperator({ name: 'operator', kubeconfig, flags }));
  const gateway = programOf(() =>
    cluster.startGateway({ name: 'gateway', flags: [...flags, '--heartbeat=200ms'] }),
  );
  const all = stack.move();
  return {
    cluster,
    time,
    proxy,
    operator,
    gateway,
    enginesMade: enginesMade.in,
    async moveTo(timeMs) {
      await eventually('the operator to be idle', () => proxy.idleMs() >= IDLE_MS);
      await time.moveTo(timeMs);
    },
    async operatorPasses(controller) {
      const passes = samplesOf(await operator.metrics(), 'gpu_classroom_operator_reconciles_total');
      return sumOf(passes.filter(({ labels }) => labels.includes(`controller="${controller}"`)));
    },
    week: (number) => courseWeek(startMs, number),
    async [Symbol.asyncDispose]() {
      await Promise.allSettled([operator.up(), gateway.up()]);
      await all.disposeAsync();
    },
  };
}

/** Counts the pods of engines as they are made. */
async function countEngines({ client }: DemoCluster) {
  const made = new Map<string, Set<string>>();
  const informer = createInformer({
    ...{ client, clock: systemClock, random: Math.random },
    ...{ resource: pods, labelSelector: ENGINE_POD_SELECTOR },
  });
  informer.store.subscribe(({ object: { metadata } }) => {
    const { namespace = '', uid = '' } = metadata;
    made.set(namespace, (made.get(namespace) ?? new Set()).add(uid));
  });
  informer.start();
  await informer.synced();
  return {
    in: (namespace: string): number => made.get(namespace)?.size ?? 0,
    [Symbol.asyncDispose]: () => informer.stop(),
  };
}

function programOf(startProcess: () => Promise<DemoProcess>): Program {
  let running: DemoProcess | undefined;
  let starting: Promise<void> = Promise.resolve();
  const start = async (): Promise<void> => {
    running = await startProcess();
  };
  const kill = async (): Promise<void> => {
    await starting;
    await running?.stop('SIGKILL');
  };
  const begin = (work: () => Promise<void>): Promise<void> => {
    starting = work();
    // Whoever waits for it is told; nobody may be waiting yet.
    starting.catch(() => {});
    return starting;
  };
  return {
    kill,
    start: () => begin(start),
    crash() {
      const before = starting;
      void begin(async () => {
        await before;
        await running?.stop('SIGKILL');
        await start();
      });
    },
    up: () => starting,
    async metrics() {
      await starting;
      return (await fetch(`${running?.healthUrl}/metrics`)).text();
    },
  };
}
