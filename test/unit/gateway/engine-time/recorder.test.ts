import { describe, expect, test } from '@jest/globals';
import { LABELS } from '../../../../src/api/labels.ts';
import { createEngineTime } from '../../../../src/gateway/engine-time/recorder.ts';
import { openLedgerInMemory } from '../../../../src/gateway/ledger/database.ts';
import { createLedger } from '../../../../src/gateway/ledger/ledger.ts';
import { JournalUnavailableError } from '../../../../src/gateway/limits/journal.ts';
import { silentLogger } from '../../../../src/kube/log.ts';
import type { Pod } from '../../../../src/kube/resources.ts';
import { countMinutes } from '../../../../src/report/hour-minutes.ts';
import { createFakeClock } from '../../../support/fake-clock.ts';
import { CLASS_KEY } from '../builders.ts';

const NINE_MS = Date.parse('2026-09-01T09:00:00Z');
const MINUTE_MS = 60_000;
const ALL = { from: 0, to: 10_000_000 };

interface PodDiffers {
  readonly scheduledMs?: number;
  readonly phase?: string;
  readonly finishedMs?: number;
  readonly limits?: Record<string, string>;
}

/** An engine on one GPU that got its node at nine. */
function aPod({ scheduledMs = NINE_MS, phase = 'Running', finishedMs, limits }: PodDiffers = {}): Pod {
  const terminated =
    finishedMs === undefined ? undefined : { finishedAt: new Date(finishedMs).toISOString(), exitCode: 0 };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace: 'school',
      name: 'engine-1',
      uid: 'uid-1',
      labels: { [LABELS.classroom]: 'python-101' },
    },
    spec: {
      nodeName: 'gpu-1',
      containers: [{ name: 'vllm', resources: { limits: limits ?? { 'nvidia.com/gpu': '1', cpu: '2' } } }],
    },
    status: {
      phase,
      conditions: [
        { type: 'PodScheduled', status: 'True', lastTransitionTime: new Date(scheduledMs).toISOString() },
      ],
      ...(terminated === undefined
        ? {}
        : {
            containerStatuses: [
              { name: 'vllm', ready: false, restartCount: 0, image: '', imageID: '', state: { terminated } },
            ],
          }),
    },
  };
}

function aRecorder(share: number | undefined = 1) {
  const clock = createFakeClock(NINE_MS);
  const ledger = createLedger({ file: openLedgerInMemory(), clock, log: silentLogger });
  const known: { share: number | undefined } = { share };
  const start = (book: Pick<typeof ledger, 'engineHours'> = ledger) =>
    createEngineTime({ book, gpuShareOf: () => known.share, clock, log: silentLogger });
  const booked = async () =>
    (await ledger.engineRows(CLASS_KEY, ALL)).map(({ engine, gpus, running, used }) => ({
      engine,
      gpus,
      running: countMinutes(running),
      used: countMinutes(used),
    }));
  return { clock, known, ledger, start, booked };
}

function added(object: Pod) {
  return { type: 'added', object } as const;
}

function deleted(object: Pod) {
  return { type: 'deleted', object } as const;
}

describe('the time of an engine', () => {
  test('counts from when its pod got a node to when it is gone, and in use while it had requests', async () => {
    const { clock, start, booked } = aRecorder();
    const time = start();
    time.onPod(added(aPod()));
    await clock.advance(5 * MINUTE_MS);
    time.used('uid-1', NINE_MS + MINUTE_MS, NINE_MS + 2 * MINUTE_MS);
    await clock.advance(5 * MINUTE_MS);
    time.onPod(deleted(aPod()));
    await clock.advance(20 * MINUTE_MS);
    expect(await booked()).toEqual([{ engine: 'engine-1', gpus: 1, running: 11, used: 2 }]);
    await time.stop();
  });

  test('is the same when the gateway was away meanwhile: the pod says since when it has its node', async () => {
    const { clock, start, booked } = aRecorder();
    const before = start();
    before.onPod(added(aPod()));
    await before.stop();
    await clock.advance(9 * MINUTE_MS);
    const after = start();
    after.onPod(added(aPod()));
    await after.stop();
    expect(await booked()).toMatchObject([{ running: 10 }]);
  });

  test('ends with the last container of a pod that stays, whenever that is seen', async () => {
    const { clock, start, booked } = aRecorder();
    await clock.advance(50 * MINUTE_MS);
    const time = start();
    time.onPod(added(aPod({ phase: 'Failed', finishedMs: NINE_MS + 4 * MINUTE_MS })));
    await time.stop();
    expect(await booked()).toMatchObject([{ running: 5 }]);
  });

  test('of a pod that a node took and never started ends when the node said so, however late that is seen', async () => {
    const { clock, start, booked } = aRecorder();
    await clock.advance(50 * MINUTE_MS);
    const rejected = aPod({ phase: 'Failed' });
    const conditions = rejected.status?.conditions ?? [];
    const saidTime = new Date(NINE_MS + 2 * MINUTE_MS).toISOString();
    const told = { type: 'Ready', status: 'False', lastTransitionTime: saidTime };
    const time = start();
    time.onPod(added({ ...rejected, status: { ...rejected.status, conditions: [...conditions, told] } }));
    await time.stop();
    expect(await booked()).toMatchObject([{ running: 3 }]);
  });

  test('of a pod that ended without a word of when is no more than the moment in which it got its node', async () => {
    const { clock, start, booked } = aRecorder();
    await clock.advance(50 * MINUTE_MS);
    const time = start();
    time.onPod(added(aPod({ phase: 'Failed' })));
    await time.stop();
    expect(await booked()).toMatchObject([{ running: 1 }]);
  });

  test('does not begin before there is a node', async () => {
    const { clock, start, booked } = aRecorder();
    const time = start();
    const pod = aPod();
    time.onPod(added({ ...pod, spec: { containers: pod.spec?.containers ?? [] } }));
    await clock.advance(5 * MINUTE_MS);
    expect(clock.pending).toBe(0);
    await time.stop();
    expect(await booked()).toEqual([]);
  });

  test.each([
    ['a time-slice', 0.25, { 'nvidia.com/gpu.shared': '1' }, 0.25],
    ['two whole GPUs', 1, { 'nvidia.com/gpu': '2', memory: '8Gi' }, 2],
  ])('counts %s as what it keeps from others', async (_, share, limits, gpus) => {
    const { start, booked } = aRecorder(share);
    const time = start();
    time.onPod(added(aPod({ limits })));
    await time.stop();
    expect(await booked()).toMatchObject([{ gpus }]);
  });

  test('is made up for when the class is known only later', async () => {
    const { clock, known, start, booked } = aRecorder();
    known.share = undefined;
    const time = start();
    time.onPod(added(aPod()));
    await clock.advance(3 * MINUTE_MS);
    known.share = 1;
    await clock.advance(MINUTE_MS);
    expect(await booked()).toMatchObject([{ running: 5 }]);
    await time.stop();
  });

  test('is not lost while the account cannot be written', async () => {
    const { clock, ledger, start, booked } = aRecorder();
    let works = false;
    const time = start({
      engineHours: (hours) =>
        works ? ledger.engineHours(hours) : Promise.reject(new JournalUnavailableError('the disk is full')),
    });
    time.onPod(added(aPod()));
    await clock.advance(5 * MINUTE_MS);
    time.onPod(deleted(aPod()));
    works = true;
    await time.stop();
    expect(await booked()).toMatchObject([{ running: 6 }]);
  });
});
