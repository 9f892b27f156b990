import type { ActiveBoost } from '../../api/boost.ts';
import type { ClassroomSpec } from '../../api/classroom.ts';
import type { ClassroomLimits, StudentLimits, StudentLimitsOverride } from '../../api/limits.ts';
import type { Schedule } from '../../api/schedule.ts';
import type { Opening } from '../../timetable/opening.ts';
import type { OfClass, Refusal } from '../errors.ts';

/** A LoRA adapter of a class. */
export interface AdapterRecord {
  /** `servedName:name`: what engines are asked for, and what their answers carry. */
  readonly model: string;
  /** Every name a student may write for it: that one, and one for each alias of the base model. */
  readonly modelNames: readonly string[];
  /** The folder from which an engine must have loaded it, as the engine sees it. */
  readonly folder: string;
  /** Goes into the cache salt of its requests. */
  readonly cacheTag: string;
}

/** The start of an engine. */
export interface EngineStart {
  /** How long the last one took; undefined: none was measured. */
  readonly loadSeconds: number | undefined;
}

/** What the gateway needs to know of a Classroom. */
export interface ClassroomRecord {
  /** `namespace/name`. */
  readonly key: string;
  readonly name: string;
  /** Of the object; absent where no API server made it. */
  readonly uid?: string | undefined;
  /** The name the engines serve first: what they are asked for, and what their answers carry. */
  readonly servedName: string;
  /** Every name a student may write for the base model, the served one first. */
  readonly modelNames: readonly string[];
  readonly adapters: readonly AdapterRecord[];
  readonly maxModelLen: number;
  /** How much of a GPU a unit is of what its engines ask for; absent where nobody said. */
  readonly gpuShare?: number | undefined;
  /** SHA-256 of the key that opens its report, hexadecimal; absent while there is none. */
  readonly reportKeySha256?: string | undefined;
  /** How the engines were planned; absent where nobody said. */
  readonly engine?: { readonly maxNumSeqs: number } | undefined;
  /** An engine is to come, as far as the operator says: the class sleeps, or one is being started. */
  readonly engineStart?: EngineStart | undefined;
  readonly contact?: string | undefined;
  readonly access: ClassroomSpec['access'];
  readonly exam?: ClassroomSpec['exam'];
  /** Epoch ms since which it is in an exam; absent: it is in none, or nobody knows. */
  readonly examSinceMs?: number | undefined;
  /** The timetable; absent: the class has none. */
  readonly schedule?: Schedule | undefined;
  /** Epoch ms: open until then, whatever the timetable says. */
  readonly openUntilMs?: number | undefined;
  /** A raise of the limits, also one that has ended. */
  readonly boost?: ActiveBoost | undefined;
  readonly limits: { readonly perStudent: StudentLimits; readonly classroom: ClassroomLimits };
  /** IANA time zone whose midnight begins a day of `tokensPerDay`. */
  readonly timeZone: string;
  /** Epoch seconds; `created` of the model list. */
  readonly createdSeconds: number;
}

/** One key that a seat accepts. */
export interface KeyRecord {
  /** Hexadecimal. */
  readonly sha256: string;
  /** Epoch ms after which a replaced key is refused. */
  readonly expiresAtMs?: number | undefined;
}

/** What the gateway needs to know of a StudentQuota. */
export interface SeatRecord {
  /** `namespace/name` of the StudentQuota. */
  readonly key: string;
  readonly classroomKey: string;
  readonly studentId: string;
  /** Epoch ms; absent where no API server made it. */
  readonly createdMs?: number | undefined;
  readonly keys: readonly KeyRecord[];
  readonly suspended: boolean;
  /** Epoch ms. */
  readonly expiresAtMs?: number | undefined;
  readonly weight: number;
  readonly limits?: StudentLimitsOverride | undefined;
  /** A raise of the limits, also one that has ended. */
  readonly boost?: ActiveBoost | undefined;
}

/**
 * A student whose key was accepted: all that admission, body rewriting and the log need, and nothing that a client
 * can influence. Built anew when the class or the seat changes, or by time what holds for them; never changed.
 */
export interface Seat {
  /** `namespace/name` of the StudentQuota. */
  readonly key: string;
  readonly studentId: string;
  readonly weight: number;
  /** In force now: the class's, the student's own where they differ, raised by a boost, and the exam's output cap. */
  readonly limits: StudentLimits;
  /** What all students of the class together may use, raised by its boost. */
  readonly classLimits: ClassroomLimits;
  /** The boost in `limits`. */
  readonly boost?: ActiveBoost | undefined;
  /** Whether the class is open, and what comes next. */
  readonly opening: Opening;
  /** Why this student is not served now: the class is closed, or in an exam without them. */
  readonly shutOut?: Refusal | undefined;
  readonly classroom: ClassroomRecord;
  /** What isolates this student's prefix cache from the others'. */
  readonly cacheSalt: string;
}

/** What every message about a class says: its name, and whom a student may ask. */
export function ofClass({ name, contact }: ClassroomRecord): OfClass {
  return { classroom: name, contact };
}

/** The name of a class from its key, for messages about a class that does not exist. */
export function nameOfKey(key: string): string {
  return key.slice(key.indexOf('/') + 1);
}
