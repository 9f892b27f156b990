import { describe, expect, test } from '@jest/globals';
import type { ClassroomStatus, EngineState } from '../../../src/api/classroom.ts';
import type { ApplyOutcome } from '../../../src/classroom/apply.ts';
import { type Plan, plan } from '../../../src/classroom/plan.ts';
import { transitions } from '../../../src/classroom/transitions.ts';
import type { Deployment } from '../../../src/kube/resources.ts';
import { classroom } from '../../support/builders.ts';
import { observedClass, settings } from '../../support/classroom.ts';

const engine = (state: EngineState, message?: string): ClassroomStatus => ({
  engines: [{ name: 'python-101-engine-a', state, ...(message === undefined ? {} : { message }) }],
});
const REFUSAL = { reason: 'SpecUnreadable' as const, message: '' };
const WITHHELD: Plan = { kind: 'withheld', refusal: REFUSAL, nextLookAtMs: undefined };
const nothing: ApplyOutcome = { written: [], deleted: [], problems: [] };

function withReason(type: string, reason: string): ClassroomStatus {
  const lastTransitionTime = '2026-09-01T09:00:00Z';
  return { conditions: [{ type, reason, status: 'False', message: 'because', lastTransitionTime }] };
}

describe('events of a class', () => {
  test('are none when nothing happened', () => {
    expect(transitions(engine('Ready'), engine('Ready'), nothing, WITHHELD)).toEqual([]);
  });

  test.each([
    { from: 'Loading', to: 'Ready', want: ['Normal EngineReady'] },
    { from: 'Ready', to: 'Failing', want: ['Warning EngineFailing'] },
    { from: 'Failing', to: 'Failing', want: [] },
    { from: 'Ready', to: 'Stopping', want: [] },
  ] as const)('an engine from $from to $to: $want', ({ from, to, want }) => {
    const got = transitions(engine(from), engine(to, 'CrashLoopBackOff'), nothing, WITHHELD);
    expect(got.map(({ type, reason }) => `${type} ${reason}`)).toEqual(want);
  });

  test.each([
    ['SpecValid', 'ArgumentDenied', 'SpecInvalid'],
    ['SpecValid', 'TimeZoneUnknown', 'SpecInvalid'],
    ['ChildrenApplied', 'NameConflict', 'NameConflict'],
    ['ChildrenApplied', 'ApplyRefused', 'ApplyRefused'],
    ['Fits', 'WeightsTooLarge', 'DoesNotFit'],
    ['RolloutPending', 'AwaitingIdle', 'RolloutPending'],
    ['RolloutPending', 'AwaitingExamEnd', 'RolloutPending'],
  ])('%s=%s is told once', (type, reason, want) => {
    const now = withReason(type, reason);
    expect(transitions(undefined, now, nothing, WITHHELD)).toMatchObject([
      { type: 'Warning', reason: want, note: 'because' },
    ]);
    expect(transitions(now, now, nothing, WITHHELD)).toEqual([]);
  });

  test('tell of GPUs that are missing once, and only for engines that are wanted', () => {
    const taken = { ...withReason('GPUAvailable', 'GPUsTaken'), replicas: 1 };
    const tooFew = { ...withReason('GPUAvailable', 'TooFewGPUs'), replicas: 1 };
    expect(transitions(undefined, taken, nothing, WITHHELD)).toMatchObject([
      { type: 'Warning', reason: 'GPUUnavailable', note: 'because' },
    ]);
    expect(transitions(taken, tooFew, nothing, WITHHELD)).toEqual([]);
    expect(transitions(undefined, { ...taken, replicas: 0 }, nothing, WITHHELD)).toEqual([]);
  });

  test('name what was written and deleted', () => {
    const outcome = { written: ['Service a', 'Deployment a'], deleted: ['Service old'], problems: [] };
    expect(transitions({}, {}, outcome, WITHHELD).map(({ note }) => note)).toEqual([
      'Brought to what the class wants: Service a, Deployment a.',
      'Deleted, because the class no longer wants it: Service old.',
    ]);
  });

  describe('of engines that are replaced', () => {
    const before = plan(observedClass(), settings(), 0);
    const deployment = before.kind === 'wanted' ? before.deployment?.object : undefined;
    const changed = classroom({ spec: { engine: { maxNumSeqs: 16 } } });
    const replaced = plan(
      observedClass({ classroom: changed, deployment: deployment as Deployment }),
      settings(),
      0,
    );
    const written = { ...nothing, written: ['Deployment python-101-engine'] };

    test('say why and what changes', () => {
      expect(transitions({}, {}, written, replaced)[0]).toMatchObject({
        type: 'Normal',
        reason: 'RolloutStarted',
        note: 'Engines are replaced, because no engine serves anybody: --max-num-seqs 8 → 16.',
      });
    });

    test('are not told of before it is written, nor of the first engines', () => {
      const reasons = (outcome: ApplyOutcome, planned: Plan) =>
        transitions({}, {}, outcome, planned).map(({ reason }) => reason);
      expect(reasons(nothing, replaced)).toEqual([]);
      expect(reasons(written, before)).toEqual(['ChildrenApplied']);
    });
  });
});
