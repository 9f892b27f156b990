import type { Clock } from '../kube/clock.ts';
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
  /** Ms since the last pass ended; 0 while one runs. */
  quietMs(): number;
}

export function createProgress(clock: Clock): Progress {
  const unsettled = new Map<string, Unsettled>();
  let running = 0;
  let lastEndMs = clock.monotonic();

  return {
    async track(controller, key, pass) {
      const id = `${controller} ${key}`;
      running += 1;
      try {
        const result = await pass();
        if (result.blocked === undefined) unsettled.delete(id);
        else unsettled.set(id, { controller, key, why: result.blocked, kind: 'blocked' });
        return result;
      } catch (error) {
        unsettled.set(id, { controller, key, why: describeError(error).error, kind: 'failed' });
        throw error;
      } finally {
        running -= 1;
        lastEndMs = clock.monotonic();
      }
    },
    unsettled: () => [...unsettled.values()].sort((a, b) => a.key.localeCompare(b.key)),
    quietMs: () => (running > 0 ? 0 : clock.monotonic() - lastEndMs),
  };
}
