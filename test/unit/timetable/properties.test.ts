import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Schedule, scheduleSchema, WEEKDAYS } from '../../../src/api/schedule.ts';
import { engineHours } from '../../../src/timetable/engine-hours.ts';
import { openingOf } from '../../../src/timetable/opening.ts';
import { aSchedule } from './schedules.ts';

/** Zones that change their clocks by an hour, by half an hour, at midnight, the other way round, or never. */
const ZONES = [
  'Europe/Berlin',
  'Europe/Dublin',
  'America/New_York',
  'America/Nuuk',
  'Africa/Cairo',
  'Asia/Shanghai',
  'Australia/Lord_Howe',
  'UTC',
];

const DAY_MS = 86_400_000;
const FROM_MS = Date.parse('2026-01-01T00:00:00Z');

const minute = (least: number, most: number) =>
  fc
    .integer({ min: least, max: most })
    .map((at) => `${String(Math.floor(at / 60)).padStart(2, '0')}:${String(at % 60).padStart(2, '0')}`);

const hours = fc
  .record({ start: minute(0, 1439), end: minute(1, 1440) })
  .filter(({ start, end }) => start !== end);

const dates = fc
  .integer({ min: 0, max: 1000 })
  .map((day) => new Date(FROM_MS + day * DAY_MS).toISOString().slice(0, 10));

const schedules: fc.Arbitrary<Schedule> = fc
  .record({
    timeZone: fc.constantFrom(...ZONES),
    sessions: fc.array(
      fc
        .tuple(fc.uniqueArray(fc.constantFrom(...WEEKDAYS), { minLength: 1 }), hours)
        .map(([days, at]) => ({ days, ...at })),
      { maxLength: 4 },
    ),
    exceptions: fc.uniqueArray(
      fc.oneof(
        dates.map((date) => ({ date, closed: true })),
        fc.record({ date: dates, sessions: fc.array(hours, { minLength: 1, maxLength: 2 }) }),
      ),
      { maxLength: 6, selector: ({ date }) => date },
    ),
    warmUpMinutes: fc.integer({ min: 0, max: 240 }),
    outsideSessions: fc.constantFrom('Closed' as const, 'Closed' as const, 'Open' as const),
  })
  .map((written) => scheduleSchema.parse(written));

/** Nights of 2026 in which clocks change in one of the zones. */
const CHANGES = ['03-08', '03-28', '03-29', '04-05', '04-24', '10-04', '10-25', '10-30', '11-01'];

const moments = fc.oneof(
  fc.integer({ min: FROM_MS, max: FROM_MS + 800 * DAY_MS }),
  fc
    .tuple(fc.constantFrom(...CHANGES), fc.integer({ min: -DAY_MS, max: DAY_MS }))
    .map(([date, offMs]) => Date.parse(`2026-${date}T02:00:00Z`) + offMs),
);

const inputs = fc.record({
  access: fc.constantFrom('Open' as const, 'Exam' as const),
  schedule: schedules,
  openUntilMs: fc.option(moments, { nil: undefined }),
});

describe('whatever the timetable and the moment', () => {
  test('the next change is later, the class is then the other way, and was as now until then', () => {
    fc.assert(
      fc.property(inputs, moments, fc.double({ min: 0, max: 1, noNaN: true }), (input, nowMs, share) => {
        const { isOpen, nextChangeMs, validUntilMs = 0 } = openingOf(input, nowMs);
        expect(validUntilMs).toBeGreaterThan(nowMs);
        if (nextChangeMs === undefined) return;
        expect(nextChangeMs).toBeGreaterThan(nowMs);
        expect(openingOf(input, nextChangeMs).isOpen).toBe(!isOpen);
        const betweenMs = nowMs + Math.floor((nextChangeMs - 1 - nowMs) * share);
        expect(openingOf(input, betweenMs)).toMatchObject({ isOpen, nextChangeMs });
        expect(openingOf(input, nextChangeMs - 1)).toMatchObject({ isOpen, nextChangeMs });
      }),
      { numRuns: 300 },
    );
  });

  test('an answer holds as it stands as long as it is said to', () => {
    fc.assert(
      fc.property(inputs, moments, fc.double({ min: 0, max: 1, noNaN: true }), (input, nowMs, share) => {
        const { validUntilMs = 0, ...answer } = openingOf(input, nowMs);
        const laterMs = nowMs + Math.floor((validUntilMs - 1 - nowMs) * share);
        const { nextSession, nextChangeMs, ...later } = openingOf(input, laterMs);
        expect(answer).toMatchObject({ isOpen: later.isOpen, reason: later.reason, session: later.session });
        // What is a year away may come into sight.
        if (answer.nextSession !== undefined) expect(nextSession).toEqual(answer.nextSession);
        if (answer.nextChangeMs !== undefined) expect(nextChangeMs).toBe(answer.nextChangeMs);
      }),
      { numRuns: 300 },
    );
  });

  test('open and closed follow each other, change by change', () => {
    fc.assert(
      fc.property(inputs, moments, (input, startMs) => {
        let opening = openingOf(input, startMs);
        for (let changes = 0; changes < 12; changes++) {
          const atMs = opening.nextChangeMs;
          if (atMs === undefined) return;
          const next = openingOf(input, atMs);
          expect(next.isOpen).toBe(!opening.isOpen);
          expect(next.nextChangeMs ?? Number.POSITIVE_INFINITY).toBeGreaterThan(atMs);
          opening = next;
        }
      }),
      { numRuns: 100 },
    );
  });

  test('engines are up while the class is open, and their next change is later and true', () => {
    fc.assert(
      fc.property(inputs, moments, fc.integer({ min: 0, max: 10_000 }), (input, nowMs, loadSeconds) => {
        const { areUp, nextChangeMs } = engineHours(input, nowMs, loadSeconds);
        expect(areUp || !openingOf(input, nowMs).isOpen).toBe(true);
        if (nextChangeMs === undefined) return;
        expect(nextChangeMs).toBeGreaterThan(nowMs);
        expect(engineHours(input, nextChangeMs, loadSeconds).areUp).toBe(!areUp);
        expect(engineHours(input, nextChangeMs - 1, loadSeconds)).toMatchObject({ areUp, nextChangeMs });
      }),
      { numRuns: 300 },
    );
  });
});

/** The local time as the platform tells it, which shares no code with the timetable: such as `Mon 09:30`. */
function wallClock(timeZone: string): (ms: number) => { day: string; time: string } {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  return (ms) => {
    const [day = '', time = ''] = format.format(ms).split(/,? /);
    return { day, time };
  };
}

describe('whatever the moment of two years', () => {
  test.each(ZONES)('in %s a class is open when the clock on the wall says so', (timeZone) => {
    const sessions = [
      { days: ['Mon' as const, 'Thu' as const], start: '09:00', end: '12:30' },
      { days: ['Sun' as const], start: '05:00', end: '21:00' },
    ];
    const schedule = aSchedule({ timeZone, sessions });
    const clock = wallClock(timeZone);
    fc.assert(
      fc.property(moments, (nowMs) => {
        const { day, time } = clock(nowMs);
        const isOpen = sessions.some(
          ({ days, start, end }) => days.some((each) => each === day) && start <= time && time < end,
        );
        expect(openingOf({ access: 'Open', schedule }, nowMs).isOpen).toBe(isOpen);
      }),
      { numRuns: 500 },
    );
  });
});
