import type { EngineState, EngineStatus } from '../api/classroom.ts';
import type { ConditionDraft } from '../api/condition.ts';
import type { EngineFailures } from '../api/engine-failures.ts';
import { CLASSROOM_CONDITIONS, CLASSROOM_REASONS } from '../api/reasons.ts';
import type { GpuAvailability } from '../gpu/nodes/availability-verdict.ts';
import type { Deployment } from '../kube/resources.ts';
import type { EngineSettings } from './engine-settings.ts';
import { describeHeld } from './failures/describe.ts';
import { describeLastLoad } from './rollout/condition.ts';
import type { ScalingReason } from './scaling/wanted-engines.ts';

const type = CLASSROOM_CONDITIONS.enginesReady;

/** What keeps engines from answering, the most urgent first. */
const URGENCY = [
  'Failing',
  'Scheduling',
  'Loading',
  'Stopping',
  'Waiting',
] as const satisfies readonly EngineState[];

/** How many engines there shall be, and what each needs. */
export interface WantedEngines extends Pick<EngineSettings, 'resourceName' | 'resourceCount'> {
  replicas: number;
  /** Why there shall be so many. */
  scaling: ScalingReason;
  /** CPU, memory and the like that each asks for. */
  requests: Readonly<Record<string, string>>;
  /** Whether there are GPUs for them; undefined: not asked. */
  gpus: Pick<GpuAvailability, 'status'> | undefined;
  /** The class, and what is remembered of its engines that fail. */
  classroom: string;
  /** How long the engine that became ready last took; undefined: none has yet. */
  lastLoadSeconds: number | undefined;
  failures: Pick<EngineFailures, 'reason' | 'message' | 'held'> | undefined;
}

/** Whether the engines wanted answer; if not, which one does not, why, and what to do. */
export function enginesCondition(
  wanted: WantedEngines,
  engines: readonly EngineStatus[],
  deployment: Deployment | undefined,
): ConditionDraft {
  const ready = engines.filter((engine) => engine.state === 'Ready').length;
  const isHeld = wanted.failures?.held !== undefined;
  // Of a class that sleeps or is closed, engines that will not start when they are wanted are to be told of before.
  if (wanted.replicas === 0 && !(isHeld && wanted.scaling !== 'Needed')) return noneWanted(ready, wanted);
  const count = `${ready} of ${wanted.replicas} ${wanted.replicas === 1 ? 'engine answers' : 'engines answer'}`;
  if (ready >= wanted.replicas && wanted.replicas > 0) {
    return { type, status: 'True', reason: CLASSROOM_REASONS.allReady, message: `${count}.` };
  }
  const { held, reason = CLASSROOM_REASONS.failing } = wanted.failures ?? {};
  if (wanted.failures !== undefined && held !== undefined) {
    return notReady(reason, `${count}: ${describeHeld(wanted.failures, held, wanted.classroom)}`);
  }
  const failure = replicaFailure(deployment);
  if (failure !== undefined) return notReady(CLASSROOM_REASONS.failing, `${count}: ${failure}`);
  const culprit = URGENCY.flatMap((state) => engines.filter((engine) => engine.state === state))[0];
  if (culprit === undefined) {
    return notReady(CLASSROOM_REASONS.scheduling, `${count}: the pods of the others are being made.`);
  }
  return notReady(reasonOf(culprit), `${count}: ${describe(culprit, wanted)}`);
}

function noneWanted(ready: number, wanted: WantedEngines): ConditionDraft {
  const [reason, why] = noneReason(wanted.scaling);
  const fact =
    ready === 0 ? 'No engine runs' : `${ready} ${ready === 1 ? 'engine is' : 'engines are'} being stopped`;
  const wake = reason === CLASSROOM_REASONS.asleep ? ` The first request wakes them.${after(wanted)}` : '';
  return { type, status: 'True', reason, message: `${fact}, because ${why}.${wake}` };
}

