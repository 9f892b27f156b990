import type { StudentLimitsOverride } from '../../../src/api/limits.ts';
import { keyNumber } from '../../unit/gateway/builders.ts';

export interface Student {
  readonly id: string;
  readonly key: string;
  readonly limits: Required<Pick<StudentLimitsOverride, LimitField>>;
}

type LimitField = 'requestsPerMinute' | 'tokensPerMinute' | 'tokensPerDay' | 'concurrentRequests';

export const MODEL = 'qwen';
export const MAX_MODEL_LEN = 2048;
/** Of one answer: long enough that some are open at any moment. */
export const MAX_OUTPUT_TOKENS = 32;
const CLIENTS_OF_STUDENT = 40;
/** More than anybody can use in a test. */
const PLENTY = { requestsPerMinute: 50_000, tokensPerMinute: 5_000_000, tokensPerDay: 50_000_000 };

/** Each is held by another limit, the last one by all. */
export const STUDENTS: readonly Student[] = [
  { id: 'by-requests', limits: { ...PLENTY, requestsPerMinute: 60, concurrentRequests: 6 } },
  { id: 'by-tokens', limits: { ...PLENTY, tokensPerMinute: 3_000, concurrentRequests: 6 } },
  { id: 'by-day', limits: { ...PLENTY, tokensPerDay: 2_500, concurrentRequests: 4 } },
  // So many that a killed gateway, whose places come back after a minute, does not have them all.
  { id: 'by-places', limits: { ...PLENTY, concurrentRequests: 12 } },
  {
    id: 'by-all',
    limits: {
      requestsPerMinute: 40,
      tokensPerMinute: 2_000,
      tokensPerDay: 2_200,
      concurrentRequests: 3,
    },
  },
].map((student, index) => ({ ...student, key: keyNumber(index + 1) }));

/** The number of clients in all: 200. */
export const CLIENTS = STUDENTS.flatMap((student) =>
  Array.from({ length: CLIENTS_OF_STUDENT }, (_, number) => ({ student, number })),
);

/** A static file with the students and these engines, in a time zone in which the day does not end meanwhile. */
export function staticFile(engines: readonly string[], now: Date): string {
  const spec = {
    model: { id: 'Qwen/Qwen2.5-7B-Instruct', servedName: MODEL, maxModelLen: MAX_MODEL_LEN },
    limits: { perStudent: { maxOutputTokens: MAX_OUTPUT_TOKENS } },
    schedule: { timeZone: zoneAtNoon(now) },
  };
  const students = STUDENTS.map(({ id, key, limits }) => ({ id, key, limits }));
  return JSON.stringify({ classes: [{ name: 'python-101', spec, engines, students }] });
}

/** `Etc/GMT+h` is h hours behind UTC. */
function zoneAtNoon(now: Date): string {
  const ahead = 12 - now.getUTCHours();
  return ahead < 0 ? `Etc/GMT+${-ahead}` : `Etc/GMT-${ahead}`;
}
