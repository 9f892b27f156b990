import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createLocalDays, localDayOf } from '../../../src/timetable/local-day.ts';

const HOUR_MS = 3_600_000;
const ZONES = ['UTC', 'Asia/Shanghai', 'Europe/Berlin', 'America/Santiago', 'Pacific/Apia', 'Asia/Kathmandu'];

describe('the local day', () => {
  test.each([
    ['Asia/Shanghai', '2026-11-23T15:59:59.999Z', '2026-11-23', '2026-11-24', 24],
    ['Asia/Shanghai', '2026-11-23T16:00:00Z', '2026-11-24', '2026-11-25', 24],
    ['Europe/Berlin, clocks go forward', '2026-03-29T12:00:00Z', '2026-03-29', '2026-03-30', 23],
    ['Europe/Berlin, clocks go back', '2026-10-25T12:00:00Z', '2026-10-25', '2026-10-26', 25],
    ['America/Santiago, there is no midnight', '2026-09-06T12:00:00Z', '2026-09-06', '2026-09-07', 23],
    ['Pacific/Apia, the 30th was skipped', '2011-12-29T20:00:00Z', '2011-12-29', '2011-12-31', 24],
  ])('%s at %s', (zone, now, day, nextDay, hours) => {
    const found = localDayOf(zone.split(',')[0] ?? '', Date.parse(now));
    expect(found).toMatchObject({ day, nextDay });
    expect((found.endsMs - found.startsMs) / HOUR_MS).toBe(hours);
  });

  test('days follow each other without a gap, in every zone and at any time', () => {
    const times = fc.integer({ min: Date.parse('2005-01-01'), max: Date.parse('2035-01-01') });
    fc.assert(
      fc.property(fc.constantFrom(...ZONES), times, (zone, nowMs) => {
        const { day, nextDay, startsMs, endsMs } = localDayOf(zone, nowMs);
        expect(startsMs).toBeLessThanOrEqual(nowMs);
        expect(endsMs).toBeGreaterThan(nowMs);
        expect(localDayOf(zone, endsMs)).toMatchObject({ day: nextDay, startsMs: endsMs });
        expect(localDayOf(zone, endsMs - 1).day).toBe(day);
        expect(nextDay > day).toBe(true);
      }),
    );
  });

  test('remembered days change with the date and the zone', () => {
    const dayOf = createLocalDays();
    const now = Date.parse('2026-11-23T23:59:59.999Z');
    expect(dayOf('UTC', now).day).toBe('2026-11-23');
    expect(dayOf('UTC', now + 1).day).toBe('2026-11-24');
    expect(dayOf('UTC', now).day).toBe('2026-11-23');
    expect(dayOf('America/New_York', now + 1).day).toBe('2026-11-23');
  });
});
