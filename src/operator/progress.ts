import { describeError } from '../kube/log.ts';
import type { ReconcilePass } from '../reconcile/controller.ts';

/** An object that is not as wanted, and why. */
export interface Unsettled {
  controller: string;
  key: string;
  why: string;
  /** `blocked`: only a person can change it. `failed`: it is being tried again. */
  kind: 'blocked' | 'failed';
}

/** Remembers how the last pass over every object ended: what `--once` waits for. */
export interface Progress {
  /** Runs one pass and remembers how it ended; throws what the pass throws. */
  track(controller: string, key: string, pass: () => Promise<ReconcilePass>): Promise<ReconcilePass>;
  unsettled(): Unsettled[];
}

export function createProgress(): Progress {
  const unsettled = new Map<string, Unsettled>();

  return {
    async track(controller, key, pass) {
      const id = `${controller} ${key}`;
      try {
        const result = await pass();
        if (result.blocked === undefined) unsettled.delete(id);
        else unsettled.set(id, { controller, key, why: result.blocked, kind: 'blocked' });
        return result;
      } catch (error) {
        unsettled.set(id, { controller, key, why: describeError(error).error, kind: 'failed' });
        throw error;
      }
    },
    unsettled: () => [...unsettled.values()].sort((a, b) => a.key.localeCompare(b.key)),
  };
}
