import { describe, expect, test } from '@jest/globals';
import { scheduleSchema } from '../../../../src/api/schedule.ts';
import type { Directory } from '../../../../src/gateway/identity/directory.ts';
import type { ClassroomRecord, SeatRecord } from '../../../../src/gateway/identity/seat.ts';
import { hashApiKey } from '../../../../src/student/api-key.ts';
import {
  ALICE_KEY,
  aClassroom,
  aClassroomLimiting,
  aDirectory,
  aSeat,
  bobsSeat,
  CLASS_KEY,
  keyNumber,
} from '../builders.ts';

const ALICE_HASH = hashApiKey(ALICE_KEY);
/** A Wednesday. */
const NOW = Date.parse('2026-12-02T12:00:00Z');

function filled() {
  const directory = aDirectory();
  directory.putClassroom(aClassroom());
  directory.putSeat(aSeat());
  directory.putSeat(bobsSeat());
  return directory;
}

describe('the directory', () => {
  test('finds a seat by the hash of its key', () => {
    const found = filled().find(ALICE_HASH, NOW);
    expect(found?.seat).toMatchObject({ studentId: 'alice', classroom: { name: 'python-101' } });
  });

  test('gives each student a salt of their own', () => {
    const seat = filled().find(ALICE_HASH, NOW)?.seat;
    expect(seat?.cacheSalt).toBe('salt of alice in school/python-101');
  });

  test('forgets a removed seat at once, and nobody else', () => {
    const directory = filled();
    directory.removeSeat(aSeat().key);
    expect(directory.find(ALICE_HASH, NOW)).toBeUndefined();
    expect(directory.size).toEqual({ classrooms: 1, seats: 1, keys: 1 });
  });

  test('accepts old and new key while a rotation overlaps, then the new one alone', () => {
    const directory = filled();
    const newHash = hashApiKey(keyNumber(9));
    directory.putSeat(aSeat({ keys: [{ sha256: newHash }, { sha256: ALICE_HASH, expiresAtMs: 5 }] }));
    expect(directory.find(newHash, NOW)?.record.studentId).toBe('alice');
    expect(directory.find(ALICE_HASH, NOW)?.key.expiresAtMs).toBe(5);

    directory.putSeat(aSeat({ keys: [{ sha256: newHash }] }));
    expect(directory.find(ALICE_HASH, NOW)).toBeUndefined();
  });

  test('a seat can come before its class', () => {
    const directory = aDirectory();
    directory.putSeat(aSeat());
    expect(directory.find(ALICE_HASH, NOW)?.seat).toBeUndefined();
    directory.putClassroom(aClassroom());
    expect(directory.find(ALICE_HASH, NOW)?.seat?.classroom.name).toBe('python-101');
  });

  test("the student's own limits win over the class's", () => {
    const directory = filled();
    directory.putSeat(aSeat({ limits: { concurrentRequests: 5 } }));
    expect(directory.find(ALICE_HASH, NOW)?.seat?.limits).toMatchObject({
      concurrentRequests: 5,
      maxOutputTokens: 1024,
    });
  });

  test("a change of the class's limits holds for the next request", () => {
    const directory = filled();
    expect(directory.find(ALICE_HASH, NOW)?.seat?.limits.maxOutputTokens).toBe(1024);
    directory.putClassroom(aClassroomLimiting({ maxOutputTokens: 64 }));
    expect(directory.find(ALICE_HASH, NOW)?.seat?.limits.maxOutputTokens).toBe(64);
  });

  test('an exam gives all the same output cap, whatever each may have otherwise', () => {
    const directory = filled();
    const exam = { students: [], maxOutputTokens: 512, allowAdapters: false, allowTools: false };
    directory.putClassroom(aClassroom({ access: 'Exam', exam }));
    expect(directory.find(ALICE_HASH, NOW)?.seat?.limits.maxOutputTokens).toBe(512);
    directory.putSeat(aSeat({ limits: { maxOutputTokens: 100 } }));
    expect(directory.find(ALICE_HASH, NOW)?.seat?.limits.maxOutputTokens).toBe(512);
    directory.putClassroom(aClassroom());
    expect(directory.find(ALICE_HASH, NOW)?.seat?.limits.maxOutputTokens).toBe(100);
  });

  test('tells whose access may have changed', () => {
    const directory = filled();
    const told: string[][] = [];
    const end = directory.subscribe((seatKeys) => told.push([...seatKeys]));
    directory.putSeat(aSeat({ suspended: true }));
    directory.removeSeat(aSeat().key);
    directory.putClassroom(aClassroom({ access: 'Closed' }));
    end();
    directory.removeClassroom(aClassroom().key);
    expect(told).toEqual([
      ['school/python-101-alice'],
      ['school/python-101-alice'],
      ['school/python-101-bob'],
    ]);
  });
});

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** 13:00 to 14:00 in UTC on weekdays. */
const LESSON = scheduleSchema.parse({
  sessions: [{ days: ['Mon', 'Tue', 'Wed', 'Thu', 'Fri'], start: '13:00', end: '14:00' }],
});

