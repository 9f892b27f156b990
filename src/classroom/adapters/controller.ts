import type { Classroom } from '../../api/classroom.ts';
import { COMPONENTS, LABELS } from '../../api/labels.ts';
import { servedNameOf } from '../../api/model.ts';
import { parseClassroom } from '../../api/parse.ts';
import { keyOf, refOfKey } from '../../kube/object.ts';
import type { Pod } from '../../kube/resources.ts';
import type { ObjectChange } from '../../reconcile/caches.ts';
import type { OperatorController } from '../../reconcile/controller.ts';
import type { AddressOfPod } from '../../vllm/pod-address.ts';
import type { ClassroomDependencies } from '../dependencies.ts';
import { instanceOf } from '../engine-container.ts';
import type { ClassAdapters } from './board.ts';
import { originOf, type ReadyEngine, readyEngines } from './engines.ts';
import { ClassMemory, type RememberedEngine } from './memory.ts';
import { isDone, nextStep, nextTryMs, type Step } from './next-step.ts';
import { snapshotOf } from './snapshot.ts';
import { askLoaded, tellEngine } from './tell-engine.ts';
import { type WantedAdapter, wantedAdapters } from './wanted.ts';

/** What this controller uses of the operator. */
export type AdapterDependencies = Pick<
  ClassroomDependencies,
  'clock' | 'log' | 'callEngine' | 'addressOf' | 'adapterBoard'
> & {
  informers: Pick<ClassroomDependencies['informers'], 'classrooms' | 'pods'>;
  settings: Pick<ClassroomDependencies['settings'], 'watchNamespace'>;
};

/** Engines change without a word only when somebody else tells them to. */
const LOOK_EVERY_MS = 60_000;

/**
 * Brings the adapters of a class to its engines: of every engine that answers it asks what is loaded, and then tells
 * one engine one thing. Nothing is kept but in memory and in the engines, so it may be killed at any time.
 *
 * Writes nothing to the API server: what it finds goes to the board, and from there into the status.
 */
export function createAdapterController(dependencies: AdapterDependencies): OperatorController {
  const { informers, clock, adapterBoard: board, settings } = dependencies;
  const memories = new Map<string, ClassMemory>();

  return {
    name: 'adapter',
    connect: (enqueue) => connect(dependencies, enqueue),
    keys: () => informers.classrooms.list(settings.watchNamespace).map(({ metadata }) => keyOf(metadata)),
    async reconcile(key, signal) {
      const seen = observe(dependencies, key);
      if (seen === undefined) {
        memories.delete(key);
        board.remove(key);
        return {};
      }
      const { wanted, ready, classroom } = seen;
      const memory = memories.get(key) ?? new ClassMemory(wanted, classroom.status);
      memories.set(key, memory);
      await lookAtEngines(dependencies, memory, memory.look(ready, wanted), signal);
      const step = nextStep(wanted, memory.look(ready, wanted), memory.suspicions, clock.monotonic());
      if (step !== undefined) await carryOut(dependencies, memory, ready, step, signal);
      const engines = memory.look(ready, wanted);
      const adapters = snapshotOf(engines, wanted, memory.suspicions);
      board.put(key, adapters);
      const blocked = obstacleIn(adapters);
      return {
        requeueAfterMs: step === undefined ? untilNextLook(memory, engines, clock.monotonic()) : 0,
        ...(blocked === undefined ? {} : { blocked }),
      };
    },
  };
}

interface Observed {
  classroom: Classroom;
  wanted: readonly WantedAdapter[];
  ready: readonly ReadyEngine[];
}

/** Undefined for a class that has nothing to do with adapters: its engines are not asked. */
function observe({ informers, addressOf }: AdapterDependencies, key: string): Observed | undefined {
  const { namespace = '', name } = refOfKey(key);
  const object = informers.classrooms.get(refOfKey(key));
  if (object === undefined || object.metadata.deletionTimestamp !== undefined) return undefined;
  const parsed = parseClassroom(object);
  if (!parsed.ok) return undefined;
  const { spec, status } = parsed.classroom;
  const servedName = status?.servedName ?? servedNameOf(spec.model);
  const wanted = wantedAdapters(spec, servedName);
  const pods = informers.pods
    .ofClassroom(namespace, name)
    .filter((pod) => pod.metadata.labels?.[LABELS.component] === COMPONENTS.engine)
    .toSorted((a, b) => a.metadata.name.localeCompare(b.metadata.name));
  const ready = readyEngines(pods, addressOf, { id: spec.model.id, servedName });
  const concerned = wanted.length > 0 || ready.some((engine) => engine.startedForRank !== undefined);
  return concerned ? { classroom: parsed.classroom, wanted, ready } : undefined;
}

