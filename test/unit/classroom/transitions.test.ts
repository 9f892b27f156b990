import { describe, expect, test } from '@jest/globals';
import type { ClassroomStatus, EngineState } from '../../../src/api/classroom.ts';
import { transitions } from '../../../src/classroom/transitions.ts';

const engine = (state: EngineState, message?: string): ClassroomStatus => ({
  engines: [{ name: 'python-101-engine-a', state, ...(message === undefined ? {} : { message }) }],
});
const nothing = { written: [], deleted: [], problems: [] };

function withReason(type: string, reason: string): ClassroomStatus {
  const lastTransitionTime = '2026-09-01T09:00:00Z';
  return { conditions: [{ type, reason, status: 'False', message: 'because', lastTransitionTime }] };
}

describe('events of a class', () => {
  test('are none when nothing happened', () => {
    expect(transitions(engine('Ready'), engine('Ready'), nothing)).toEqual([]);
  });

  test.each([
    { from: 'Loading', to: 'Ready', want: ['Normal EngineReady'] },
    { from: 'Ready', to: 'Failing', want: ['Warning EngineFailing'] },
    { from: 'Failing', to: 'Failing', want: [] },
    { from: 'Ready', to: 'Stopping', want: [] },
  ] as const)('an engine from $from to $to: $want', ({ from, to, want }) => {
    const got = transitions(engine(from), engine(to, 'CrashLoopBackOff'), nothing);
    expect(got.map(({ type, reason }) => `${type} ${reason}`)).toEqual(want);
  });

  test.each([
    ['SpecValid', 'ArgumentDenied', 'SpecInvalid'],
    ['ChildrenApplied', 'NameConflict', 'NameConflict'],
    ['ChildrenApplied', 'ApplyRefused', 'ApplyRefused'],
  ])('%s=%s is told once', (type, reason, want) => {
    const now = withReason(type, reason);
    expect(transitions(undefined, now, nothing)).toMatchObject([
      { type: 'Warning', reason: want, note: 'because' },
    ]);
    expect(transitions(now, now, nothing)).toEqual([]);
  });

  test('name what was written and deleted', () => {
    const outcome = { written: ['Service a', 'Deployment a'], deleted: ['Service old'], problems: [] };
    expect(transitions({}, {}, outcome).map(({ note }) => note)).toEqual([
      'Brought to what the class wants: Service a, Deployment a.',
      'Deleted, because the class no longer wants it: Service old.',
    ]);
  });
});
