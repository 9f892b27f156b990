import { describe, expect, test } from '@jest/globals';
import type { CallEngine, EngineAnswer } from '../../../../src/classroom/engine-calls.ts';
import { instanceOf } from '../../../../src/classroom/engine-container.ts';
import { createEngineBoard, type EngineBoard } from '../../../../src/classroom/engine-watch/board.ts';
import {
  createEngineWatchController,
  LOOK_EVERY_MS,
} from '../../../../src/classroom/engine-watch/controller.ts';
import { STALL_MS } from '../../../../src/classroom/engine-watch/record.ts';
import { silentLogger } from '../../../../src/kube/log.ts';
import type { Pod } from '../../../../src/kube/resources.ts';
import type { OperatorController } from '../../../../src/reconcile/controller.ts';
import { podAddress } from '../../../../src/vllm/pod-address.ts';
import { classroom, merged } from '../../../support/builders.ts';
import { settings } from '../../../support/classroom.ts';
import { metricsText } from '../../../support/engine-metrics.ts';
import { createFakeClock, type FakeClock } from '../../../support/fake-clock.ts';
import { quietInformers } from '../../../support/quiet-cache.ts';
import { sharingPod } from './engines.ts';

const KEY = 'python-101/python-101';

/** What each address answers, by path. */
type Answers = Record<string, (path: string) => EngineAnswer>;

const answered = (text: string, status = 200): EngineAnswer => ({ kind: 'answered', status, text });
const late: EngineAnswer = { kind: 'unanswered', cause: 'late', why: 'no answer within 5 s' };
const says =
  (metrics: string, health = 200) =>
  (path: string): EngineAnswer =>
    path === '/health' ? answered('', health) : answered(metrics);

const at = (pod: Pod, podIP: string): Pod => merged(pod, { status: { podIP } });

interface World {
  controller: OperatorController;
  board: EngineBoard;
  clock: FakeClock;
  /** `origin path` of every question. */
  asked: string[];
  /** Classes of which something new was told. */
  told: string[];
  reconcile(): Promise<number | undefined>;
}

function world(pods: readonly Pod[], answers: Answers): World {
  const clock = createFakeClock();
  const board = createEngineBoard();
  const asked: string[] = [];
  const told: string[] = [];
  board.onChange((key) => told.push(key));
  const callEngine: CallEngine = (origin, { path }) => {
    asked.push(`${origin} ${path}`);
    return Promise.resolve(answers[new URL(origin).hostname]?.(path) ?? late);
  };
  const controller = createEngineWatchController({
    clock,
    log: silentLogger,
    callEngine,
    addressOf: podAddress,
    engineBoard: board,
    informers: quietInformers({ classrooms: [classroom()], pods }),
    settings: settings(),
  });
  return {
    controller,
    board,
    clock,
    asked,
    told,
    reconcile: async () => (await controller.reconcile(KEY, new AbortController().signal)).requeueAfterMs,
  };
}

const a = at(sharingPod('a'), '10.0.0.1');
const b = at(sharingPod('b'), '10.0.0.2');

