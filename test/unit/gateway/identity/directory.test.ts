import { describe, expect, test } from '@jest/globals';
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

function filled() {
  const directory = aDirectory();
  directory.putClassroom(aClassroom());
  directory.putSeat(aSeat());
  directory.putSeat(bobsSeat());
  return directory;
}

describe('the directory', () => {
  test('finds a seat by the hash of its key', () => {
    const found = filled().find(ALICE_HASH);
    expect(found?.seat).toMatchObject({ studentId: 'alice', classroom: { name: 'python-101' } });
  });

  test('gives each student a salt of their own', () => {
    const seat = filled().find(ALICE_HASH)?.seat;
    expect(seat?.cacheSalt).toBe('salt of alice in school/python-101');
  });

  test('forgets a removed seat at once, and nobody else', () => {
    const directory = filled();
    directory.removeSeat(aSeat().key);
    expect(directory.find(ALICE_HASH)).toBeUndefined();
    expect(directory.size).toEqual({ classrooms: 1, seats: 1, keys: 1 });
  });

  test('accepts old and new key while a rotation overlaps, then the new one alone', () => {
    const directory = filled();
    const newHash = hashApiKey(keyNumber(9));
    directory.putSeat(aSeat({ keys: [{ sha256: newHash }, { sha256: ALICE_HASH, expiresAtMs: 5 }] }));
    expect(directory.find(newHash)?.record.studentId).toBe('alice');
    expect(directory.find(ALICE_HASH)?.key.expiresAtMs).toBe(5);

    directory.putSeat(aSeat({ keys: [{ sha256: newHash }] }));
    expect(directory.find(ALICE_HASH)).toBeUndefined();
  });

  test('a seat can come before its class', () => {
    const directory = aDirectory();
    directory.putSeat(aSeat());
    expect(directory.find(ALICE_HASH)?.seat).toBeUndefined();
    directory.putClassroom(aClassroom());
    expect(directory.find(ALICE_HASH)?.seat?.classroom.name).toBe('python-101');
  });

  test("the student's own limits win over the class's", () => {
    const directory = filled();
    directory.putSeat(aSeat({ limits: { concurrentRequests: 5 } }));
    expect(directory.find(ALICE_HASH)?.seat?.limits).toMatchObject({
      concurrentRequests: 5,
      maxOutputTokens: 1024,
    });
  });

  test("a change of the class's limits holds for the next request", () => {
    const directory = filled();
    expect(directory.find(ALICE_HASH)?.seat?.limits.maxOutputTokens).toBe(1024);
    directory.putClassroom(aClassroomLimiting({ maxOutputTokens: 64 }));
    expect(directory.find(ALICE_HASH)?.seat?.limits.maxOutputTokens).toBe(64);
  });

  test('an exam lowers the output cap and never raises it', () => {
    const directory = filled();
    const exam = { students: [], maxOutputTokens: 512, allowAdapters: false, allowTools: false };
    directory.putClassroom(aClassroom({ access: 'Exam', exam }));
    expect(directory.find(ALICE_HASH)?.seat?.limits.maxOutputTokens).toBe(512);
    directory.putSeat(aSeat({ limits: { maxOutputTokens: 100 } }));
    expect(directory.find(ALICE_HASH)?.seat?.limits.maxOutputTokens).toBe(100);
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

describe('a student of a class', () => {
  test('is found by class and id, and no longer once the seat is gone', () => {
    const directory = aDirectory();
    directory.putClassroom(aClassroom());
    directory.putSeat(aSeat());
    expect(directory.findStudent(CLASS_KEY, 'alice')?.seat?.key).toBe(aSeat().key);
    expect(directory.findStudent(CLASS_KEY, 'bob')).toBeUndefined();
    expect(directory.findStudent('school/other', 'alice')).toBeUndefined();
    directory.removeSeat(aSeat().key);
    expect(directory.findStudent(CLASS_KEY, 'alice')).toBeUndefined();
  });

  test('is found under a new id once the seat has one', () => {
    const directory = aDirectory();
    directory.putClassroom(aClassroom());
    directory.putSeat(aSeat());
    directory.putSeat(aSeat({ studentId: 'alicia' }));
    expect(directory.findStudent(CLASS_KEY, 'alice')).toBeUndefined();
    expect(directory.findStudent(CLASS_KEY, 'alicia')?.record.key).toBe(aSeat().key);
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
      expect(directory.findStudent(CLASS_KEY, 'alice')?.record.key).toBe(a.key);
      directory.removeSeat(a.key);
      expect(directory.findStudent(CLASS_KEY, 'alice')?.record.key).toBe(b.key);
    }
  });
});
