import { describe, expect, test } from '@jest/globals';
import type { z } from 'zod';
import { scheduleSchema } from '../../../../src/api/schedule.ts';
import { currentOrNextSession } from '../../../../src/cli/status/session.ts';

/** Berlin, Mondays and Wednesdays from nine to five, unless a case says otherwise. */
const sessionAt = (now: string, difference: Partial<z.input<typeof scheduleSchema>> = {}) =>
  currentOrNextSession(
    scheduleSchema.parse({
      timeZone: 'Europe/Berlin',
      sessions: [{ days: ['Mon', 'Wed'], start: '09:00', end: '17:00' }],
      ...difference,
    }),
    Date.parse(now),
  );

describe('the session', () => {
  // 2026-11-23 is a Monday.
  test('that runs', () => {
    expect(sessionAt('2026-11-23T10:00:00+01:00')).toEqual({
      start: '2026-11-23T09:00:00+01:00',
      end: '2026-11-23T17:00:00+01:00',
      running: true,
    });
  });

  test('that comes next, today or on another day', () => {
    expect(sessionAt('2026-11-23T08:00:00+01:00')).toMatchObject({
      start: '2026-11-23T09:00:00+01:00',
      running: false,
    });
    expect(sessionAt('2026-11-23T17:00:00+01:00')).toMatchObject({ start: '2026-11-25T09:00:00+01:00' });
  });

  test('that began yesterday and runs over midnight', () => {
    const night = { sessions: [{ days: ['Mon' as const], start: '22:00', end: '02:00' }] };
    expect(sessionAt('2026-11-24T01:00:00+01:00', night)).toEqual({
      start: '2026-11-23T22:00:00+01:00',
      end: '2026-11-24T02:00:00+01:00',
      running: true,
    });
  });

  test('that ends with the day', () => {
    const evening = { sessions: [{ days: ['Mon' as const], start: '20:00', end: '24:00' }] };
    expect(sessionAt('2026-11-23T21:00:00+01:00', evening)).toMatchObject({
      end: '2026-11-24T00:00:00+01:00',
    });
  });

  test('keeps its local hours when the clocks change', () => {
    // Summer time ends on 2026-10-25.
    expect(sessionAt('2026-10-23T12:00:00+02:00')).toMatchObject({ start: '2026-10-26T09:00:00+01:00' });
  });

  test('leaves out holidays, and takes the hours of an exception', () => {
    const exceptions = [
      { date: '2026-11-25', closed: true },
      { date: '2026-11-27', sessions: [{ start: '13:00', end: '15:00' }] },
    ];
    expect(sessionAt('2026-11-24T12:00:00+01:00', { exceptions })).toMatchObject({
      start: '2026-11-27T13:00:00+01:00',
      end: '2026-11-27T15:00:00+01:00',
    });
  });

  test('of the earlier of two on one day', () => {
    const sessions = [
      { days: ['Mon' as const], start: '14:00', end: '16:00' },
      { days: ['Mon' as const], start: '09:00', end: '11:00' },
    ];
    expect(sessionAt('2026-11-23T08:00:00+01:00', { sessions })).toMatchObject({
      start: '2026-11-23T09:00:00+01:00',
    });
    expect(sessionAt('2026-11-23T12:00:00+01:00', { sessions })).toMatchObject({
      start: '2026-11-23T14:00:00+01:00',
    });
  });

  test('is none where there is no timetable but hours outside of it', () => {
    expect(sessionAt('2026-11-23T10:00:00+01:00', { sessions: [], outsideSessions: 'Open' })).toBeUndefined();
  });
});
