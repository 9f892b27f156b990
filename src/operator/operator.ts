import { createAdapterBoard } from '../classroom/adapters/board.ts';
import { createAdapterController } from '../classroom/adapters/controller.ts';
import { createClassroomController } from '../classroom/controller.ts';
import type { ClassroomDependencies } from '../classroom/dependencies.ts';
import { createEngineBoard } from '../classroom/engine-watch/board.ts';
import { createEngineWatchController } from '../classroom/engine-watch/controller.ts';
import { createNodePreparationController } from '../classroom/node-preparation/controller.ts';
import { createPreparationNotes } from '../classroom/node-preparation/notes.ts';
import { createReportKeyController } from '../classroom/report-key/controller.ts';
import { aborted } from '../kube/aborted.ts';
import { createApplier } from '../kube/apply.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Clock } from '../kube/clock.ts';
import { createController } from '../kube/controller.ts';
import type { Logger } from '../kube/log.ts';
import type { KubeMetrics } from '../kube/metrics.ts';
import { rememberWrites } from '../kube/written.ts';
import type { EventSink, OperatorController, OperatorMetrics } from '../reconcile/controller.ts';
import { FIELD_MANAGER } from '../reconcile/field-managers.ts';
import type { OperatorSettings } from '../reconcile/settings.ts';
import { createStudentController } from '../student/controller.ts';
import { createInformerSet, type InformerSet } from './informers.ts';
import { createProgress, type Progress } from './progress.ts';

/** Names of the controllers, as in metrics and logs. */
export const CONTROLLER_NAMES = [
  'classroom',
  'student',
  'adapter',
  'engine-watch',
  'node-preparation',
  'report-key',
] as const;

export interface OperatorOptions {
  client: KubeClient;
  events: EventSink;
  clock: Clock;
  log: Logger;
  /** In [0, 1). */
  random: () => number;
  randomBytes: ClassroomDependencies['randomBytes'];
  settings: OperatorSettings;
  kubeMetrics: KubeMetrics;
  metrics: OperatorMetrics;
  callEngine: ClassroomDependencies['callEngine'];
  addressOf: ClassroomDependencies['addressOf'];
  /** Keys each controller works on at once. */
  workers: number;
}

/** The operator without its process: caches and controllers. */
export interface Operator {
  readonly informers: InformerSet;
  readonly progress: Progress;
  /** Works until the signal aborts, from when the caches are complete; they may be started long before. */
  run(signal: AbortSignal): Promise<void>;
  /**
   * Nothing is being done, no change waits to be looked at, and the caches show all that was written: until somebody
   * else changes something, only failures and what is due at a later time lead to another pass.
   */
  isAtRest(): boolean;
}

/** Wires caches to controllers. Nothing runs before `informers.start` and `run`. */
export function createOperator(options: OperatorOptions): Operator {
  const { clock, log, settings } = options;
  const { client, isShownBy } = rememberWrites(options.client, clock);
  const informers = createInformerSet({
    ...options,
    metrics: options.kubeMetrics,
    namespace: settings.watchNamespace,
  });
  const dependencies: ClassroomDependencies = {
    ...options,
    client,
    applier: createApplier({ client, fieldManager: FIELD_MANAGER }),
    informers: informers.caches,
    adapterBoard: createAdapterBoard(),
    engineBoard: createEngineBoard(),
    preparationNotes: createPreparationNotes(),
  };
  const progress = createProgress();
  const parts = [
    createClassroomController(dependencies),
    createStudentController(dependencies),
    createAdapterController(dependencies),
    createEngineWatchController(dependencies),
    createNodePreparationController(dependencies),
    createReportKeyController(dependencies),
  ].map((part) => ({ part, controller: controllerOf(part, options, progress) }));
  let isWorking = false;

  return {
    informers,
    progress,
    async run(signal) {
      await Promise.race([informers.synced(), aborted(signal)]);
      if (signal.aborted) return;
      const disconnect = parts.map(({ part, controller }) =>
        part.connect((key, afterMs = 0) => controller.enqueueAfter(key, afterMs)),
      );
      for (const { part, controller } of parts) part.keys().forEach(controller.enqueue);
      isWorking = true;
      log.info({ classrooms: informers.caches.classrooms.list().length }, 'Working');
      await Promise.all(parts.map(({ controller }) => controller.run(signal)));
      for (const end of disconnect) end();
    },
    isAtRest: () =>
      isWorking && parts.every(({ controller }) => controller.isIdle) && isShownBy(informers.followed()),
  };
}

function controllerOf(part: OperatorController, options: OperatorOptions, progress: Progress) {
  return createController({
    name: part.name,
    clock: options.clock,
    log: options.log,
    workers: options.workers,
    metrics: options.kubeMetrics,
    reconcile: (key, { signal }) => progress.track(part.name, key, () => part.reconcile(key, signal)),
  });
}
