import { describe, expect, test } from '@jest/globals';
import { isTimeZone, knownTimeZone } from '../../../src/timetable/time-zone.ts';

describe('the time zone of a class', () => {
  test.each(['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Shanghai', 'Australia/Lord_Howe'])(
    '%s is known',
    (zone) => {
      expect(isTimeZone(zone)).toBe(true);
      expect(knownTimeZone(zone)).toBe(zone);
    },
  );

  test.each(['Mars/Olympus', 'Europe/Berlim', ''])("'%s' is not, and counts as UTC", (zone) => {
    expect(isTimeZone(zone)).toBe(false);
    expect(knownTimeZone(zone)).toBe('UTC');
  });

  test('is UTC where none is written', () => {
    expect(knownTimeZone(undefined)).toBe('UTC');
  });
});
