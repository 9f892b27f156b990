import { describe, expect, test } from '@jest/globals';
import { engineHours } from '../../../src/timetable/engine-hours.ts';
import { localInstant } from '../../../src/timetable/words.ts';
import { aSchedule, EVERY_DAY, type ScheduleDifference } from './schedules.ts';

interface Case {
  readonly schedule?: ScheduleDifference;
  readonly openUntil?: string;
  readonly loadSeconds?: number;
}

/** Up or down, and until when in Berlin's time. */
function hoursAt(now: string, { schedule, openUntil, loadSeconds }: Case = {}): string {
  const openUntilMs = openUntil === undefined ? undefined : Date.parse(openUntil);
  const { areUp, nextChangeMs } = engineHours(
    { schedule: aSchedule(schedule), openUntilMs },
    Date.parse(now),
    loadSeconds,
  );
  const change =
    nextChangeMs === undefined ? 'for good' : `until ${localInstant(nextChangeMs, 'Europe/Berlin')}`;
  return `${areUp ? 'up' : 'down'} ${change}`;
}

describe('engines', () => {
  // 2026-11-23 is a Monday; sessions are on Mondays and Wednesdays from nine to five, and engines warm up for 15 minutes.
  test.each<[name: string, now: string, given: Case, expected: string]>([
    ['are down in the night', '2026-11-23T05:00:00+01:00', {}, 'down until 2026-11-23T08:45:00+01:00'],
    ['are up from the warm-up on', '2026-11-23T08:45:00+01:00', {}, 'up until 2026-11-23T17:00:00+01:00'],
    [
      'are down at the end of the session',
      '2026-11-23T17:00:00+01:00',
      {},
      'down until 2026-11-25T08:45:00+01:00',
    ],
    [
      'start earlier where they took longer to load than the warm-up',
      '2026-11-23T08:00:00+01:00',
      { loadSeconds: 1800 },
      'down until 2026-11-23T08:30:00+01:00',
    ],
    [
      'start with the warm-up where they load faster',
      '2026-11-23T08:00:00+01:00',
      { loadSeconds: 60 },
      'down until 2026-11-23T08:45:00+01:00',
    ],
    [
      'start with the session where there is no warm-up and nothing was measured',
      '2026-11-23T08:00:00+01:00',
      { schedule: { warmUpMinutes: 0 } },
      'down until 2026-11-23T09:00:00+01:00',
    ],
    [
      'stay up over a break that is shorter than the warm-up',
      '2026-11-23T11:00:00+01:00',
      {
        schedule: {
          sessions: [
            { days: EVERY_DAY, start: '09:00', end: '12:00' },
            { days: EVERY_DAY, start: '12:10', end: '15:00' },
          ],
        },
      },
      'up until 2026-11-23T15:00:00+01:00',
    ],
    [
      'stay up as long as the class is extended',
      '2026-11-23T17:10:00+01:00',
      { openUntil: '2026-11-23T17:30:00+01:00' },
      'up until 2026-11-23T17:30:00+01:00',
    ],
    [
      'are always up where the class is open outside of sessions',
      '2026-11-23T05:00:00+01:00',
      { schedule: { outsideSessions: 'Open' } },
      'up for good',
    ],
    // Summer time begins at two on 2026-03-29.
    [
      'warm up for as long as ever in the night in which the clocks change',
      '2026-03-29T00:00:00+01:00',
      { schedule: { sessions: [{ days: EVERY_DAY, start: '03:10', end: '04:00' }] } },
      'down until 2026-03-29T01:55:00+01:00',
    ],
  ])('%s', (_, now, given, expected) => {
    expect(hoursAt(now, given)).toBe(expected);
  });

  test('are always up without a timetable', () => {
    expect(engineHours({}, 0)).toEqual({ areUp: true });
  });

  test.each<[name: string, given: Case]>([
    ['down', {}],
    ['up outside of sessions', { schedule: { outsideSessions: 'Open' } }],
    ['up because the class is extended', { openUntil: '2026-11-23T10:00:00+01:00' }],
  ])('begin to warm up at the same moment where they are %s', (_, { schedule, openUntil = '' }) => {
    const input = { schedule: aSchedule(schedule), openUntilMs: Date.parse(openUntil) };
    const { session, nextWarmUpMs = 0 } = engineHours(input, Date.parse('2026-11-23T05:00:00+01:00'));
    expect([session, localInstant(nextWarmUpMs, 'Europe/Berlin')]).toEqual([
      undefined,
      '2026-11-23T08:45:00+01:00',
    ]);
    expect(engineHours(input, nextWarmUpMs).session?.startMs).toBe(Date.parse('2026-11-23T09:00:00+01:00'));
  });

  test('say which session they warm up for', () => {
    const { session } = engineHours({ schedule: aSchedule() }, Date.parse('2026-11-23T08:50:00+01:00'));
    expect(session?.startMs).toBe(Date.parse('2026-11-23T09:00:00+01:00'));
  });
});
