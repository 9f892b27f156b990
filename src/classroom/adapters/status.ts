import type { AdapterStatus } from '../../api/adapter.ts';
import type { ClassroomStatus, EngineStatus } from '../../api/classroom.ts';
import { type ConditionDraft, findCondition } from '../../api/condition.ts';
import { CLASSROOM_CONDITIONS, CLASSROOM_REASONS } from '../../api/reasons.ts';
import type { Pod } from '../../kube/resources.ts';
import { instanceOf } from '../engine-container.ts';
import type { AdapterTrouble, ClassAdapters, EngineAdapters } from './board.ts';
import type { WantedAdapter } from './wanted.ts';

/** What the status is made from. */
export interface AdapterStatusInput {
  readonly wanted: readonly WantedAdapter[];
  /** The engines as the status has them. */
  readonly engines: readonly EngineStatus[];
  readonly pods: readonly Pod[];
  /** Undefined: nobody has looked yet. */
  readonly seen: ClassAdapters | undefined;
  readonly previous: ClassroomStatus | undefined;
}

/** The part of the status that is about adapters. */
export interface AdapterReport {
  /** The same engines, with what they have loaded. */
  readonly engines: EngineStatus[];
  /** Undefined for a class without adapters. */
  readonly adapters: AdapterStatus[] | undefined;
  /** Undefined for a class without adapters. */
  readonly condition: ConditionDraft | undefined;
}

/**
 * As long as nobody has looked, what the status said before stands: an operator that starts anew changes nothing until
 * it knows more.
 */
export function adapterReport(input: AdapterStatusInput): AdapterReport {
  const { wanted, engines } = input;
  const answering = answeringEngines(input);
  const previous = input.seen === undefined ? input.previous : undefined;
  const withAdapters = engines.map((engine) => withLoaded(engine, answering.get(engine.name), previous));
  if (wanted.length === 0) return { engines: withAdapters, adapters: undefined, condition: undefined };
  const kept = keptReport(wanted, previous);
  if (kept !== undefined) return { engines: withAdapters, ...kept };
  const adapters = wanted.map((adapter) => adapterStatus(adapter, [...answering.values()], input.seen));
  return { engines: withAdapters, adapters, condition: adaptersCondition(adapters, answering.size) };
}

/** By the name of the pod; undefined: it answers and has not been asked yet. */
function answeringEngines({
  engines,
  pods,
  seen,
}: AdapterStatusInput): Map<string, EngineAdapters | undefined> {
  return new Map(
    engines
      .filter(({ state }) => state === 'Ready')
      .map(({ name }) => {
        const pod = pods.find(({ metadata }) => metadata.name === name);
        const instance = pod === undefined ? undefined : instanceOf(pod);
        return [name, seen?.engines.find((engine) => engine.instance === instance)];
      }),
  );
}

function withLoaded(
  engine: EngineStatus,
  seen: EngineAdapters | undefined,
  previous: ClassroomStatus | undefined,
): EngineStatus {
  if (engine.state !== 'Ready') return engine;
  const before = previous?.engines?.find(({ name }) => name === engine.name)?.adapters;
  const loaded = seen === undefined ? before : seen.loaded;
  return loaded === undefined || loaded.length === 0 ? engine : { ...engine, adapters: [...loaded] };
}

/** What was said before, where it was about the same adapters. */
function keptReport(
  wanted: readonly WantedAdapter[],
  previous: ClassroomStatus | undefined,
): Pick<AdapterReport, 'adapters' | 'condition'> | undefined {
  const condition = findCondition(previous?.conditions, CLASSROOM_CONDITIONS.adaptersLoaded);
  const adapters = previous?.adapters;
  if (condition === undefined || adapters?.length !== wanted.length) return undefined;
  const same = wanted.every(({ model, path }, index) => {
    const before = adapters[index];
    return before?.model === model && before.path === path;
  });
  if (!same) return undefined;
  const { type, status, reason, message } = condition;
  return { adapters, condition: { type, status, reason, message } };
}

function adapterStatus(
  { name, model, path }: WantedAdapter,
  engines: readonly (EngineAdapters | undefined)[],
  seen: ClassAdapters | undefined,
): AdapterStatus {
  const about = { name, model, path };
  const troubles = engines.map((engine) => troubleWith(name, engine));
  const loadedEngines = troubles.filter((trouble) => trouble === undefined).length;
  const quarantine = seen?.quarantined.find((one) => one.name === name && one.path === path);
  if (quarantine !== undefined) {
    return { ...about, state: 'Quarantined', loadedEngines, message: quarantine.why };
  }
  if (engines.length === 0) {
    const message = 'no engine answers yet; each loads it as soon as it does';
    return { ...about, state: 'Waiting', loadedEngines, message };
  }
  const worst = (['Failed', 'Waiting', 'Loading'] as const)
    .map((state) => troubles.find((trouble) => trouble?.state === state))
    .find((trouble) => trouble !== undefined);
  if (worst === undefined) return { ...about, state: 'Loaded', loadedEngines };
  return { ...about, state: worst.state, loadedEngines, message: worst.why };
}

function troubleWith(name: string, engine: EngineAdapters | undefined): AdapterTrouble | undefined {
  if (engine === undefined) return { name, state: 'Loading', why: 'the engine is about to be asked' };
  return engine.troubles.find((trouble) => trouble.name === name);
}

const REASONS = CLASSROOM_REASONS;

/** The states from the worst to the best, and what each makes of the condition. */
const STATES = [
  ['Quarantined', REASONS.adapterQuarantined],
  ['Failed', REASONS.adapterFailed],
  ['Waiting', REASONS.adaptersWaiting],
  ['Loading', REASONS.adaptersLoading],
] as const satisfies readonly (readonly [AdapterStatus['state'], string])[];

function adaptersCondition(adapters: readonly AdapterStatus[], engines: number): ConditionDraft {
  const type = CLASSROOM_CONDITIONS.adaptersLoaded;
  const worst = STATES.find(([state]) => adapters.some((adapter) => adapter.state === state));
  if (worst === undefined) {
    const models = adapters.map(({ model }) => `'${model}'`).join(', ');
    const message = `${engines === 1 ? 'The engine has' : `All ${engines} engines that answer have`} the adapters loaded; students write ${models} as the model.`;
    return { type, status: 'True', reason: REASONS.allAdaptersLoaded, message };
  }
  const [, reason] = worst;
  const parts = adapters
    .filter(({ state }) => state !== 'Loaded')
    .map(({ name, loadedEngines, message = '' }) => {
      const where = loadedEngines === 0 ? '' : ` by all engines (${loadedEngines} of ${engines} have it)`;
      return `Adapter '${name}' is not loaded${where}: ${message.replace(/\.$/, '')}.`;
    });
  const served = engines === 0 ? [] : ['The model itself is served all the same.'];
  return { type, status: 'False', reason, message: [...parts, ...served].join(' ') };
}
