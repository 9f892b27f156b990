import type { ClassroomStatus, EngineStatus } from '../../api/classroom.ts';
import { isReady } from '../../kube/readiness.ts';
import type { Pod } from '../../kube/resources.ts';
import { engineContainerStatus } from '../engine-container.ts';
import { engineStatus } from '../engines.ts';
import { lastTermination } from '../failures/symptom.ts';
import { startsInTurn } from '../rollout/start-gate.ts';
import { expectationOf } from './as-planned.ts';
import type { WatchedEngine } from './board.ts';
import { isStarted } from './engines.ts';
import { SILENCE_MS, STALL_MS } from './record.ts';

export type RepairCause = 'Stalled' | 'Silent' | 'StartRace';

/** An engine that is to be started anew, by deleting its pod. */
export interface Repair {
  readonly pod: Pod;
  readonly cause: RepairCause;
  /** What, why, what next. */
  readonly note: string;
  /** Undefined: as long as the pod says, so that running answers are finished. */
  readonly gracePeriodSeconds: number | undefined;
}

export interface RepairInput {
  /** Engine pods of the class. */
  readonly pods: readonly Pod[];
  /** Engine pods of every class: they share the nodes. */
  readonly enginePods: readonly Pod[];
  /** What was heard from the engines of the class, by the name of the pod. */
  readonly watched: ReadonlyMap<string, WatchedEngine>;
  /** Whether an engine of any class has said what it measured. */
  readonly isMeasured: (pod: Pod) => boolean;
  /** What the API server keeps: a race that is not written down there yet could be forgotten. */
  readonly status: ClassroomStatus | undefined;
  /** Nodes on which an engine was just deleted, perhaps unseen by the caches yet. */
  readonly nodesInTurn: ReadonlySet<string>;
  /** How long an engine may not have been asked, so that it counts as idle (ms). */
  readonly idleMs: number;
  /** Epoch ms. */
  readonly nowMs: number;
}

export interface Repairs {
  readonly now: readonly Repair[];
  /** When there may be more to do though nothing changes (epoch ms). */
  readonly lookAtMs: number | undefined;
}

/** An engine that stands still finishes no answer, however long it is waited for. */
const GRACE_OF_STALLED_SECONDS = 5;
/** An engine of another class that settles does not lead here: whoever waits for it looks again. */
export const TURN_LOOK_MS = 10_000;

/**
 * Which engines have to be started anew now. During class only one that is broken: it stands still, answers nobody, or
 * has so small a KV cache that it cannot compute what it was planned for. One that lost some of its KV cache to a race
 * waits until it is idle; and of those on one node only one goes at a time, when no other starts or ends.
 */
export function repairsDue(input: RepairInput): Repairs {
  const started = input.pods.filter(isStarted);
  const broken = started.flatMap((pod) => brokenRepair(pod, input));
  const raced = racedEngines(input).filter(({ pod }) => !broken.some((repair) => repair.pod === pod));
  const now = [...broken];
  const lookAtMs = started
    .flatMap((pod) => silentTooLongAtMs(pod, input) ?? [])
    .filter((at) => at > input.nowMs);
  const nodes = new Set([...input.nodesInTurn, ...broken.map(({ pod }) => pod.spec?.nodeName)]);
  for (const { pod, engine } of raced) {
    if (nodes.has(pod.spec?.nodeName) || !isItsTurn(pod, input)) {
      lookAtMs.push(input.nowMs + TURN_LOOK_MS);
      continue;
    }
    const dueMs = isTooSmall(engine, input.status) ? input.nowMs : idleAtMs(pod, input);
    if (dueMs === undefined) continue;
    if (dueMs > input.nowMs) {
      lookAtMs.push(dueMs);
      continue;
    }
    nodes.add(pod.spec?.nodeName);
    now.push(racedRepair(pod, engine));
  }
  return { now, lookAtMs: lookAtMs.length === 0 ? undefined : Math.min(...lookAtMs) };
}

