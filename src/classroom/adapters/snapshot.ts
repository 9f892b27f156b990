import { type Attempt, isQuarantined, type Suspicion, suspectKey, UNLOADING } from './attempts.ts';
import type { AdapterTrouble, ClassAdapters, EngineAdapters, QuarantinedAdapter } from './board.ts';
import { faultWords } from './fault-words.ts';
import type { RememberedEngine } from './memory.ts';
import type { WantedAdapter } from './wanted.ts';

/** What is known after a pass, for the status. Holds no times: it stays equal while nothing happens. */
export function snapshotOf(
  engines: readonly RememberedEngine[],
  wanted: readonly WantedAdapter[],
  suspicions: ReadonlyMap<string, Suspicion>,
): ClassAdapters {
  return {
    engines: engines.map((engine) => engineAdapters(engine, wanted)),
    quarantined: wanted.flatMap(({ name, path, ...adapter }): QuarantinedAdapter[] => {
      const suspicion = suspicions.get(suspectKey(adapter));
      if (suspicion === undefined || !isQuarantined(suspicion)) return [];
      return [{ name, path, why: suspicion.why }];
    }),
  };
}

function engineAdapters(engine: RememberedEngine, wanted: readonly WantedAdapter[]): EngineAdapters {
  const loaded = engine.lastLoaded;
  return {
    instance: engine.instance,
    loaded: loaded.map(({ model }) => adapterNameIn(model)).sort(),
    troubles: wanted
      .filter(({ model, folder }) => !loaded.some((one) => one.model === model && one.folder === folder))
      .map((adapter) => troubleOf(engine, adapter)),
  };
}

/** Engines serve an adapter as `servedName:name`, and names of adapters have no colon. */
function adapterNameIn(model: string): string {
  return model.slice(model.lastIndexOf(':') + 1);
}

function troubleOf(engine: RememberedEngine, adapter: WantedAdapter): AdapterTrouble {
  const { name } = adapter;
  const { startedForRank, runsAnotherModel, silence } = engine;
  if (runsAnotherModel) {
    const why =
      'the engine still runs the model of before, and keeps its adapters, until it is started anew, as `engine.rollout` says';
    return { name, state: 'Waiting', why };
  }
  if (startedForRank === undefined) {
    const why = 'the engine was started without adapters and must be started anew, as `engine.rollout` says';
    return { name, state: 'Waiting', why };
  }
  if (adapter.rank > startedForRank) {
    const why = `the engine was started for rank ${startedForRank} and must be started anew for rank ${adapter.rank}, as \`engine.rollout\` says`;
    return { name, state: 'Waiting', why };
  }
  if (silence !== undefined) {
    return { name, state: 'Loading', why: `the engine does not say what it has loaded: ${silence}` };
  }
  return troubleAfter(engine.attempts.get(adapter.model), adapter);
}

function troubleAfter(attempt: Attempt | undefined, adapter: WantedAdapter): AdapterTrouble {
  const { name } = adapter;
  if (attempt?.folder === UNLOADING) {
    const why = `the engine does not unload the version of before (${attempt.said}), which goes when it is started anew`;
    return { name, state: attempt.fault === 'NotNow' ? 'Loading' : 'Failed', why };
  }
  if (attempt === undefined || attempt.folder !== adapter.folder) {
    return { name, state: 'Loading', why: 'the engine is about to load it' };
  }
  switch (attempt.fault) {
    case 'NotNow':
      return { name, state: 'Loading', why: `the engine does not load it now: ${attempt.said}` };
    case 'NotOffered':
      return {
        name,
        state: 'Waiting',
        why: 'the engine was started without adapters and must be started anew',
      };
    default:
      return { name, state: 'Failed', why: faultWords(attempt.fault, adapter, attempt.said) };
  }
}