function seatAt(directory: Directory, nowMs: number) {
  const seat = directory.find(ALICE_HASH, nowMs)?.seat;
  if (seat === undefined) throw new Error('Alice has no seat');
  return seat;
}

function holding(classroom: Partial<ClassroomRecord>, seat: Partial<SeatRecord> = {}): Directory {
  const directory = aDirectory();
  directory.putClassroom(aClassroom(classroom));
  directory.putSeat(aSeat(seat));
  return directory;
}

describe('a timetable', () => {
  test('shuts students out before and after a session, and lets them in to the millisecond', () => {
    const directory = holding({ schedule: LESSON });
    const codes = [NOW, NOW + HOUR - 1, NOW + HOUR, NOW + 2 * HOUR - 1, NOW + 2 * HOUR].map(
      (nowMs) => seatAt(directory, nowMs).shutOut?.code,
    );
    expect(codes).toEqual(['outside_session', 'outside_session', undefined, undefined, 'outside_session']);
  });

  test('says when the class meets next, in its local time', () => {
    const schedule = { ...LESSON, timeZone: 'Asia/Shanghai' };
    expect(seatAt(holding({ schedule }), NOW).shutOut?.message).toBe(
      'Class python-101 is closed between its sessions. The next one is Thu 2026-12-03 13:00 to 14:00 (Asia/Shanghai): try again then. Ask Ms Chen, room 214 if you need it sooner.',
    );
  });

  test('without a session to come says so', () => {
    const schedule = scheduleSchema.parse({
      exceptions: [{ date: '2026-12-01', sessions: [{ start: '13:00', end: '14:00' }] }],
    });
    expect(seatAt(holding({ schedule }), NOW).shutOut?.message).toContain('has no session left');
  });

  test('is overruled for a while by an extension, and never by one against a closed class', () => {
    const extended = { schedule: LESSON, openUntilMs: NOW + 10 * MINUTE };
    const directory = holding(extended);
    expect(seatAt(directory, NOW).shutOut).toBeUndefined();
    expect(seatAt(directory, NOW + 10 * MINUTE).shutOut?.code).toBe('outside_session');
    expect(seatAt(holding({ ...extended, access: 'Closed' }), NOW).shutOut?.code).toBe('class_closed');
  });

  test('holds in an exam as well', () => {
    const exam = { students: [], maxOutputTokens: 512, allowAdapters: false, allowTools: false };
    const directory = holding({ schedule: LESSON, access: 'Exam', exam });
    expect(seatAt(directory, NOW).shutOut?.code).toBe('outside_session');
    expect(seatAt(directory, NOW + HOUR).shutOut).toBeUndefined();
  });

  test('costs no calendar between two changes: the same seat is found', () => {
    const directory = holding({ schedule: LESSON });
    const first = seatAt(directory, NOW + HOUR);
    expect(seatAt(directory, NOW + 2 * HOUR - 1)).toBe(first);
    expect(seatAt(directory, NOW + 2 * HOUR)).not.toBe(first);
  });

  test('is looked at again when the clock is set back', () => {
    const directory = holding({ schedule: LESSON });
    expect(seatAt(directory, NOW + HOUR).shutOut).toBeUndefined();
    expect(seatAt(directory, NOW).shutOut?.code).toBe('outside_session');
  });

  test('that is changed holds for the next request', () => {
    const directory = holding({ schedule: LESSON });
    expect(seatAt(directory, NOW).shutOut?.code).toBe('outside_session');
    directory.putClassroom(aClassroom({ schedule: { ...LESSON, outsideSessions: 'Open' } }));
    expect(seatAt(directory, NOW).shutOut).toBeUndefined();
  });
});

