import { type MinuteBits, union } from './hour-minutes.ts';

/** What one engine did in one UTC hour. Said again with more minutes, the sets are joined. */
export interface EngineHour {
  /** `namespace/name` of the Classroom. */
  readonly classroomKey: string;
  /** Name of its pod. */
  readonly engine: string;
  /** Hours since the epoch. */
  readonly hour: number;
  /** GPUs that it holds: whole ones, or the share that a slice is. */
  readonly gpus: number;
  /** Minutes in which it held them. */
  readonly running: MinuteBits;
  /** Minutes in which it had requests. */
  readonly used: MinuteBits;
}

/** Identifies an engine and hour among all. */
export function engineHourKey({ classroomKey, engine, hour }: EngineHour): string {
  return [classroomKey, engine, hour].join('\n');
}

/** What two accounts of the same engine and hour say together. */
export function joined(known: EngineHour | undefined, more: EngineHour): EngineHour {
  if (known === undefined) return more;
  return {
    ...more,
    gpus: Math.max(known.gpus, more.gpus),
    running: union(known.running, more.running),
    used: union(known.used, more.used),
  };
}
