import { LABELS } from '../../api/labels.ts';
import { keyOf } from '../../kube/object.ts';
import type { Pod } from '../../kube/resources.ts';
import { earliestAfter } from '../earliest.ts';
import { engineContainerStatus } from '../engine-container.ts';
import { engineStatus } from '../engines.ts';
import { KILL_MARGIN_SECONDS } from '../failures/diagnose.ts';
import { startupSeconds } from '../failures/symptom.ts';
import { startsInTurn, TURN_ANNOTATION, waitsForTurn } from './start-gate.ts';

/** The pods that share the nodes, and what is known of them. */
export interface Line {
  /** Pods of the class. */
  own: readonly Pod[];
  /** Engine pods of every class. */
  all: readonly Pod[];
  /** Uids of pods whose gate was just lifted, perhaps unseen by the caches yet. */
  lifted: ReadonlySet<string>;
  /** Whether somebody gives the pod its turn when it has come. */
  isCalled(pod: Pod): boolean;
}

export interface Turn {
  /** The pod that may start now. */
  start: Pod | undefined;
  /** When it may be a turn of these pods though nothing changes (epoch ms). */
  lookAtMs: number | undefined;
}

/**
 * How long a pod on its way to a running container is waited for: an image of 10 GB on a slow network. Longer than
 * that is a volume that cannot be mounted, or a node that is gone, and may last for ever.
 */
export const LONGEST_WAY_MS = 15 * 60_000;

/**
 * How long a pod that no node takes is waited for by those of other classes. Those of its own class go on waiting: no
 * node would take them either, and a node that is added for the first is not to get all of them at once.
 */
export const LONGEST_SEARCH_MS = 60_000;

/** Whose turn it is among the pods of one class. Pure. */
export function nextTurn({ own, all, lifted, isCalled }: Line, nowMs: number): Turn {
  const isLifted = ({ metadata }: Pod) => lifted.has(metadata.uid ?? '');
  const waits = (pod: Pod) => waitsForTurn(pod) && !isLifted(pod);
  const line = all.filter(waits).toSorted(byAge);
  const ahead = all
    .filter((pod) => startsInTurn(pod) && !waits(pod))
    .map((pod) => ({ pod, untilMs: isLifted(pod) ? Number.POSITIVE_INFINITY : inTheWayUntilMs(pod) }))
    .filter(({ untilMs }) => untilMs > nowMs);
  const stuck = new Set(ahead.filter(({ pod }) => searchEndsMs(pod) <= nowMs).map(({ pod }) => classOf(pod)));
  const mine = new Set(own.map(({ metadata }) => keyOf(metadata)));
  const start = line.find((pod, position) => {
    if (!mine.has(keyOf(pod.metadata))) return false;
    const before = line
      .slice(0, position)
      .filter((other) => mine.has(keyOf(other.metadata)) || isCalled(other));
    return ![...ahead.map((one) => one.pod), ...before]
      .filter((rival) => classOf(rival) === classOf(pod) || !isStuck(rival, stuck))
      .some((rival) => mayShareNode(rival, pod));
  });
  if (start !== undefined || !line.some(({ metadata }) => mine.has(keyOf(metadata)))) {
    return { start, lookAtMs: undefined };
  }
  const ends = ahead.flatMap(({ pod, untilMs }) => [untilMs, searchEndsMs(pod)]);
  return { start, lookAtMs: earliestAfter(nowMs, ends) };
}

/** Whether no node takes it, or another one of its class before it. */
function isStuck(pod: Pod, stuck: ReadonlySet<string>): boolean {
  return stuck.has(classOf(pod)) && pod.spec?.nodeName === undefined;
}

/**
 * Until when a pod that has had its turn keeps others from starting (epoch ms). An engine that is starting, or on its
 * way to a node, measures memory; one that ends frees some. One that fails is not waited for: it may fail for ever.
 */