describe('a boost', () => {
  const limited = (boost?: ClassroomRecord['boost']): Partial<ClassroomRecord> => ({
    ...aClassroomLimiting({ requestsPerMinute: 30, concurrentRequests: 2 }),
    limits: { ...aClassroom().limits, classroom: { requestsPerMinute: 600 } },
    boost,
  });
  const rates = (directory: Directory, nowMs: number) => {
    const { limits, classLimits } = seatAt(directory, nowMs);
    return [limits.requestsPerMinute, limits.concurrentRequests, classLimits.requestsPerMinute];
  };

  test('of the class raises the limits of student and class, and ends by itself', () => {
    const directory = holding(limited({ factor: 2, untilMs: NOW + MINUTE }));
    expect(rates(directory, NOW)).toEqual([60, 4, 1200]);
    expect(rates(directory, NOW + MINUTE - 1)).toEqual([60, 4, 1200]);
    expect(rates(directory, NOW + MINUTE)).toEqual([30, 2, 600]);
  });

  test("of a student raises the student's alone, also above the class's own", () => {
    const boost = { factor: 3, untilMs: NOW + MINUTE };
    const directory = holding(limited(), { boost, limits: { concurrentRequests: 5 } });
    expect(rates(directory, NOW)).toEqual([90, 15, 600]);
    expect(rates(directory, NOW + MINUTE)).toEqual([30, 5, 600]);
  });

  test('of both is the larger one, and then the other for the rest of its time', () => {
    const directory = holding(limited({ factor: 2, untilMs: NOW + 2 * MINUTE }), {
      boost: { factor: 3, untilMs: NOW + MINUTE },
    });
    expect(rates(directory, NOW)).toEqual([90, 6, 1200]);
    expect(rates(directory, NOW + MINUTE)).toEqual([60, 4, 1200]);
    expect(rates(directory, NOW + 2 * MINUTE)).toEqual([30, 2, 600]);
  });

  test('does not count in an exam', () => {
    const boost = { factor: 2, untilMs: NOW + MINUTE };
    const exam = { students: [], maxOutputTokens: 512, allowAdapters: false, allowTools: false };
    const directory = holding({ ...limited(boost), access: 'Exam', exam }, { boost });
    expect(rates(directory, NOW)).toEqual([30, 2, 600]);
    expect(seatAt(directory, NOW).boost).toBeUndefined();
  });
});

describe('a student of a class', () => {
  test('is found by class and id, and no longer once the seat is gone', () => {
    const directory = aDirectory();
    directory.putClassroom(aClassroom());
    directory.putSeat(aSeat());
    expect(directory.findStudent(CLASS_KEY, 'alice', NOW)?.seat?.key).toBe(aSeat().key);
    expect(directory.findStudent(CLASS_KEY, 'bob', NOW)).toBeUndefined();
    expect(directory.findStudent('school/other', 'alice', NOW)).toBeUndefined();
    directory.removeSeat(aSeat().key);
    expect(directory.findStudent(CLASS_KEY, 'alice', NOW)).toBeUndefined();
  });

  test('is found under a new id once the seat has one', () => {
    const directory = aDirectory();
    directory.putClassroom(aClassroom());
    directory.putSeat(aSeat());
    directory.putSeat(aSeat({ studentId: 'alicia' }));
    expect(directory.findStudent(CLASS_KEY, 'alice', NOW)).toBeUndefined();
    expect(directory.findStudent(CLASS_KEY, 'alicia', NOW)?.record.key).toBe(aSeat().key);
  });

  test.each<[string, number, number]>([
    ['the older', 1_000, 2_000],
    ['the first by name, when they were made in the same second,', 1_000, 1_000],
  ])('with two seats has %s, in whatever order they came', (_, aMs, bMs) => {
    const [a, b] = [
      aSeat({ key: 'school/z', createdMs: aMs }),
      aSeat({ key: aMs === bMs ? 'school/zz' : 'school/a', createdMs: bMs }),
    ];
    for (const seats of [
      [a, b],
      [b, a],
    ]) {
      const directory = aDirectory();
      directory.putClassroom(aClassroom());
      for (const seat of seats) directory.putSeat(seat);
      expect(directory.findStudent(CLASS_KEY, 'alice', NOW)?.record.key).toBe(a.key);
      directory.removeSeat(a.key);
      expect(directory.findStudent(CLASS_KEY, 'alice', NOW)?.record.key).toBe(b.key);
    }
  });
});
