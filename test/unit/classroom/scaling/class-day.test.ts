import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ClassroomSpecInput } from '../../../../src/api/classroom.ts';
import { LONGEST_DRAIN_MS } from '../../../../src/classroom/scaling/wanted-engines.ts';
import { classroom, type Partially } from '../../../support/builders.ts';
import { ClassDay, STEP_MS, type Step } from './class-day.ts';

const SCHEDULE = {
  sessions: [{ days: ['Tue' as const], start: '09:00', end: '12:00' }],
  warmUpMinutes: 15,
};
const STUDENTS = 24;
const MINUTE_MS = 60_000;
const EARLY = Date.parse('2026-09-01T08:00:00Z');

/** A Tuesday from 08:00 of a class of 24 students, six to an engine, with lessons from 09:00 to 12:00. */
function tuesday(spec: Partially<ClassroomSpecInput> = {}, loadMs?: number): ClassDay {
  const own = classroom({
    spec: {
      schedule: SCHEDULE,
      engine: { replicas: { min: 0, max: 4, studentsPerReplica: 6 } },
      idle: { scaleToZeroAfterMinutes: 30 },
      ...spec,
    },
  });
  return new ClassDay(own, STUDENTS, EARLY, loadMs);
}

const at = (time: string) => `2026-09-01T${time}:00Z`;

describe('a lesson day', () => {
  test('has warm engines when the first student comes, and none after the last answer', () => {
    const day = tuesday();
    day.until(at('08:44'));
    expect(day.replicas).toBe(0);
    day.until(at('08:59'));
    expect(day.answering).toBe(4);
    const warm = day.names;
    day.until(at('09:29'), { asked: 3 });
    expect(day.names).toEqual(warm);
    day.until(at('11:59'), { asked: 1 });
    expect([day.replicas, day.cut]).toEqual([1, 0]);
    day.until(at('12:02'));
    expect(day.replicas).toBe(0);
  });

  test('lets long answers finish after its end, and not for ever', () => {
    const day = tuesday();
    day.until(at('11:59'), { asked: 1 });
    day.step({ asked: 1, answered: false });
    day.until(at('12:09'), { answered: false });
    expect([day.busy, day.cut]).toEqual([1, 0]);
    day.until(at('12:11'), { answered: false });
    expect([day.replicas, day.cut]).toEqual([0, 1]);
  });

  test('puts the engines to sleep when nobody comes, and wakes them for the first who does', () => {
    const day = tuesday();
    day.until(at('09:40'));
    expect([day.replicas, day.reason]).toEqual([0, 'Asleep']);
    day.step({ asked: 1 });
    expect(day.replicas).toBe(1);
    day.until(at('09:45'));
    expect([day.queued, day.answering]).toEqual([0, 1]);
  });

  test.each<[string, Partially<ClassroomSpecInput>]>([
    ['it is open outside of sessions', { schedule: { ...SCHEDULE, outsideSessions: 'Open' } }],
    [
      'the lesson before it ends when it begins',
      { schedule: { sessions: [{ days: ['Tue'], start: '07:00', end: '09:00' }, ...SCHEDULE.sessions] } },
    ],
  ])('has warm engines for a lesson also where %s and they sleep before', (_, spec) => {
    const day = tuesday(spec);
    day.until(at('08:44'));
    expect(day.replicas).toBe(0);
    day.until(at('08:59'));
    expect(day.answering).toBe(4);
    const warm = day.names;
    day.until(at('09:29'), { asked: 3 });
    expect(day.names).toEqual(warm);
  });

  test('writes nothing in between', () => {
    const day = tuesday();
    day.until(at('09:00'));
    const before = day.writes;
    day.until(at('09:29'), { asked: 3 });
    expect(day.writes).toBe(before);
  });

  test('gives no GPU to those who ask outside of it, however often', () => {
    const day = tuesday();
    day.until(at('08:44'), { asked: 50 });
    expect([day.replicas, day.queued]).toEqual([0, 0]);
  });

  test('warms up earlier where an engine takes longer to load than `warmUpMinutes`', () => {
    const day = tuesday({}, 40 * MINUTE_MS);
    day.classroom = { ...day.classroom, status: { lastLoadSeconds: 40 * 60 } };
    day.until(at('08:59'));
    expect([day.replicas, day.answering]).toEqual([4, 0]);
    day.until(at('09:01'));
    expect(day.answering).toBe(4);
  });

  test('does not stop engines that are warm because this time they loaded faster', () => {
    const day = tuesday({}, MINUTE_MS);
    day.classroom = { ...day.classroom, status: { lastLoadSeconds: 40 * 60 } };
    day.until(at('08:25'));
    const warm = day.names;
    expect(warm).toHaveLength(4);
    day.until(at('09:00'));
    expect(day.names).toEqual(warm);
  });
});

