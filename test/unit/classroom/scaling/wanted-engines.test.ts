import { describe, expect, test } from '@jest/globals';
import type { ClassroomSpec } from '../../../../src/api/classroom.ts';
import { beginHistory, withNeed } from '../../../../src/classroom/scaling/need-history.ts';
import {
  LONGEST_DRAIN_MS,
  type ScalingInput,
  SETTLE_MS,
  scaleEngines,
  WINDOW_MS,
} from '../../../../src/classroom/scaling/wanted-engines.ts';
import { classroom, type Partially } from '../../../support/builders.ts';

const NOW_MS = Date.parse('2026-09-01T09:00:00Z');
const MINUTE_MS = 60_000;
const LONG_AGO_MS = NOW_MS - 24 * 60 * MINUTE_MS;
const IDLE_MS = 20 * MINUTE_MS;

const NO_LOAD = { requests: 0, busy: 0, unknown: 0, loading: 0, quietSinceMs: LONG_AGO_MS };
const NO_DEMAND = { inFlight: 0, queued: 0, lastAskedMs: undefined, trustedUntilMs: undefined };
const NOTHING_NEEDED = beginHistory(0, LONG_AGO_MS);

type Difference = Partially<Omit<ScalingInput, 'spec'>> & { spec?: Partially<ClassroomSpec> };

/**
 * A class of 24 students for whom four engines are enough, open since yesterday, with one engine that has nothing to do;
 * a case states only what differs.
 */
function scale({ spec, opening, hours, load, demand, ...difference }: Difference = {}) {
  const own = classroom({ spec: { engine: { replicas: { min: 0, max: 4 } }, ...spec } });
  return scaleEngines({
    spec: own.spec,
    enough: 4,
    studentsPerReplica: 6,
    current: 1,
    openingChangedMs: LONG_AGO_MS,
    youngestMadeMs: LONG_AGO_MS,
    longestLeadMs: 60 * MINUTE_MS,
    history: NOTHING_NEEDED,
    nowMs: NOW_MS,
    ...difference,
    opening: { isOpen: true, nextSession: undefined, ...opening },
    hours: { areUp: true, session: undefined, ...hours },
    load: { ...NO_LOAD, ...load },
    demand: { ...NO_DEMAND, ...demand },
  } as ScalingInput);
}

const idle = { idle: { scaleToZeroAfterMinutes: IDLE_MS / MINUTE_MS } };
const exam = { access: 'Exam' as const, exam: {} };
const needed = (engines: number, untilMs: number) =>
  withNeed(withNeed(NOTHING_NEEDED, engines, at(untilMs)), 0, at(untilMs));
const at = (nowMs: number) => ({ nowMs, windowMs: WINDOW_MS });

