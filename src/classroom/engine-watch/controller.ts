import { COMPONENTS, LABELS } from '../../api/labels.ts';
import { keyOf, refOfKey } from '../../kube/object.ts';
import type { Pod } from '../../kube/resources.ts';
import type { ObjectChange } from '../../reconcile/caches.ts';
import type { OperatorController } from '../../reconcile/controller.ts';
import type { AddressOfPod } from '../../vllm/pod-address.ts';
import type { ClassroomDependencies } from '../dependencies.ts';
import type { CallEngine } from '../engine-calls.ts';
import { type WatchedEngine, watchedEngine } from './board.ts';
import { type StartedEngine, startedEngines } from './engines.ts';
import { readEngine } from './reading.ts';
import { afterLook, type EngineRecord, type Look } from './record.ts';

/** What this controller uses of the operator. */
export type EngineWatchDependencies = Pick<
  ClassroomDependencies,
  'clock' | 'log' | 'callEngine' | 'addressOf' | 'engineBoard'
> & {
  informers: Pick<ClassroomDependencies['informers'], 'classrooms' | 'pods'>;
  settings: Pick<ClassroomDependencies['settings'], 'watchNamespace'>;
};

/** Between two questions to one engine. */
export const LOOK_EVERY_MS = 10_000;
/** An idle engine answers within milliseconds, a busy one within a few steps. */
const TIMEOUT_MS = 5_000;

/**
 * Asks every engine of a class that has started for its health and its metrics, over the pod's IP, every ten seconds.
 * What it hears goes to the board; it writes nothing to the API server and restarts nothing.
 */
export function createEngineWatchController(dependencies: EngineWatchDependencies): OperatorController {
  const { informers, settings, engineBoard: board, clock } = dependencies;
  const classes = new Map<string, Map<string, Remembered>>();

  return {
    name: 'engine-watch',
    connect: (enqueue) => connect(dependencies, enqueue),
    keys: () => informers.classrooms.list(settings.watchNamespace).map(({ metadata }) => keyOf(metadata)),
    async reconcile(key, signal) {
      const engines = startedEngines(enginePods(dependencies, key), dependencies.addressOf);
      if (engines.length === 0) {
        classes.delete(key);
        board.put(key, new Map());
        return {};
      }
      const before = classes.get(key);
      const remembered = new Map(engines.map(({ instance }) => [instance, before?.get(instance) ?? {}]));
      classes.set(key, remembered);
      await lookAtEngines(dependencies, engines, remembered, signal);
      const nowMs = clock.monotonic();
      board.put(key, seenOf(remembered, nowMs));
      const nextMs = Math.min(...[...remembered.values()].map(({ askedAtMs = nowMs }) => askedAtMs));
      return { requeueAfterMs: Math.max(0, nextMs + LOOK_EVERY_MS - nowMs) };
    },
  };
}

/** One start of an engine; nothing yet for one that has not been asked. */
interface Remembered {
  record?: EngineRecord;
  /** Monotonic ms. */
  askedAtMs?: number;
}

function enginePods({ informers }: EngineWatchDependencies, key: string): Pod[] {
  const { namespace = '', name } = refOfKey(key);
  if (informers.classrooms.get(refOfKey(key)) === undefined) return [];
  return informers.pods
    .ofClassroom(namespace, name)
    .filter((pod) => pod.metadata.labels?.[LABELS.component] === COMPONENTS.engine);
}

/** Asks all whose time has come at once: one that hangs must not hold up the others. */
async function lookAtEngines(
  { callEngine, clock, log }: EngineWatchDependencies,
  engines: readonly StartedEngine[],
  remembered: Map<string, Remembered>,
  signal: AbortSignal,
): Promise<void> {
  const nowMs = clock.monotonic();
  await Promise.all(
    engines.map(async ({ instance, name, origin }) => {
      const { record, askedAtMs } = remembered.get(instance) ?? {};
      if (askedAtMs !== undefined && nowMs < askedAtMs + LOOK_EVERY_MS) return;
      const look = await askEngine(callEngine, origin, signal);
      if (signal.aborted) return;
      if (look.kind !== 'read')
        log.debug({ engine: name, why: look.why }, 'An engine did not tell what it does');
      const at = { epochMs: clock.now(), monotonicMs: clock.monotonic() };
      remembered.set(instance, { record: afterLook(record, look, at), askedAtMs: nowMs });
    }),
  );
  signal.throwIfAborted();
}

/** vLLM's `/health` takes no step of the engine, and neither does `/metrics`. */
async function askEngine(callEngine: CallEngine, origin: string, signal: AbortSignal): Promise<Look> {
  const get = (path: string) => callEngine(origin, { method: 'GET', path, timeoutMs: TIMEOUT_MS }, signal);
  const health = await get('/health');
  if (health.kind === 'unanswered') return { kind: 'silent', why: health.why };
  if (health.status !== 200) return { kind: 'silent', why: `/health answers with status ${health.status}` };
  const metrics = await get('/metrics');
  if (metrics.kind === 'unanswered') return { kind: 'untold', why: `/metrics: ${metrics.why}` };
  const reading = metrics.status === 200 ? readEngine(metrics.text) : undefined;
  if (reading === undefined) return { kind: 'untold', why: '/metrics does not tell what an engine does' };
  return { kind: 'read', reading };
}

function seenOf(remembered: ReadonlyMap<string, Remembered>, nowMs: number): Map<string, WatchedEngine> {
  const seen = new Map<string, WatchedEngine>();
  for (const [instance, { record }] of remembered) {
    if (record !== undefined) seen.set(instance, watchedEngine(record, nowMs));
  }
  return seen;
}

/** An engine that has started, or has not any more, leads to its class. */
function connect(
  { informers, addressOf }: EngineWatchDependencies,
  enqueue: (key: string) => void,
): () => void {
  const faceOf = (pod: Pod | undefined): string => faceThrough(pod, addressOf);
  return informers.pods.onChange(({ now, before }: ObjectChange<Pod>) => {
    const pod = now ?? before;
    const name = pod?.metadata.labels?.[LABELS.classroom];
    if (pod === undefined || name === undefined || faceOf(now) === faceOf(before)) return;
    const { namespace } = pod.metadata;
    enqueue(keyOf(namespace === undefined ? { name } : { namespace, name }));
  });
}

/** All of a pod that matters here. */
function faceThrough(pod: Pod | undefined, addressOf: AddressOfPod): string {
  return pod === undefined
    ? ''
    : startedEngines([pod], addressOf)
        .map(({ instance, origin }) => `${instance} ${origin}`)
        .join();
}