function noneReason(scaling: ScalingReason): [reason: string, why: string] {
  switch (scaling) {
    case 'Asleep':
      return [CLASSROOM_REASONS.asleep, 'nobody has asked for as long as `idle` says'];
    case 'Warming':
    case 'Needed':
      return [CLASSROOM_REASONS.noneWanted, 'no student is active and `engine.replicas.min` is 0'];
    case 'Closed':
    case 'Draining':
    case 'Resting':
      return [CLASSROOM_REASONS.closed, 'the class is closed: see the condition Open'];
  }
}

function notReady(reason: string, message: string): ConditionDraft {
  return { type, status: 'False', reason, message };
}

function reasonOf({ state, reason }: EngineStatus): string {
  switch (state) {
    case 'Failing':
      return reason ?? CLASSROOM_REASONS.failing;
    case 'Scheduling':
      return CLASSROOM_REASONS.scheduling;
    case 'Waiting':
      return CLASSROOM_REASONS.awaitingTurn;
    case 'Loading':
      return CLASSROOM_REASONS.loading;
    case 'Stopping':
      return reason ?? CLASSROOM_REASONS.stopping;
    case 'Ready':
      return CLASSROOM_REASONS.allReady;
  }
}

function describe(engine: EngineStatus, wanted: WantedEngines): string {
  const cause = engine.message === undefined ? '' : `: ${engine.message.replace(/\.$/, '')}`;
  switch (engine.state) {
    case 'Failing':
      return `engine ${engine.name} fails${cause}.`;
    case 'Scheduling':
      // Where GPUs are what is missing, the cause says what to do.
      if (wanted.gpus?.status === 'False') return `engine ${engine.name} waits for a node${cause}.`;
      return `engine ${engine.name} waits for a node${cause}. ${needsOf(engine, wanted)}`;
    case 'Waiting':
      return `engine ${engine.name} waits for its turn to start${cause}. Another class's engine is being started or stopped.`;
    case 'Loading':
      return `engine ${engine.name} is loading${cause}.${after(wanted) || ' Loading can take half an hour the first time.'}`;
    case 'Stopping':
      // Of one whose node is lost the cause says what to do.
      if (engine.reason !== undefined) return `engine ${engine.name} cannot be stopped${cause}.`;
      return `engine ${engine.name} is being stopped${cause}. Its successor starts when its GPU is free.${after(wanted)}`;
    case 'Ready':
      return `engine ${engine.name} answers.`;
  }
}

/** As the scheduler says it of a node. */
const LACKS_OTHER_THAN_GPUS = /Insufficient (cpu|memory|ephemeral-storage)\b/;

/** What it needs of a node, and what to do where GPUs are not what is missing. */
function needsOf({ name, message = '' }: EngineStatus, wanted: WantedEngines): string {
  const requests = Object.entries(wanted.requests).map(([resource, amount]) => `${amount} of ${resource}`);
  return LACKS_OTHER_THAN_GPUS.test(message) && requests.length > 0
    ? `Besides GPUs it asks for ${requests.join(' and ')}: free as much on a node with GPUs, or lower \`engine.resources.requests\`.`
    : `It needs ${wanted.resourceCount} ${wanted.resourceName}: see \`kubectl describe pod ${name}\`.`;
}

/** How long it takes until an engine answers, after a sentence; nothing where it was not measured. */
function after({ lastLoadSeconds }: WantedEngines): string {
  return lastLoadSeconds === undefined ? '' : ` ${describeLastLoad(lastLoadSeconds)}`;
}

/** Why the pods cannot even be made: quota, admission, a missing ServiceAccount. */
function replicaFailure(deployment: Deployment | undefined): string | undefined {
  const failure = deployment?.status?.conditions?.find(
    (condition) => condition.type === 'ReplicaFailure' && condition.status === 'True',
  );
  if (failure === undefined) return undefined;
  return `their pods cannot be made: ${failure.message ?? failure.reason ?? 'no cause is given'}. Correct that; the pods are then made by themselves.`;
}