describe('the operator asks engines', () => {
  test('for health and metrics over the IP of the pod, every ten seconds and not more often', async () => {
    const { reconcile, asked, clock } = world([a], { '10.0.0.1': says(metricsText()) });
    expect(await reconcile()).toBe(LOOK_EVERY_MS);
    expect(asked).toEqual(['http://10.0.0.1:8000 /health', 'http://10.0.0.1:8000 /metrics']);
    await clock.advance(4000);
    expect(await reconcile()).toBe(LOOK_EVERY_MS - 4000);
    expect(asked).toHaveLength(2);
    await clock.advance(6000);
    await reconcile();
    expect(asked).toHaveLength(4);
  });

  test('and puts what they say on the board', async () => {
    const { reconcile, board, clock, told } = world([a, b], {
      '10.0.0.1': says(metricsText({ running: 2 })),
      '10.0.0.2': says(metricsText()),
    });
    await reconcile();
    expect(board.of(KEY, instanceOf(a))).toEqual({
      health: 'Well',
      kvCacheTokens: 113_136,
      use: { kind: 'busy', requests: 2 },
    });
    expect(board.of(KEY, instanceOf(b))?.use).toEqual({ kind: 'quiet', sinceMs: clock.now() });
    expect(told).toEqual([KEY]);
  });

  test('without a word while nothing new is said', async () => {
    const { reconcile, told, clock } = world([a], { '10.0.0.1': says(metricsText()) });
    for (let looks = 0; looks < 20; looks++) {
      await reconcile();
      await clock.advance(LOOK_EVERY_MS);
    }
    expect(told).toEqual([KEY]);
  });

  test('until one that is stuck shows, and tells of it', async () => {
    const { reconcile, board, told, clock } = world([a], {
      '10.0.0.1': says(metricsText({ running: 1, generatedTokens: 5 })),
    });
    for (let ms = 0; ms <= STALL_MS; ms += LOOK_EVERY_MS) {
      await reconcile();
      await clock.advance(LOOK_EVERY_MS);
    }
    expect(board.of(KEY, instanceOf(a))?.health).toBe('Stalled');
    expect(told).toHaveLength(2);
  });

  test.each<[string, (path: string) => EngineAnswer, string]>([
    ['does not answer', () => late, 'no answer within 5 s'],
    ['says that it is dead', says(metricsText(), 503), '/health answers with status 503'],
    [
      'does not tell its metrics',
      (path) => (path === '/health' ? answered('') : late),
      '/metrics: no answer within 5 s',
    ],
    ['is no engine', says('<html>'), '/metrics does not tell what an engine does'],
  ])('of one that %s it knows nothing', async (_, answer, why) => {
    const { reconcile, board } = world([a], { '10.0.0.1': answer });
    await reconcile();
    expect(board.of(KEY, instanceOf(a))).toEqual({
      health: 'Well',
      kvCacheTokens: undefined,
      use: { kind: 'unknown', why },
    });
  });

  test('not before they have loaded, nor when they are being ended', async () => {
    const loading = at(sharingPod('c', { ready: undefined }), '10.0.0.3');
    const ending = merged(a, { metadata: { deletionTimestamp: '2026-09-01T10:00:00Z' } });
    const { reconcile, asked } = world([loading, ending], {});
    expect(await reconcile()).toBeUndefined();
    expect(asked).toEqual([]);
  });

  test('anew when the container was started anew', async () => {
    const restarted = merged(a, {
      status: {
        containerStatuses: [{ ...a.status?.containerStatuses?.[0], restartCount: 1 }],
      },
    });
    const { reconcile, board } = world([restarted], { '10.0.0.1': says(metricsText()) });
    await reconcile();
    expect(board.of(KEY, instanceOf(a))).toBeUndefined();
    expect(board.of(KEY, instanceOf(restarted))).toBeDefined();
  });
});

describe('a class is looked at', () => {
  test('when an engine has started or is gone, not for every other change of its pod', () => {
    const { controller } = world([], {});
    const enqueued: string[] = [];
    const informers = quietInformers({ classrooms: [classroom()], pods: [a] });
    const connected = createEngineWatchController({
      clock: createFakeClock(),
      log: silentLogger,
      callEngine: () => Promise.resolve(late),
      addressOf: podAddress,
      engineBoard: createEngineBoard(),
      informers,
      settings: settings(),
    }).connect((key) => enqueued.push(key));
    const loading = at(sharingPod('a', { ready: undefined }), '10.0.0.1');
    const labelled = merged(a, { metadata: { annotations: { note: 'x' } } });
    informers.pods.tell(loading);
    expect(enqueued).toEqual([]);
    informers.pods.tell(a, loading);
    informers.pods.tell(labelled, a);
    informers.pods.tell(undefined, labelled);
    expect(enqueued).toEqual([KEY, KEY]);
    connected();
    expect(controller.keys()).toEqual([KEY]);
  });
});