describe('in open hours a class has', () => {
  test.each<[string, number, Difference]>([
    [
      'all the engines that its students need when it is made',
      4,
      { current: undefined, openingChangedMs: NOW_MS },
    ],
    ['no more than its load needs where its Deployment was lost', 1, { current: undefined }],
    ['all of them in the first window after it opened', 4, { openingChangedMs: NOW_MS - WINDOW_MS + 1 }],
    ['as many as its load needs after that', 1, { openingChangedMs: NOW_MS - WINDOW_MS }],
    [
      'all of them in the first window of a session, also where it was open before',
      4,
      { hours: { session: { startMs: NOW_MS - 1, endMs: NOW_MS + WINDOW_MS } } },
    ],
    [
      'all of them while it warms up for a session, also where it is open before',
      4,
      { hours: { session: { startMs: NOW_MS + MINUTE_MS, endMs: NOW_MS + WINDOW_MS } } },
    ],
    ['one more as soon as requests need it', 2, { load: { requests: 7, busy: 1, quietSinceMs: undefined } }],
    ['one more for requests that wait at a gateway', 2, { demand: { inFlight: 6, queued: 1 } }],
    [
      'no more for requests that gateway and engine both tell of',
      1,
      { demand: { inFlight: 6 }, load: { requests: 6, busy: 1, quietSinceMs: undefined } },
    ],
    ['never more than its students need', 4, { demand: { queued: 500 } }],
    [
      'as many as were needed within the window',
      3,
      { current: 3, history: needed(3, NOW_MS - WINDOW_MS + 1) },
    ],
    ['no longer those needed before it', 1, { current: 3, history: needed(3, NOW_MS - WINDOW_MS) }],
    ['one at least, where it is not to sleep', 1, { current: 3 }],
    [
      'as many as `min` says, whatever the load',
      2,
      { spec: { engine: { replicas: { min: 2, max: 4 } } }, current: 3 },
    ],
    [
      'all that have requests, though fewer would do',
      3,
      { current: 4, load: { requests: 3, busy: 3, quietSinceMs: undefined } },
    ],
    ['all that run, where the operator has just begun', 3, { current: 3, history: undefined }],
    ['all that run, where one does not say what it does', 3, { current: 3, load: { unknown: 1 } }],
    ['none where it has no students', 0, { enough: 0, current: 1 }],
    [
      'no more than `max`, which is a person’s word, also while more are busy',
      2,
      {
        spec: { engine: { replicas: { min: 0, max: 2 } } },
        enough: 2,
        current: 4,
        load: { requests: 4, busy: 4, quietSinceMs: undefined },
      },
    ],
    [
      'where nobody knows what an engine carries, as many as run when anybody asks',
      2,
      {
        studentsPerReplica: undefined,
        enough: 2,
        demand: { queued: 1 },
      },
    ],
  ])('%s: %i', (_, want, difference) => {
    expect(scale(difference)).toMatchObject({ replicas: want, reason: 'Needed' });
  });

  test('looks again when the first window is over, and when need of late is forgotten', () => {
    const fresh = scale({ current: 4, openingChangedMs: NOW_MS - MINUTE_MS });
    expect(fresh.lookAtMs).toBe(NOW_MS - MINUTE_MS + WINDOW_MS);
    const busy = scale({ current: 3, history: needed(3, NOW_MS - MINUTE_MS) });
    expect(busy.lookAtMs).toBe(NOW_MS - MINUTE_MS + WINDOW_MS);
  });

  test('does not look again where time changes nothing', () => {
    expect(scale({ enough: 1, openingChangedMs: NOW_MS }).lookAtMs).toBeUndefined();
    expect(scale().lookAtMs).toBeUndefined();
  });
});

describe('a class that may sleep', () => {
  const asleep = { spec: idle, current: 0, load: { quietSinceMs: undefined } };

  test('does when nobody has asked for long enough, and not before', () => {
    const lately = scale({ spec: idle, load: { quietSinceMs: NOW_MS - IDLE_MS + 1 } });
    expect(lately).toMatchObject({ replicas: 1, reason: 'Needed', lookAtMs: NOW_MS + 1 });
    const long = scale({ spec: idle, load: { quietSinceMs: NOW_MS - IDLE_MS } });
    expect(long).toMatchObject({ replicas: 0, reason: 'Asleep', lookAtMs: undefined });
  });

  test('counts requests that only a gateway remembers', () => {
    const lately = scale({ spec: idle, demand: { lastAskedMs: NOW_MS - IDLE_MS + 1 } });
    expect(lately.replicas).toBe(1);
  });

  test('sleeps on when nothing happens, and never looks by itself', () => {
    expect(scale(asleep)).toMatchObject({ replicas: 0, reason: 'Asleep', lookAtMs: undefined });
  });

  test('wakes for the first request that waits, with as many engines as all of them need', () => {
    const one = { queued: 1, lastAskedMs: NOW_MS };
    expect(scale({ ...asleep, demand: one }).replicas).toBe(1);
    expect(scale({ ...asleep, demand: { ...one, queued: 13 } }).replicas).toBe(3);
  });

  test('stays awake for the whole window once it was woken, also when the client has gone', () => {
    const woken = scale({ ...asleep, demand: { queued: 13, lastAskedMs: NOW_MS } });
    const gone = scale({
      ...asleep,
      current: 3,
      history: woken.history,
      demand: { lastAskedMs: NOW_MS },
      nowMs: NOW_MS + MINUTE_MS,
    });
    expect(gone.replicas).toBe(3);
    expect(
      scale({ ...asleep, current: 3, history: gone.history, nowMs: NOW_MS + 2 * IDLE_MS }).replicas,
    ).toBe(0);
  });

  test('does not sleep while an engine loads: whoever woke it could not ask yet', () => {
    const loading = { loading: 1, quietSinceMs: undefined };
    expect(scale({ spec: idle, load: loading }).replicas).toBe(1);
  });

  test('does not sleep while an engine does not say whether it has anything to do', () => {
    expect(scale({ spec: idle, load: { unknown: 1, quietSinceMs: undefined } }).replicas).toBe(1);
  });
});

