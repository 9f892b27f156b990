import { expect, test } from '@jest/globals';
import type { ObservedClass } from '../../../../src/classroom/observe.ts';
import { plan } from '../../../../src/classroom/plan.ts';
import { status } from '../../../../src/classroom/status.ts';
import type { Deployment } from '../../../../src/kube/resources.ts';
import { classroom } from '../../../support/builders.ts';
import { observedClass, readyPod, settings } from '../../../support/classroom.ts';

const NOW_MS = Date.parse('2026-09-01T09:00:00Z');

/** What one pass would bring the cluster to: its objects, and the status. */
function pass(difference: Partial<ObservedClass>, nowMs = NOW_MS) {
  const observed = observedClass({ pods: [readyPod('python-101-engine-a')], ...difference });
  const result = plan(observed, settings(), nowMs);
  if (result.kind === 'withheld') throw new Error(result.refusal.message);
  const outcome = { written: [], deleted: [], problems: [] };
  const next = status({ observed, plan: result, outcome, settings: settings(), nowMs });
  return { rollout: result.rollout.kind, deployment: result.deployment?.object as Deployment, next };
}

const before = pass({ classroom: classroom() });
const changed = classroom({ spec: { engine: { maxNumSeqs: 16 } } });
const waiting = (difference: Partial<ObservedClass> = {}, nowMs = NOW_MS) =>
  pass(
    { classroom: changed, deployment: before.deployment, activity: { kind: 'busy' }, ...difference },
    nowMs,
  );

test('students who ask, pause and ask again write nothing while a change waits', () => {
  const first = waiting();
  expect(first.rollout).toBe('wait');
  const settled = { ...changed, status: first.next };
  const pauses = [
    waiting({ classroom: settled, activity: { kind: 'quiet', sinceMs: NOW_MS - 1_000 } }),
    waiting({ classroom: settled, activity: { kind: 'quiet', sinceMs: NOW_MS } }, NOW_MS + 60_000),
    waiting({ classroom: settled }, NOW_MS + 120_000),
  ];
  for (const { rollout, deployment, next } of pauses) {
    expect(rollout).toBe('wait');
    expect(deployment).toEqual(first.deployment);
    expect(next).toEqual(first.next);
  }
});

test('a change that is taken back has changed nothing', () => {
  const back = pass({ classroom: classroom(), deployment: before.deployment });
  expect(back.rollout).toBe('current');
  expect(back.deployment).toEqual(before.deployment);
});
