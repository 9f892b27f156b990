import { timingSafeEqual } from 'node:crypto';
import { limitsInForce } from '../../api/limits-in-force.ts';
import { type Refusal, refuse } from '../errors.ts';
import { type ClassMoment, classMomentOf, holdsAt } from './class-moment.ts';
import { type ClassroomRecord, type KeyRecord, ofClass, type Seat, type SeatRecord } from './seat.ts';

/** What a key leads to. */
export interface Found extends FoundSeat {
  readonly key: KeyRecord;
}

/** A student's seat, however it was found. */
export interface FoundSeat {
  readonly record: SeatRecord;
  /** Absent exactly when the class is unknown: a seat can be made before its class. */
  readonly seat: Seat | undefined;
}

/** Called with the keys (`namespace/name`) of seats whose access may have changed. */
export type SeatsChanged = (seatKeys: readonly string[]) => void;

/**
 * Who may use which class: an index in memory from the SHA-256 of a key to a seat.
 *
 * Writers (watches, or the static file) call `put…` and `remove…`; the change holds for the very next request.
 */
export interface Directory {
  putClassroom(record: ClassroomRecord): void;
  removeClassroom(key: string): void;
  putSeat(record: SeatRecord): void;
  removeSeat(key: string): void;
  /**
   * @param sha256 of the key, hexadecimal
   * @param nowMs epoch ms, at which the class is open or closed, and boosts hold or have ended
   */
  find(sha256: string, nowMs: number): Found | undefined;
  /** The seat of a student of a class; of several with this id the oldest, the only one that the operator gives a key. */
  findStudent(classroomKey: string, studentId: string, nowMs: number): FoundSeat | undefined;
  classroom(key: string): ClassroomRecord | undefined;
  /** The class whose report a key opens. @param sha256 of the key, hexadecimal */
  classroomOfReportKey(sha256: string): ClassroomRecord | undefined;
  /** What holds for a class now. @param nowMs epoch ms */
  classMoment(key: string, nowMs: number): ClassMoment | undefined;
  /** Tells of every change, after it holds. @returns ends the subscription */
  subscribe(listener: SeatsChanged): () => void;
  /** Tells of every change of a class by its key, after it holds and after the seats were told of. */
  subscribeClassrooms(listener: (classroomKey: string) => void): void;
  readonly size: { readonly classrooms: number; readonly seats: number; readonly keys: number };
}

export interface DirectoryOptions {
  /** The `cache_salt` of a student. */
  saltOf: (classroomKey: string, studentId: string) => string;
}

interface Entry {
  readonly record: SeatRecord;
  readonly cacheSalt: string;
  /** Built at the first request after a change of class or seat, or after what holds for them changed by time. */
  built: BuiltSeat | undefined;
}

interface BuiltSeat {
  readonly seat: Seat;
  /** Epoch ms, as of a {@link ClassMoment}. */
  readonly fromMs: number;
  readonly untilMs: number;
}

interface KeyEntry {
  readonly key: KeyRecord;
  readonly bytes: Buffer;
  readonly entry: Entry;
}