describe('in an exam', () => {
  test.each<[string, number, Difference]>([
    ['a class has all its engines, however little is asked', 4, { spec: exam }],
    ['also when it slept', 4, { spec: { ...exam, ...idle }, current: 0 }],
    ['none is taken away, though `max` was lowered', 3, { spec: exam, enough: 2, current: 3 }],
  ])('%s: %i', (_, want, difference) => {
    expect(scale(difference).replicas).toBe(want);
  });
});

describe('outside of its sessions a class has', () => {
  const closed: Difference = { opening: { isOpen: false }, hours: { areUp: false } };
  const justClosed = { ...closed, openingChangedMs: NOW_MS - SETTLE_MS };
  const busy = (engines: number) => ({ requests: engines, busy: engines, quietSinceMs: undefined });

  test('no engine', () => {
    expect(scale({ ...closed, current: 0 })).toMatchObject({
      replicas: 0,
      reason: 'Closed',
      lookAtMs: undefined,
    });
  });

  test('no engine, though `min` is 1 and clients ask as fast as they can', () => {
    const flapping = { inFlight: 40, queued: 40, lastAskedMs: NOW_MS, trustedUntilMs: NOW_MS + MINUTE_MS };
    const spec = { engine: { replicas: { min: 1, max: 4 } } };
    expect(scale({ ...closed, spec, current: 0, demand: flapping }).replicas).toBe(0);
    expect(scale({ ...closed, spec, current: 2, demand: flapping }).replicas).toBe(0);
  });

  test('all of them for a moment, until what they said last is from after the end', () => {
    const moment = scale({ ...closed, current: 3, openingChangedMs: NOW_MS - 1 });
    expect(moment).toMatchObject({ replicas: 3, reason: 'Draining', lookAtMs: NOW_MS - 1 + SETTLE_MS });
    expect(scale({ ...justClosed, current: 3 })).toMatchObject({ replicas: 0, reason: 'Closed' });
    const load = { quietSinceMs: undefined };
    const loading = scale({ ...closed, current: 3, openingChangedMs: NOW_MS - 1, load });
    expect(loading).toMatchObject({ replicas: 0, reason: 'Closed' });
  });

  test('those that have answers to finish, for ten minutes at most', () => {
    const finishing = scale({ ...justClosed, current: 3, load: busy(2) });
    expect(finishing).toMatchObject({
      replicas: 2,
      reason: 'Draining',
      lookAtMs: NOW_MS - SETTLE_MS + LONGEST_DRAIN_MS,
    });
    const over = { ...justClosed, openingChangedMs: NOW_MS - LONGEST_DRAIN_MS };
    expect(scale({ ...over, current: 2, load: busy(2) }).replicas).toBe(0);
  });

  test('one for requests that a gateway let in before the end and no engine tells of yet', () => {
    const demand = { queued: 3, trustedUntilMs: NOW_MS + MINUTE_MS };
    const waiting = scale({ ...justClosed, current: 3, demand });
    expect(waiting).toMatchObject({ replicas: 1, reason: 'Draining', lookAtMs: NOW_MS + MINUTE_MS });
  });

  test('those that do not say what they do, for ten minutes at most', () => {
    const load = { unknown: 2, quietSinceMs: undefined };
    expect(scale({ ...justClosed, current: 3, load }).replicas).toBe(2);
    expect(scale({ ...closed, current: 3, load }).replicas).toBe(0);
  });

  test('what was draining when the operator died, drained', () => {
    expect(scale({ ...justClosed, current: 3, load: busy(2), history: undefined }).replicas).toBe(2);
  });

  test('all engines when the next session is about to begin', () => {
    const warming = scale({ ...closed, hours: { areUp: true }, current: 0 });
    expect(warming).toMatchObject({ replicas: 4, reason: 'Warming' });
  });

  test('more than the next session needs, while they finish answers of the one before', () => {
    const between = { ...justClosed, hours: { areUp: true }, enough: 1, current: 3 };
    expect(scale({ ...between, load: busy(2) })).toMatchObject({ replicas: 2, reason: 'Draining' });
    expect(scale({ ...between, load: busy(1) })).toMatchObject({ replicas: 1, reason: 'Warming' });
    const over = { ...between, openingChangedMs: NOW_MS - LONGEST_DRAIN_MS };
    expect(scale({ ...over, load: busy(2) })).toMatchObject({ replicas: 1, reason: 'Warming' });
  });

  describe('engines that were started for the next session', () => {
    const startMs = NOW_MS + 30 * MINUTE_MS;
    const warm: Difference = {
      ...closed,
      current: 4,
      opening: { isOpen: false, nextSession: { startMs, endMs: startMs + WINDOW_MS } },
      youngestMadeMs: NOW_MS - MINUTE_MS,
    };

    test('stay, though one has loaded faster than the last time, so that they would be due only later', () => {
      expect(scale(warm)).toMatchObject({ replicas: 4, reason: 'Warming' });
    });

    test.each<[string, Difference]>([
      ['were made before the last one ended', { youngestMadeMs: LONG_AGO_MS }],
      ['are not there', { current: 0 }],
    ])('do not, where they %s', (_, difference) => {
      expect(scale({ ...warm, ...difference }).replicas).toBe(0);
    });

    test.each([
      ['stay for one that begins as long after they were made as an engine may take to load', 60, 4],
      ['do not stay for one that begins later: they were made for another, which was cancelled', 61, 0],
    ])('%s', (_, minutes, replicas) => {
      const later = NOW_MS + (minutes - 1) * MINUTE_MS;
      const opening = { isOpen: false, nextSession: { startMs: later, endMs: later + WINDOW_MS } };
      expect(scale({ ...warm, opening }).replicas).toBe(replicas);
    });
  });
});

