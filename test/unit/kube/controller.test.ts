import { beforeEach, describe, expect, test } from '@jest/globals';
import {
  type Controller,
  type ControllerOptions,
  createController,
  type Reconcile,
  TerminalError,
} from '../../../src/kube/controller.ts';
import { type Logger, silentLogger } from '../../../src/kube/log.ts';
import { noMetrics } from '../../../src/kube/metrics.ts';
import { eventually } from '../../support/eventually.ts';
import { createFakeClock, type FakeClock, settle } from '../../support/fake-clock.ts';

let clock: FakeClock;
let outcomes: string[];

beforeEach(() => {
  clock = createFakeClock();
  outcomes = [];
});

function controllerOf(reconcile: Reconcile, options: Partial<ControllerOptions> = {}): Controller {
  return createController({
    name: 'test',
    clock,
    log: silentLogger,
    reconcile,
    metrics: { ...noMetrics, reconciled: ({ outcome }) => outcomes.push(outcome) },
    ...options,
  });
}

/** Runs the controller while `body` runs, then stops it and waits for its end. */
async function running(controller: Controller, body: () => Promise<void>): Promise<void> {
  const stop = new AbortController();
  const ended = controller.run(stop.signal);
  await body();
  stop.abort();
  await ended;
}

describe('the end of a pass decides when the key is looked at again', () => {
  const table: [string, Reconcile, number[], string][] = [
    ['nothing to say: at the next change', async () => {}, [0], 'success'],
    ['look again after 10 s', async () => ({ requeueAfterMs: 10_000 }), [0, 10_000, 20_000], 'requeue_after'],
    [
      'a failure: after growing delays',
      async () => {
        throw new Error('boom');
      },
      [0, 5, 15, 35, 75, 155, 315, 635, 1_275, 2_555, 5_115, 10_235, 20_475],
      'error',
    ],
    [
      'a failure that trying again cannot mend: at the next change',
      async () => {
        throw new TerminalError('wrong');
      },
      [0],
      'terminal_error',
    ],
  ];

  test.each(table)('%s', async (_name, reconcile, wantAtMs, wantOutcome) => {
    const startMs = clock.monotonic();
    const atMs: number[] = [];
    const controller = controllerOf(async (key, context) => {
      atMs.push(clock.monotonic() - startMs);
      return reconcile(key, context);
    });
    await running(controller, async () => {
      controller.enqueue('a');
      await clock.advance(25_000);
    });

    expect(atMs).toEqual(wantAtMs);
    expect(new Set(outcomes)).toEqual(new Set([wantOutcome]));
  });

  test('a success resets the delay of the next failure', async () => {
    let fails = true;
    const controller = controllerOf(async () => {
      if (fails) throw new Error('boom');
    });
    await running(controller, async () => {
      controller.enqueue('a');
      await clock.advance(1_000);
      fails = false;
      await clock.advance(5_000);
      fails = true;
      controller.enqueue('a');
      await settle();
      expect(clock.nextInMs).toBe(5);
    });
  });
});

describe('workers', () => {
  function gated() {
    const started: string[] = [];
    const gates = new Map<string, () => void>();
    const reconcile: Reconcile = (key) => {
      started.push(key);
      return new Promise((resolve) => gates.set(key, () => resolve(undefined)));
    };
    return { started, gates, reconcile };
  }

  test('work on as many keys at once as there are workers, and on no key twice', async () => {
    const { started, gates, reconcile } = gated();
    const controller = controllerOf(reconcile, { workers: 2 });
    await running(controller, async () => {
      for (const key of ['a', 'b', 'c', 'a']) controller.enqueue(key);
      await settle();
      controller.enqueue('a');
      await settle();
      expect(started).toEqual(['a', 'b']);
      gates.get('a')?.();
      await settle();
      expect(started).toEqual(['a', 'b', 'c']);
      gates.get('b')?.();
      await settle();
      expect(started).toEqual(['a', 'b', 'c', 'a']);
      gates.get('a')?.();
      gates.get('c')?.();
      await eventually('it to be idle', () => controller.isIdle);
    });
  });

  test('idle is what has nothing ready, under way or put off; what a pass wants to look at later does not count', async () => {
    const { gates, reconcile } = gated();
    const controller = controllerOf(async (key, context) => {
      await reconcile(key, context);
      return { requeueAfterMs: 60_000 };
    });
    await running(controller, async () => {
      controller.enqueueAfter('a', 500);
      expect(controller.isIdle).toBe(false);
      await clock.advance(500);
      expect(controller.isIdle).toBe(false);
      // A change while it is worked on.
      controller.enqueueAfter('a', 500);
      gates.get('a')?.();
      await settle();
      expect(controller.isIdle).toBe(false);
      await clock.advance(500);
      gates.get('a')?.();
      await settle();
      expect({ idle: controller.isIdle, waiting: clock.pending }).toEqual({ idle: true, waiting: 1 });
    });
  });

  test('stop ends the waiting, lets the pass under way end, and starts no other', async () => {
    const { started, gates, reconcile } = gated();
    const controller = controllerOf(reconcile);
    const stop = new AbortController();
    controller.enqueue('a');
    controller.enqueue('b');
    const ended = controller.run(stop.signal);
    await settle();
    stop.abort();
    gates.get('a')?.();
    await ended;

    expect(started).toEqual(['a']);
    expect(clock.pending).toBe(0);
  });
});

describe('a pass', () => {
  test('that outlasts its deadline is told to stop and is tried again', async () => {
    const controller = controllerOf(
      (_key, { signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      { reconcileDeadlineMs: 5_000 },
    );
    await running(controller, async () => {
      controller.enqueue('a');
      await clock.advance(5_000);
      expect(outcomes).toEqual(['error']);
      await clock.advance(5);
    });
  });

  test('that throws in its first line, without a promise, harms nobody', async () => {
    const controller = controllerOf(() => {
      throw new TypeError('not even async');
    });
    await running(controller, async () => {
      controller.enqueue('a');
      await settle();
    });

    expect(outcomes).toEqual(['error']);
  });

  test('that has nothing to wait for lets others in before the next one', async () => {
    let passes = 0;
    const controller = controllerOf(async () => {
      passes += 1;
    });
    const passesBefore = new Promise((resolve) => setImmediate(() => resolve(passes)));
    await running(controller, async () => {
      for (let key = 0; key < 100; key++) controller.enqueue(String(key));
      await eventually('it to be idle', () => controller.isIdle);
    });

    expect(await passesBefore).toBe(1);
    expect(passes).toBe(100);
  });

  test('logs with controller, key and an id of its own', async () => {
    const lines: object[] = [];
    const bound = (bindings: object): Logger => ({
      ...silentLogger,
      info: (fields) => lines.push({ ...bindings, ...fields }),
      child: (more) => bound({ ...bindings, ...more }),
    });
    const controller = controllerOf(async (_key, { log }) => log.info({}, 'here'), { log: bound({}) });
    await running(controller, async () => {
      controller.enqueue('ns/a');
      await eventually('it to be idle', () => controller.isIdle);
      controller.enqueue('ns/a');
      await eventually('it to be idle', () => controller.isIdle);
    });

    expect(lines).toEqual([
      { controller: 'test', key: 'ns/a', reconcileId: 'test-1' },
      { controller: 'test', key: 'ns/a', reconcileId: 'test-2' },
    ]);
  });
});
