import { ENGINE_CONTAINER } from '../../api/labels.ts';
import { keyOf } from '../../kube/object.ts';
import type { Pod } from '../../kube/resources.ts';
import { engineStatus } from '../engines.ts';
import { startsInTurn, waitsForTurn } from './start-gate.ts';

export interface Turn {
  /** The pod that may start now. */
  start: Pod | undefined;
  /** When it may be a turn of these pods though nothing changes (epoch ms). */
  lookAtMs: number | undefined;
}

/**
 * Whose turn it is among the pods of one class.
 *
 * @param own pods of the class
 * @param all engine pods of every class: they share the nodes
 */
export function nextTurn(own: readonly Pod[], all: readonly Pod[], nowMs: number): Turn {
  const line = all.filter(waitsForTurn).toSorted(byAge);
  const inTheWay = all.filter((pod) => startsInTurn(pod) && !waitsForTurn(pod) && isInTheWay(pod, nowMs));
  const mine = new Set(own.map(({ metadata }) => keyOf(metadata)));
  const start = line.find((pod, position) => {
    if (!mine.has(keyOf(pod.metadata))) return false;
    const rivals = [...inTheWay, ...line.slice(0, position)];
    return !rivals.some((rival) => mayShareNode(rival, pod));
  });
  const waits = line.some(({ metadata }) => mine.has(keyOf(metadata)));
  return { start, lookAtMs: start === undefined && waits ? nextEndMs(inTheWay) : undefined };
}

/**
 * An engine that is starting, or on its way to a node, measures memory; one that ends frees some. One that fails is
 * not waited for: it may fail for ever.
 */
function isInTheWay(pod: Pod, nowMs: number): boolean {
  const { phase } = pod.status ?? {};
  if (phase === 'Failed' || phase === 'Succeeded') return false;
  const endsAt = pod.metadata.deletionTimestamp;
  // Past its time, its node was lost: it holds no memory of a GPU that anything could start on.
  if (endsAt !== undefined) return pod.spec?.nodeName !== undefined && Date.parse(endsAt) > nowMs;
  const container = pod.status?.containerStatuses?.find(({ name }) => name === ENGINE_CONTAINER);
  if (container?.started === true) return false;
  return engineStatus(pod).state !== 'Failing';
}

function nextEndMs(pods: readonly Pod[]): number | undefined {
  const ends = pods
    .map(({ metadata }) => Date.parse(metadata.deletionTimestamp ?? ''))
    .filter(Number.isFinite);
  return ends.length === 0 ? undefined : Math.min(...ends);
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
