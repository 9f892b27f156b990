import { isDeepStrictEqual } from 'node:util';
import { isReady } from '../../kube/readiness.ts';
import type { Pod } from '../../kube/resources.ts';
import type { AddressOfPod } from '../../vllm/pod-address.ts';
import { type StartedModel, startedModel } from '../engine-args.ts';
import { engineContainerOf, instanceOf } from '../engine-container.ts';
import { startedForRank } from './engine-options.ts';

/** An engine that can be told something. */
export interface ReadyEngine {
  /** The pod and the start of its container: a container that starts anew has nothing loaded. */
  readonly instance: string;
  /** Name of the pod. */
  readonly name: string;
  /** Such as `http://10.0.0.7:8000`. */
  readonly origin: string;
  /** The highest rank it takes; undefined: it was started without adapters. */
  readonly startedForRank: number | undefined;
  /** It was started for another model than the spec says by now, or for another name of it. */
  readonly runsAnotherModel: boolean;
}

/**
 * The engines that answer, by the name of their pod.
 *
 * @param model what engines of this class are started with
 */
export function readyEngines(
  pods: readonly Pod[],
  addressOf: AddressOfPod,
  model: StartedModel,
): ReadyEngine[] {
  return pods.flatMap((pod) => {
    const origin = originOf(pod, addressOf);
    if (origin === undefined) return [];
    const { args = [] } = engineContainerOf(pod.spec) ?? {};
    return [
      {
        instance: instanceOf(pod),
        name: pod.metadata.name,
        origin,
        startedForRank: startedForRank(args),
        runsAnotherModel: !isDeepStrictEqual(startedModel(args), model),
      },
    ];
  });
}

/** Where an engine answers; undefined: it does not. */
export function originOf(pod: Pod, addressOf: AddressOfPod): string | undefined {
  if (pod.metadata.deletionTimestamp !== undefined || !isReady(pod)) return undefined;
  const address = addressOf(pod);
  return address === undefined ? undefined : `http://${address}`;
}
