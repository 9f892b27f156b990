import { describe, expect, test } from '@jest/globals';
import { scheduleSchema } from '../../../../src/api/schedule.ts';
import type { Directory } from '../../../../src/gateway/identity/directory.ts';
import type { ClassroomRecord, SeatRecord } from '../../../../src/gateway/identity/seat.ts';
import { hashApiKey } from '../../../../src/student/api-key.ts';
import { seededRandom } from '../../../support/seeded-random.ts';
import { ALICE_KEY, aClassroom, aDirectory, aSeat } from '../builders.ts';

/**
 * Seats are kept until time changes what holds for them. However the clock runs, forwards in steps of any length or back,
 * and however the class is published again meanwhile, a seat that was kept says the same as one that is made anew at that
 * moment.
 */

const ALICE_HASH = hashApiKey(ALICE_KEY);
const START = Date.parse('2026-10-20T00:00:00Z');
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Two weeks over the change of the clocks in Berlin, with sessions, an exception, an extension and boosts. */
function aCourse(random: () => number): { classroom: ClassroomRecord; seat: SeatRecord } {
  const within = (ms: number): number => START + Math.floor(random() * ms);
  const chance = (): boolean => random() < 0.5;
  const boost = () => ({ factor: 2 + Math.floor(random() * 3), untilMs: within(14 * DAY) });
  const schedule = scheduleSchema.parse({
    timeZone: 'Europe/Berlin',
    sessions: [
      { days: ['Mon', 'Wed', 'Sat'], start: '09:00', end: '11:30' },
      { days: ['Sat'], start: '22:00', end: '04:00' },
    ],
    exceptions: [{ date: '2026-10-28', closed: true }],
  });
  const exam = { students: ['alice'], maxOutputTokens: 99, allowAdapters: false, allowTools: false };
  const classroom = aClassroom({
    schedule: random() < 0.8 ? schedule : undefined,
    access: random() < 0.8 ? 'Open' : 'Exam',
    exam,
    openUntilMs: chance() ? within(14 * DAY) : undefined,
    boost: chance() ? boost() : undefined,
  });
  return { classroom, seat: aSeat({ boost: chance() ? boost() : undefined }) };
}

function seatAt(directory: Directory, nowMs: number): object {
  const seat = directory.find(ALICE_HASH, nowMs)?.seat;
  return {
    shutOut: seat?.shutOut?.message,
    limits: seat?.limits,
    class: seat?.classLimits,
    boost: seat?.boost,
  };
}

function holding({ classroom, seat }: ReturnType<typeof aCourse>): Directory {
  const directory = aDirectory();
  directory.putClassroom(classroom);
  directory.putSeat(seat);
  return directory;
}

describe('a seat that is kept', () => {
  test.each(Array.from({ length: 20 }, (_, seed) => seed))('is as one made anew: course %i', (seed) => {
    const random = seededRandom(seed);
    let course = aCourse(random);
    const kept = holding(course);
    let nowMs = START;
    for (let step = 0; step < 150; step++) {
      const isBack = random() < 0.1;
      nowMs += Math.floor((isBack ? -random() : random() ** 3) * (isBack ? HOUR : 8 * HOUR));
      if (random() < 0.1) {
        // Published again, as with each change of its status; or changed, and perhaps only its boost.
        const changed = aCourse(random);
        const { boost } = changed.classroom;
        const classroom = random() < 0.5 ? { ...course.classroom, boost } : changed.classroom;
        course = { ...course, classroom: structuredClone(classroom) };
        kept.putClassroom(course.classroom);
      }
      expect([nowMs, seatAt(kept, nowMs)]).toEqual([nowMs, seatAt(holding(course), nowMs)]);
    }
  });
});
