import { createInformer } from '../../kube/informer.ts';
import { type KubeObject, keyOf, type ObjectRef, type Resource } from '../../kube/object.ts';
import { problems } from '../problems.ts';
import { withProgress } from '../progress.ts';
import type { Cluster } from './command.ts';

/** What one look at the object says. */
export type Look = { readonly done: true } | { readonly done: false; readonly waitingFor: string };

export interface Wait<T extends KubeObject> {
  /** What is waited for, as the start of a sentence: `Class "python-101"`. */
  readonly what: string;
  readonly resource: Resource<T>;
  readonly ref: ObjectRef;
  /**
   * Whether it is so now. What it throws ends the waiting.
   *
   * @param object undefined: there is none
   */
  look(object: T | undefined): Look;
  readonly timeoutMs: number;
}

/**
 * Follows one object until it is as wanted.
 *
 * @throws CliError when that takes too long, or the cluster cannot be asked
 */
export async function waitUntil<T extends KubeObject>(
  { client, machine }: Pick<Cluster, 'client' | 'machine'>,
  wait: Wait<T>,
): Promise<void> {
  const { resource, ref } = wait;
  // An informer would try for good what this tells at once: no rights, no cluster.
  const look = wait.look(await client.get(resource, ref));
  if (look.done) return;
  const { clock, random, signal } = machine;
  const informer = createInformer({
    client,
    resource,
    namespace: ref.namespace,
    fieldSelector: `metadata.name=${ref.name}`,
    clock,
    random,
  });
  const over = Promise.withResolvers<void>();
  let waitingFor = look.waitingFor;
  const timer = clock.setTimeout(() => {
    const forText = `${Math.round(wait.timeoutMs / 1000)} s`;
    over.reject(problems.waitedInVain({ what: wait.what, waitedFor: waitingFor, forText }));
  }, wait.timeoutMs);
  const onAbort = (): void => over.reject(problems.interrupted());
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await withProgress(`${wait.what}: ${waitingFor}`, machine, async (say) => {
      informer.store.subscribe(() => {
        try {
          const next = wait.look(informer.store.get(keyOf(ref)));
          if (next.done) over.resolve();
          else waitingFor = next.waitingFor;
          say(`${wait.what}: ${waitingFor}`);
        } catch (error) {
          over.reject(error);
        }
      });
      informer.start();
      await over.promise;
    });
  } finally {
    timer.cancel();
    signal.removeEventListener('abort', onAbort);
    await informer.stop();
  }
}
