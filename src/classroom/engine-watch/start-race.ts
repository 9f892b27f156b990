import type { Pod } from '../../kube/resources.ts';
import { engineCommand, engineContainerStatus } from '../engine-container.ts';
import { readySince } from '../engines.ts';
import { startsInTurn } from '../rollout/start-gate.ts';

/**
 * Another engine on the GPU that started or ended while this one started. An engine measures the memory of the whole
 * GPU: what the other took meanwhile it holds for its own, and leaves that much less to its KV cache, without a word.
 *
 * Only pods that share a GPU by time can meet like that, and only when the KV cache is not pinned.
 *
 * @param engines engine pods of all classes
 * @returns the name of the first such pod
 */
export function startedBeside(pod: Pod, engines: readonly Pod[], nowMs: number): string | undefined {
  if (!startsInTurn(pod) || isPinned(pod)) return undefined;
  const own = startOf(pod, nowMs);
  if (own === undefined) return undefined;
  return engines.find(
    (other) =>
      other.metadata.uid !== pod.metadata.uid &&
      startsInTurn(other) &&
      other.spec?.nodeName === pod.spec?.nodeName &&
      changedMemoryDuring(other, own, nowMs),
  )?.metadata.name;
}

/** The KV cache is given in bytes: what others do to the GPU meanwhile does not change it. */
export function isPinned(pod: Pick<Pod, 'spec'>): boolean {
  return (engineCommand(pod)?.args ?? []).some((argument) =>
    /^--kv-cache-memory(-bytes)?(=|$)/.test(argument),
  );
}

/** Epoch ms. */
interface Span {
  fromMs: number;
  toMs: number;
}

/** From the container's start until the engine first answered, as far as the pod says. */
function startOf(pod: Pod, nowMs: number): Span | undefined {
  const fromMs = Date.parse(engineContainerStatus(pod)?.state?.running?.startedAt ?? '');
  if (Number.isNaN(fromMs)) return undefined;
  const readyMs = Date.parse(readySince(pod) ?? '');
  return { fromMs, toMs: Number.isNaN(readyMs) ? nowMs : readyMs };
}

function changedMemoryDuring(other: Pod, span: Span, nowMs: number): boolean {
  const started = startOf(other, nowMs);
  if (started !== undefined && started.fromMs < span.toMs && span.fromMs < started.toMs) return true;
  const end = engineContainerStatus(other)?.lastState?.terminated;
  return [end?.startedAt, end?.finishedAt]
    .map((time) => Date.parse(time ?? ''))
    .some((timeMs) => span.fromMs < timeMs && timeMs < span.toMs);
}