/** An empty directory. */
export function createDirectory({ saltOf }: DirectoryOptions): Directory {
  const classrooms = new Map<string, ClassroomRecord>();
  const moments = new Map<string, ClassMoment>();
  const entries = new Map<string, Entry>();
  const seatsOfClass = new Map<string, Set<string>>();
  const byHash = new Map<string, KeyEntry>();
  const byStudent = new Map<string, Entry[]>();
  const listeners = new Set<SeatsChanged>();
  const classListeners: ((classroomKey: string) => void)[] = [];

  const publish = (seatKeys: readonly string[]): void => {
    if (seatKeys.length > 0) for (const listener of [...listeners]) listener(seatKeys);
  };

  const detach = (entry: Entry): void => {
    const { record } = entry;
    entries.delete(record.key);
    const seats = seatsOfClass.get(record.classroomKey);
    seats?.delete(record.key);
    if (seats?.size === 0) seatsOfClass.delete(record.classroomKey);
    const namesakes = (byStudent.get(studentKeyOf(record)) ?? []).filter((other) => other !== entry);
    if (namesakes.length === 0) byStudent.delete(studentKeyOf(record));
    else byStudent.set(studentKeyOf(record), namesakes);
    for (const key of record.keys) {
      if (byHash.get(key.sha256)?.entry === entry) byHash.delete(key.sha256);
    }
  };

  const attach = (record: SeatRecord): void => {
    const entry: Entry = {
      record,
      cacheSalt: saltOf(record.classroomKey, record.studentId),
      built: undefined,
    };
    entries.set(record.key, entry);
    const seats = seatsOfClass.get(record.classroomKey);
    if (seats === undefined) seatsOfClass.set(record.classroomKey, new Set([record.key]));
    else seats.add(record.key);
    const namesakes = [...(byStudent.get(studentKeyOf(record)) ?? []), entry];
    byStudent.set(
      studentKeyOf(record),
      namesakes.sort((a, b) => byAge(a.record, b.record)),
    );
    for (const key of record.keys) {
      byHash.set(key.sha256, { key, bytes: Buffer.from(key.sha256, 'hex'), entry });
    }
  };

  const changeClassroom = (key: string, change: () => void): void => {
    change();
    if (!classrooms.has(key)) moments.delete(key);
    const seatKeys = [...(seatsOfClass.get(key) ?? [])];
    for (const seatKey of seatKeys) {
      const entry = entries.get(seatKey);
      if (entry !== undefined) entry.built = undefined;
    }
    publish(seatKeys);
    for (const listener of classListeners) listener(key);
  };

  const momentOf = (key: string, nowMs: number): ClassMoment | undefined => {
    const classroom = classrooms.get(key);
    if (classroom === undefined) return undefined;
    const known = moments.get(key);
    if (known?.classroom === classroom && holdsAt(known, nowMs)) return known;
    const moment = classMomentOf(classroom, nowMs, known);
    moments.set(key, moment);
    return moment;
  };

  const seatOf = (entry: Entry, nowMs: number): Seat | undefined => {
    const { built } = entry;
    if (built !== undefined && holdsAt(built, nowMs)) return built.seat;
    const moment = momentOf(entry.record.classroomKey, nowMs);
    entry.built = moment && buildSeat(entry, moment, nowMs);
    return entry.built?.seat;
  };

  return {
    putClassroom: (record) => changeClassroom(record.key, () => classrooms.set(record.key, record)),
    removeClassroom: (key) => changeClassroom(key, () => classrooms.delete(key)),
    putSeat(record) {
      const known = entries.get(record.key);
      if (known !== undefined) detach(known);
      attach(record);
      publish([record.key]);
    },
    removeSeat(key) {
      const known = entries.get(key);
      if (known === undefined) return;
      detach(known);
      publish([key]);
    },
    find(sha256, nowMs) {
      const found = byHash.get(sha256);
      // The map's own comparison may stop at the first difference; what decides is this one, which does not.
      if (found === undefined || !timingSafeEqual(found.bytes, Buffer.from(sha256, 'hex'))) return undefined;
      return { record: found.entry.record, key: found.key, seat: seatOf(found.entry, nowMs) };
    },
    findStudent(classroomKey, studentId, nowMs) {
      const entry = byStudent.get(studentKeyOf({ classroomKey, studentId }))?.[0];
      return entry === undefined ? undefined : { record: entry.record, seat: seatOf(entry, nowMs) };
    },
    classroom: (key) => classrooms.get(key),
    // Reports are rare, and classes are few: no index.
    classroomOfReportKey(sha256) {
      const bytes = Buffer.from(sha256, 'hex');
      return [...classrooms.values()].find(({ reportKeySha256 }) => isHash(reportKeySha256, bytes));
    },
    classMoment: momentOf,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    subscribeClassrooms: (listener) => void classListeners.push(listener),
    get size() {
      return { classrooms: classrooms.size, seats: entries.size, keys: byHash.size };
    },
  };
}

function isHash(sha256: string | undefined, bytes: Buffer): boolean {
  return sha256 !== undefined && timingSafeEqual(Buffer.from(sha256, 'hex'), bytes);
}

/** No key of a class has a space. */
function studentKeyOf({ classroomKey, studentId }: Pick<SeatRecord, 'classroomKey' | 'studentId'>): string {
  return `${classroomKey} ${studentId}`;
}

/** Of two seats made in the same second, the one whose name sorts first counts as older: the operator's rule. */
function byAge(a: SeatRecord, b: SeatRecord): number {
  return (a.createdMs ?? 0) - (b.createdMs ?? 0) || (a.key < b.key ? -1 : 1);
}

function buildSeat({ record, cacheSalt }: Entry, moment: ClassMoment, nowMs: number): BuiltSeat {
  const { classroom, opening, limits: classLimits } = moment;
  const { limits, boost, untilMs } = limitsInForce(classroom, record, nowMs);
  const seat = {
    key: record.key,
    studentId: record.studentId,
    weight: record.weight,
    limits,
    classLimits,
    boost,
    opening,
    shutOut: moment.closed ?? examRefusal(record, classroom),
    classroom,
    cacheSalt,
  };
  return { seat, fromMs: moment.fromMs, untilMs: Math.min(moment.untilMs, untilMs) };
}

function examRefusal({ studentId }: SeatRecord, classroom: ClassroomRecord): Refusal | undefined {
  const listed = classroom.access === 'Exam' ? (classroom.exam?.students ?? []) : [];
  const sits = listed.length === 0 || listed.includes(studentId);
  return sits ? undefined : refuse('not_in_exam', ofClass(classroom));
}
