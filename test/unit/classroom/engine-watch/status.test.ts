import { describe, expect, test } from '@jest/globals';
import type { ClassroomStatus } from '../../../../src/api/classroom.ts';
import { findCondition } from '../../../../src/api/condition.ts';
import type { WatchedEngine } from '../../../../src/classroom/engine-watch/board.ts';
import { plan } from '../../../../src/classroom/plan.ts';
import { status } from '../../../../src/classroom/status.ts';
import { classroom, merged } from '../../../support/builders.ts';
import { observedClass, readyPod, settings } from '../../../support/classroom.ts';

const NOW_MS = Date.parse('2026-09-01T10:00:00Z');

const heard: WatchedEngine = {
  health: 'Well',
  kvCacheTokens: 70_000,
  use: { kind: 'quiet', sinceMs: 0 },
};

/** A class of one engine that is as the spec says, and what it says of itself. */
function statusOf(
  previous: ClassroomStatus | undefined,
  watched: Map<string, WatchedEngine>,
): ClassroomStatus {
  const room = classroom({
    spec: { engine: { replicas: { min: 1, max: 1 } } },
    ...(previous === undefined ? {} : { status: previous }),
  });
  const wanted = plan(observedClass({ classroom: room }), settings(), NOW_MS);
  const template = wanted.kind === 'wanted' ? wanted.engines?.rolledOut.template : undefined;
  const pod = merged(readyPod('python-101-engine-a'), { spec: template?.spec });
  const observed = observedClass({ classroom: room, pods: [pod], watched });
  const planned = plan(observed, settings(), NOW_MS);
  const outcome = { written: [], deleted: [], problems: [] };
  return status({ observed, plan: planned, outcome, settings: settings(), nowMs: NOW_MS });
}

describe('what engines measured', () => {
  const watched = new Map([['python-101-engine-a', heard]]);
  const first = statusOf(undefined, watched);

  test('is in the status, engine by engine', () => {
    expect(first.engines).toMatchObject([{ name: 'python-101-engine-a', kvCacheTokens: 70_000 }]);
    expect(first.largestKvCache?.tokens).toBe(70_000);
    expect(first.lastLoadSeconds).toBe(60);
  });

  test('costs the class nothing of its readiness', () => {
    const larger = { commandHash: first.largestKvCache?.commandHash ?? '', tokens: 100_000 };
    const smaller = statusOf({ ...first, largestKvCache: larger }, watched);
    expect(findCondition(smaller.conditions, 'EngineAsPlanned')).toMatchObject({
      status: 'False',
      reason: 'SmallerThanPlanned',
    });
    expect(findCondition(smaller.conditions, 'Ready')?.status).toBe('True');
  });

  test('is said again word by word, also before an operator that begins anew has asked', () => {
    expect(statusOf(first, watched)).toEqual(first);
    expect(statusOf(first, new Map())).toEqual(first);
  });
});
