import { createDirectory, type Directory } from '../../../src/gateway/identity/directory.ts';
import type { AdapterRecord, ClassroomRecord, Seat, SeatRecord } from '../../../src/gateway/identity/seat.ts';
import { generateApiKey, hashApiKey } from '../../../src/student/api-key.ts';

/** Keys that look like real ones and are the same in every run. */
export function keyNumber(number: number): string {
  return generateApiKey(new Uint8Array(32).fill(number));
}

export const ALICE_KEY = keyNumber(1);
export const BOB_KEY = keyNumber(2);
export const CLASS_KEY = 'school/python-101';

/** An open class with one model; a test states only what differs. */
export function aClassroom(differs: Partial<ClassroomRecord> = {}): ClassroomRecord {
  return {
    key: CLASS_KEY,
    name: 'python-101',
    servedName: 'qwen',
    modelNames: ['qwen', 'gpt-4o'],
    adapters: [],
    maxModelLen: 4096,
    contact: 'Ms Chen, room 214',
    access: 'Open',
    limits: {
      perStudent: {
        requestsPerMinute: 30,
        tokensPerMinute: 100_000,
        concurrentRequests: 2,
        maxOutputTokens: 1024,
      },
      classroom: {},
    },
    timeZone: 'Asia/Shanghai',
    createdSeconds: 1_700_000_000,
    ...differs,
  };
}

/** The adapter `sql` of the class, which students call `qwen:sql` or `gpt-4o:sql`. */
export const SQL: AdapterRecord = {
  model: 'qwen:sql',
  modelNames: ['qwen:sql', 'gpt-4o:sql'],
  folder: '/models/adapters/sql',
  cacheTag: 'v1',
};

/** A class whose students have these limits where they differ from the usual ones. */
export function aClassroomLimiting(
  limits: Partial<ClassroomRecord['limits']['perStudent']>,
  differs: Partial<ClassroomRecord> = {},
): ClassroomRecord {
  const classroom = aClassroom(differs);
  const perStudent = { ...classroom.limits.perStudent, ...limits };
  return { ...classroom, limits: { ...classroom.limits, perStudent } };
}

/** Alice's seat. */
export function aSeat(differs: Partial<SeatRecord> = {}): SeatRecord {
  return {
    key: 'school/python-101-alice',
    classroomKey: CLASS_KEY,
    studentId: 'alice',
    keys: [{ sha256: hashApiKey(ALICE_KEY) }],
    suspended: false,
    weight: 1,
    ...differs,
  };
}

/** Bob's seat. */
export function bobsSeat(differs: Partial<SeatRecord> = {}): SeatRecord {
  return aSeat({
    key: 'school/python-101-bob',
    studentId: 'bob',
    keys: [{ sha256: hashApiKey(BOB_KEY) }],
    ...differs,
  });
}

/** A directory whose salts can be read in an assertion. */
export function aDirectory(): Directory {
  return createDirectory({ saltOf: (classroom, student) => `salt of ${student} in ${classroom}` });
}

/** Alice in her class, as admission and rewriting see her. @param nowMs epoch ms */
export function alice(
  classroom: ClassroomRecord = aClassroom(),
  seat: SeatRecord = aSeat(),
  nowMs = Date.parse('2026-09-01T09:00:00Z'),
): Seat {
  const directory = aDirectory();
  directory.putClassroom(classroom);
  directory.putSeat(seat);
  const found = directory.find(seat.keys[0]?.sha256 ?? '', nowMs)?.seat;
  if (found === undefined) throw new Error('the seat has no key or is of another class');
  return found;
}