function brokenRepair(pod: Pod, input: RepairInput): Repair[] {
  const { name } = pod.metadata;
  const gracePeriodSeconds = GRACE_OF_STALLED_SECONDS;
  switch (input.watched.get(name)?.health) {
    case 'Stalled': {
      const note = `Engine ${name} has had requests for ${STALL_MS / 1000} s and computed no token of them, while its server answers: it is started anew. What it was answering is lost and must be asked again. If it happens again, see to the GPU of ${pod.spec?.nodeName ?? 'its node'}: \`nvidia-smi -q\`, and \`dmesg\` for Xid.`;
      return [{ pod, cause: 'Stalled', note, gracePeriodSeconds }];
    }
    case 'Silent': {
      const atMs = silentTooLongAtMs(pod, input);
      if (atMs === undefined || atMs > input.nowMs) return [];
      const note = `Engine ${name} has answered neither its node nor the operator for ${SILENCE_MS / 1000} s: it is started anew. What it was answering is lost and must be asked again.`;
      return [{ pod, cause: 'Silent', note, gracePeriodSeconds }];
    }
    case 'Well':
    case undefined:
      return [];
  }
}

/**
 * When an engine that does not answer the operator has not answered its kubelet for too long either (epoch ms);
 * undefined: one of them hears from it. Where the kubelet gets answers, it is the way from here that is broken; and a
 * probe that was missed for a moment says nothing of an engine that could never be reached from here.
 */
function silentTooLongAtMs(pod: Pod, { watched }: RepairInput): number | undefined {
  if (watched.get(pod.metadata.name)?.health !== 'Silent') return undefined;
  if (engineContainerStatus(pod)?.ready !== false) return undefined;
  const unready = pod.status?.conditions?.find(({ type, status }) => type === 'Ready' && status === 'False');
  const sinceMs = Date.parse(unready?.lastTransitionTime ?? '');
  return Number.isNaN(sinceMs) ? undefined : sinceMs + SILENCE_MS;
}

interface RacedEngine {
  readonly pod: Pod;
  readonly engine: EngineStatus;
}

function racedEngines({ pods, status }: RepairInput): RacedEngine[] {
  return (status?.engines ?? []).flatMap((engine) => {
    if (engine.startedBeside === undefined) return [];
    const pod = pods.find(({ metadata }) => metadata.name === engine.name);
    return pod !== undefined && isStarted(pod) && isReady(pod) ? [{ pod, engine }] : [];
  });
}

/**
 * On its node no engine starts or ends, and every other one has been asked: what they know of a race is not lost. One
 * that ends again and again would be met by every new start, so that these would never end: the engine that lost serves
 * with what it has until that is over. One that never gets as far as starting is not waited for.
 */
function isItsTurn(pod: Pod, { enginePods, isMeasured }: RepairInput): boolean {
  return enginePods
    .filter((other) => other.spec?.nodeName === pod.spec?.nodeName && startsInTurn(other))
    .filter((other) => other.metadata.uid !== pod.metadata.uid && !hasEnded(other))
    .every((other) => (isStarted(other) && isMeasured(other)) || cannotStart(other));
}

function cannotStart(pod: Pod): boolean {
  return engineStatus(pod).state === 'Failing' && lastTermination(pod) === undefined;
}

function hasEnded({ status }: Pod): boolean {
  return status?.phase === 'Failed' || status?.phase === 'Succeeded';
}

/**
 * Whether the class would feel it: not all the requests that are computed at once could have their full length, or, for
 * an engine that was never meant to hold that much, less than half of what it should have is there.
 */
function isTooSmall({ kvCacheTokens = 0 }: EngineStatus, status: ClassroomStatus | undefined): boolean {
  const expectation = expectationOf(status?.plan, status?.largestKvCache);
  if (expectation === undefined) return false;
  const { maxNumSeqs = Number.POSITIVE_INFINITY, maxModelLen = 1 } = status?.plan ?? {};
  return kvCacheTokens < Math.min(maxNumSeqs * maxModelLen, expectation.tokens / 2);
}

/** When it counts as idle; undefined: it is at work, or nobody knows. */
function idleAtMs(pod: Pod, { watched, idleMs }: RepairInput): number | undefined {
  const use = watched.get(pod.metadata.name)?.use;
  return use?.kind === 'quiet' ? use.sinceMs + idleMs : undefined;
}

function racedRepair(pod: Pod, { name, kvCacheTokens = 0, startedBeside = '' }: EngineStatus): Repair {
  const note = `Engine ${name} measured its GPU while ${startedBeside} started on it, so that its KV cache holds only ${kvCacheTokens.toLocaleString('en-US')} tokens: it is started anew, alone.`;
  return { pod, cause: 'StartRace', note, gracePeriodSeconds: undefined };
}