/** Asks all engines at once: one that hangs must not hold up the others. */
async function lookAtEngines(
  { callEngine, clock }: AdapterDependencies,
  memory: ClassMemory,
  engines: readonly RememberedEngine[],
  signal: AbortSignal,
): Promise<void> {
  const nowMs = clock.monotonic();
  const due = engines.filter(
    ({ instance, startedForRank }) => startedForRank !== undefined && memory.isDue(instance, nowMs),
  );
  await Promise.all(
    due.map(async ({ instance, origin }) => {
      const look = await askLoaded(callEngine, origin, signal);
      const silence = 'silence' in look ? look.silence : '';
      if (!signal.aborted) memory.heard(instance, look.loaded, silence, clock.monotonic());
    }),
  );
  signal.throwIfAborted();
}

async function carryOut(
  { callEngine, clock, log }: AdapterDependencies,
  memory: ClassMemory,
  ready: readonly ReadyEngine[],
  step: Step,
  signal: AbortSignal,
): Promise<void> {
  const engine = ready.find(({ instance }) => instance === step.engine);
  if (engine === undefined) throw new Error(`there is no engine ${step.engine}`);
  const answer = await tellEngine(callEngine, engine.origin, step, signal);
  // An abort of ours looks like an engine that broke the connection, and says nothing about the adapter.
  signal.throwIfAborted();
  memory.answered(step, answer, clock.monotonic());
  const { model, folder } = step.adapter;
  log.info(
    { engine: engine.name, step: step.kind, model, folder, ...answer },
    'Told an engine of an adapter',
  );
  if (answer.kind !== 'done') return;
  const look = await askLoaded(callEngine, engine.origin, signal);
  signal.throwIfAborted();
  memory.heard(engine.instance, look.loaded, 'silence' in look ? look.silence : '', clock.monotonic());
  if (look.loaded === undefined || isDone(step, look.loaded)) return;
  log.warn(
    { engine: engine.name, step: step.kind, model, folder },
    'An engine does not say that it did what it was told',
  );
  memory.contradicted(engine.instance, clock.monotonic());
}

/** What only a person can change. */
function obstacleIn({ engines, quarantined }: ClassAdapters): string | undefined {
  const failed = engines.flatMap(({ troubles }) => troubles.filter(({ state }) => state === 'Failed'));
  const [first] = [...quarantined, ...failed];
  return first === undefined ? undefined : `Adapter '${first.name}' is not loaded: ${first.why}`;
}

function untilNextLook(memory: ClassMemory, engines: readonly RememberedEngine[], nowMs: number): number {
  const times = [nextTryMs(engines, memory.suspicions, nowMs), memory.nextAskMs(nowMs)];
  const earliestMs = Math.min(nowMs + LOOK_EVERY_MS, ...times.filter((time) => time !== undefined));
  return earliestMs - nowMs;
}

/** Another spec, or another engine that answers, leads to the class. */
function connect(
  { informers: { classrooms, pods }, addressOf }: AdapterDependencies,
  enqueue: (key: string) => void,
): () => void {
  const subscriptions = [
    classrooms.onChange(({ now, before }) => {
      const object = now ?? before;
      if (object === undefined || now?.metadata.generation === before?.metadata.generation) return;
      enqueue(keyOf(object.metadata));
    }),
    pods.onChange((change) => {
      const { now, before }: ObjectChange<Pod> = change;
      const pod = now ?? before;
      const name = pod?.metadata.labels?.[LABELS.classroom];
      if (pod === undefined || name === undefined || faceOf(now, addressOf) === faceOf(before, addressOf))
        return;
      const { namespace } = pod.metadata;
      enqueue(keyOf(namespace === undefined ? { name } : { namespace, name }));
    }),
  ];
  return () => {
    for (const unsubscribe of subscriptions) unsubscribe();
  };
}

/** All of a pod that matters here. */
function faceOf(pod: Pod | undefined, addressOf: AddressOfPod): string {
  if (pod === undefined) return '';
  const origin = originOf(pod, addressOf);
  return origin === undefined ? '' : `${instanceOf(pod)} ${origin}`;
}