function inTheWayUntilMs(pod: Pod): number {
  const { phase } = pod.status ?? {};
  if (phase === 'Failed' || phase === 'Succeeded') return Number.NEGATIVE_INFINITY;
  const endsAt = pod.metadata.deletionTimestamp;
  // Past its time, its node was lost: it holds no memory of a GPU that anything could start on.
  if (endsAt !== undefined)
    return pod.spec?.nodeName === undefined ? Number.NEGATIVE_INFINITY : timeOf(endsAt);
  const container = engineContainerStatus(pod);
  if (container?.started === true || engineStatus(pod).state === 'Failing') return Number.NEGATIVE_INFINITY;
  if (container?.state?.running !== undefined) {
    return timeOf(container.state.running.startedAt) + longestLoadMs(pod);
  }
  // Siblings wait for one that no node takes for as long as that is so.
  return isUnschedulable(pod) ? Number.POSITIVE_INFINITY : turnBeganMs(pod) + LONGEST_WAY_MS;
}

/** When pods of other classes need not wait any more for a node to be found for this one. */
function searchEndsMs(pod: Pod): number {
  return isUnschedulable(pod) ? turnBeganMs(pod) + LONGEST_SEARCH_MS : Number.POSITIVE_INFINITY;
}

function isUnschedulable({ spec, status }: Pod): boolean {
  if (spec?.nodeName !== undefined) return false;
  return (status?.conditions ?? []).some(
    ({ type, status: is, reason }) => type === 'PodScheduled' && is === 'False' && reason === 'Unschedulable',
  );
}

/** One whose gate somebody else lifted does not say when. */
function turnBeganMs({ metadata }: Pod): number {
  return timeOf(metadata.annotations?.[TURN_ANNOTATION] ?? metadata.creationTimestamp);
}

/** The startup probe ends a longer load, if the kubelet of the node still works. */
function longestLoadMs(pod: Pod): number {
  const seconds = startupSeconds(pod);
  return seconds === undefined ? Number.POSITIVE_INFINITY : (seconds + KILL_MARGIN_SECONDS) * 1000;
}

/** Epoch ms; what says no time has no end. */
function timeOf(time: string | undefined): number {
  const epochMs = Date.parse(time ?? '');
  return Number.isNaN(epochMs) ? Number.POSITIVE_INFINITY : epochMs;
}

/** `namespace/name` of the class. */
function classOf({ metadata: { namespace = '', labels } }: Pod): string {
  return keyOf({ namespace, name: labels?.[LABELS.classroom] ?? '' });
}

function byAge(a: Pod, b: Pod): number {
  const [older, newer] = [a, b].map(({ metadata }) => Date.parse(metadata.creationTimestamp ?? ''));
  return (older ?? 0) - (newer ?? 0) || keyOf(a.metadata).localeCompare(keyOf(b.metadata));
}

/** Unless labels keep them apart, two pods may come to the same node. */
function mayShareNode(a: Pod, b: Pod): boolean {
  const [selectorA, selectorB] = [a.spec?.nodeSelector ?? {}, b.spec?.nodeSelector ?? {}];
  const contradict = Object.entries(selectorA).some(
    ([label, value]) => selectorB[label] !== undefined && selectorB[label] !== value,
  );
  if (contradict) return false;
  const valuesB = requiredValues(b);
  return [...requiredValues(a)].every(([label, values]) => {
    const others = valuesB.get(label);
    return others === undefined || others.some((value) => values.includes(value));
  });
}

/** Labels that a node must have one of these values of, as our pods say it: in the only term of the node affinity. */
function requiredValues(pod: Pod): Map<string, readonly string[]> {
  const terms =
    pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  if (terms.length !== 1) return new Map();
  return new Map(
    (terms[0]?.matchExpressions ?? [])
      .filter(({ operator }) => operator === 'In')
      .map(({ key, values }) => [key, values ?? []]),
  );
}