describe('a class that a person closed', () => {
  const spec = { access: 'Closed' as const };
  const closed: Difference = { spec, opening: { isOpen: false }, current: 3 };

  test('keeps its engines for the window, so that it can be opened again at once', () => {
    const resting = scale({ ...closed, openingChangedMs: NOW_MS - WINDOW_MS + 1 });
    expect(resting).toMatchObject({ replicas: 3, reason: 'Resting', lookAtMs: NOW_MS + 1 });
    const over = scale({ ...closed, openingChangedMs: NOW_MS - WINDOW_MS });
    expect(over).toMatchObject({ replicas: 0, reason: 'Closed' });
  });

  test('keeps them as long as `idle` says', () => {
    const own = { ...closed, spec: { ...spec, ...idle } };
    expect(scale({ ...own, openingChangedMs: NOW_MS - IDLE_MS + 1 }).replicas).toBe(3);
    expect(scale({ ...own, openingChangedMs: NOW_MS - IDLE_MS }).replicas).toBe(0);
  });

  test('starts none, neither for a session nor for those who ask', () => {
    const demand = { queued: 9, lastAskedMs: NOW_MS, trustedUntilMs: NOW_MS + MINUTE_MS };
    expect(scale({ ...closed, current: 0, openingChangedMs: NOW_MS - 1, demand }).replicas).toBe(0);
  });

  test('does not keep them when its session is over', () => {
    const ended = { ...closed, hours: { areUp: false }, openingChangedMs: NOW_MS - SETTLE_MS };
    expect(scale(ended).replicas).toBe(0);
  });
});
