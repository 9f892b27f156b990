import type { ClassroomRecord } from '../identity/seat.ts';

/**
 * When the session began that runs at a time, epoch ms; undefined between sessions. Asked for every request.
 *
 * @param nowMs epoch ms
 */
export type SessionOf = (classroom: ClassroomRecord, nowMs: number) => number | undefined;
