import { classrooms } from '../../src/api/classroom.ts';
import { DEMAND_SELECTOR } from '../../src/api/demand.ts';
import { studentQuotas } from '../../src/api/student-quota.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { systemClock } from '../../src/kube/clock.ts';
import { createInformer } from '../../src/kube/informer.ts';
import type { KubeObject, Resource } from '../../src/kube/object.ts';
import { deployments, leases, pods } from '../../src/kube/resources.ts';
import type { Store } from '../../src/kube/store.ts';

/** Nothing here takes so long, on a busy machine either. */
const TIMEOUT_MS = 300_000;

/** Everything of a namespace in which a start shows, fresh by watches. */
export type View = Awaited<ReturnType<typeof followNamespace>>;

/** Follows a namespace until this process ends. */
export async function followNamespace(client: KubeClient, namespace: string) {
  const follow = async <T extends KubeObject>(resource: Resource<T>, labelSelector?: string) => {
    const options = { client, resource, namespace, labelSelector };
    const informer = createInformer<T>({ ...options, clock: systemClock, random: Math.random });
    informer.start();
    await informer.synced();
    return informer.store;
  };
  return {
    classrooms: await follow(classrooms),
    seats: await follow(studentQuotas),
    demand: await follow(leases, DEMAND_SELECTOR),
    deployments: await follow(deployments),
    pods: await follow(pods),
  };
}

/** Something, and when it was seen first, ms of the monotonic clock. */
export interface Seen<T> {
  readonly it: T;
  readonly atMs: number;
}

/**
 * Looks at once, and again at each change of the stores.
 *
 * @param what for the error
 * @throws Error when there is nothing to see after five minutes
 */
export async function firstSight<T>(
  what: string,
  stores: readonly Pick<Store<KubeObject>, 'subscribe'>[],
  look: () => T | undefined,
): Promise<Seen<T>> {
  const { promise, resolve, reject } = Promise.withResolvers<Seen<T>>();
  const onChange = (): void => {
    const it = look();
    if (it !== undefined) resolve({ it, atMs: performance.now() });
  };
  const giveUp = (): void => reject(new Error(`still waiting after ${TIMEOUT_MS / 1000} s: ${what}`));
  const timer = systemClock.setTimeout(giveUp, TIMEOUT_MS);
  const subscriptions = stores.map((store) => store.subscribe(onChange));
  onChange();
  try {
    return await promise;
  } finally {
    timer.cancel();
    for (const unsubscribe of subscriptions) unsubscribe();
  }
}