test('a lesson that is cancelled while its engines are warm gives their GPUs back until the next one', () => {
  const day = tuesday({}, MINUTE_MS);
  day.until(at('08:50'));
  expect(day.replicas).toBe(4);
  day.reschedule({ sessions: [{ days: ['Tue' as const], start: '11:00', end: '12:00' }] });
  day.step();
  expect(day.replicas).toBe(0);
  day.until(at('10:44'));
  expect(day.replicas).toBe(0);
  day.until(at('11:00'));
  expect(day.answering).toBe(4);
});

describe('an operator that was killed', () => {
  test('in the middle of a lesson leaves the engines that run', () => {
    const day = tuesday();
    day.until(at('10:00'), { asked: 9 });
    const { replicas, names } = day;
    day.step({ asked: 9, killed: true });
    expect([day.replicas, day.names]).toEqual([replicas, names]);
    day.until(at('10:29'));
    expect(day.replicas).toBe(replicas);
  });

  test('over and over after a lesson gives answers no longer than the ten minutes from its end', () => {
    const day = tuesday();
    day.until(at('11:59'), { asked: 1 });
    day.step({ asked: 1, answered: false });
    day.until(at('12:09'), { answered: false, killed: true });
    expect([day.busy, day.cut]).toEqual([1, 0]);
    day.until(at('12:11'), { answered: false, killed: true });
    expect([day.replicas, day.cut]).toEqual([0, 1]);
  });

  test('and was down when the lesson ended stops the engines when it is back', () => {
    const day = tuesday();
    day.until(at('11:50'), { asked: 1 });
    day.until(at('13:00'), { down: true });
    expect(day.replicas).toBe(1);
    day.step({ killed: true });
    day.until(at('13:01'));
    expect(day.replicas).toBe(0);
  });
});

const stepArbitrary: fc.Arbitrary<Step & { steps: number }> = fc.record({
  asked: fc.oneof(
    { weight: 3, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 40 }) },
  ),
  answered: fc.boolean(),
  killed: fc.boolean(),
  down: fc.boolean(),
  steps: fc.integer({ min: 1, max: 40 }),
});

test('property: whatever students ask and whenever the operator is killed', () => {
  fc.assert(
    fc.property(fc.array(stepArbitrary, { minLength: 10, maxLength: 20 }), fc.boolean(), (phases, sleeps) => {
      const day = tuesday(sleeps ? {} : { idle: undefined });
      for (const { steps, ...step } of phases) {
        for (let done = 0; done < steps; done++) {
          day.step({ ...step, killed: step.killed && done === 0 });
          expect(day.replicas).toBeLessThanOrEqual(4);
          // Only what runs on when a lesson has been over for ten minutes is cut.
          if (day.nowMs < Date.parse(at('12:00')) + LONGEST_DRAIN_MS) expect(day.cut).toBe(0);
          if (day.isOpen && !step.down && day.queued > 0) expect(day.replicas).toBeGreaterThan(0);
        }
      }
      day.until(at('12:00'));
      for (let down = 0; down <= LONGEST_DRAIN_MS + 2 * STEP_MS; down += STEP_MS)
        day.step({ answered: false });
      expect(day.replicas).toBe(0);
      const { writes } = day;
      for (let later = 0; later < 100; later++) day.step({ asked: 40 });
      expect([day.replicas, day.writes]).toEqual([0, writes]);
    }),
    { numRuns: 12 },
  );
});
