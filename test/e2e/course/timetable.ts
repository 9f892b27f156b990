import type { ClassroomSpecInput } from '../../../src/api/classroom.ts';
import { type CourseWeek, TIME_ZONE } from './calendar.ts';

/** With whose requests the gateway may be killed. */
export const UNLUCKY = 'kofi';
export const STUDENTS = ['alice', 'bo', 'chen', 'dana', UNLUCKY] as const;

/** Longer than the lessons on Monday, Friday and Saturday, shorter than those on Wednesday and Thursday. */
const IDLE_MINUTES = 90;

/** A class with all that a week can have. */
export function specOf(week: CourseWeek): ClassroomSpecInput {
  return {
    model: { id: 'Qwen/Qwen2.5-7B-Instruct', servedName: 'qwen' },
    gpu: { product: 'NVIDIA-A10' },
    engine: { replicas: { min: 0, max: 2, studentsPerReplica: 3 } },
    contact: 'Ms Chen, room 214',
    limits: { perStudent: { requestsPerMinute: 100, concurrentRequests: 4, maxOutputTokens: 2048 } },
    idle: { scaleToZeroAfterMinutes: IDLE_MINUTES },
    schedule: {
      timeZone: TIME_ZONE,
      sessions: [
        { days: ['Mon', 'Tue', 'Fri'], start: '09:00', end: '10:30' },
        { days: ['Wed', 'Thu'], start: '09:00', end: '13:00' },
      ],
      exceptions: [
        { date: week.date('Tue'), closed: true },
        { date: week.date('Sat'), sessions: [{ start: '10:00', end: '11:00' }] },
      ],
      warmUpMinutes: 15,
    },
    exam: { students: ['alice', 'bo'], maxOutputTokens: 16 },
  };
}

/** The sessions that this comes to. */
const SESSIONS: Readonly<Record<string, readonly [start: string, end: string]>> = {
  Mon: ['09:00', '10:30'],
  Wed: ['09:00', '13:00'],
  Thu: ['09:00', '13:00'],
  Fri: ['09:00', '10:30'],
  Sat: ['10:00', '11:00'],
};

/** In which session a moment such as `Mon 09:30` is: `Mon 09:00`, or `Mon, outside`. */
export function sessionAt(moment: string): string {
  const [day = '', time = ''] = moment.split(' ');
  const [start, end] = SESSIONS[day] ?? [];
  const isInside = start !== undefined && end !== undefined && start <= time && time < end;
  return isInside ? `${day} ${start}` : `${day}, outside`;
}
