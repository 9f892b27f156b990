import { createLocalDays } from '../timetable/local-day.ts';
import type { EngineRow } from './extract.ts';
import {
  countMinutes,
  type HourMinutes,
  intersection,
  type MinuteBits,
  MinuteSet,
  minutesBetween,
  union,
} from './hour-minutes.ts';

/** What one engine did in those minutes of one UTC hour that are of one local day of the class. */
export interface EngineTime {
  readonly engine: string;
  readonly gpus: number;
  /** Local date. */
  readonly day: string;
  /** In which it held GPUs. */
  readonly running: HourMinutes;
  /** Those of them in which it had requests. */
  readonly used: HourMinutes;
}

/** What the GPUs of a class did in some time. Hours; a slice counts as the part of a GPU that it is. */
export interface GpuTime {
  /** Engines that ran, each pod once. */
  readonly engines: number;
  /** In which at least one engine ran. */
  readonly hoursWithEngines: number;
  /** All engines together, by the clock. */
  readonly engineHours: number;
  /** In which GPUs were held, whether anybody asked or not. */
  readonly gpuHours: number;
  /** Those of them in which the engine had requests. */
  readonly gpuHoursInUse: number;
  /** Prompt and completion, over `gpuHours`; null without any. */
  readonly tokensPerGpuHour: number | null;
}

const MINUTES_PER_HOUR = 60;
const HOUR_MS = 3_600_000;

/** Each minute of each engine once. An engine that had requests held its GPUs, also where only the former was seen. */
export function engineTimes(rows: readonly EngineRow[], timeZone: string): EngineTime[] {
  const dayOf = createLocalDays();
  return rows.flatMap(({ engine, gpus, hour, running, used }) => {
    const times: EngineTime[] = [];
    const endMs = (hour + 1) * HOUR_MS;
    for (let fromMs = hour * HOUR_MS; fromMs < endMs; ) {
      const { day, endsMs } = dayOf(timeZone, fromMs);
      const toMs = Math.min(endsMs, endMs);
      for (const minutes of minutesBetween(fromMs, toMs - 1)) {
        const time = {
          engine,
          gpus,
          day,
          running: union({ hour, ...running }, used),
          used: { hour, ...used },
        };
        times.push(only(time, minutes));
      }
      fromMs = toMs;
    }
    return times.filter((time) => countMinutes(time.running) > 0);
  });
}

/** A part of what an engine did: nothing but these minutes. */
export function only<Time extends EngineTime>(time: Time, minutes: MinuteBits): Time {
  return { ...time, running: intersection(time.running, minutes), used: intersection(time.used, minutes) };
}

/** @param tokens that were computed in this time */
export function gpuTimeOf(times: readonly EngineTime[], tokens: number): GpuTime {
  const gpuMinutes = gpuMinutesOf(times);
  return {
    engines: new Set(times.map(({ engine }) => engine)).size,
    hoursWithEngines: hours(minutesWithEngines(times).count),
    engineHours: hours(sumOf(times, ({ running }) => countMinutes(running))),
    gpuHours: hours(gpuMinutes),
    gpuHoursInUse: hours(sumOf(times, ({ gpus, used }) => gpus * countMinutes(used))),
    tokensPerGpuHour: gpuMinutes === 0 ? null : Math.round((tokens * MINUTES_PER_HOUR) / gpuMinutes),
  };
}

/** Those in which at least one engine ran. */
export function minutesWithEngines(times: readonly EngineTime[]): MinuteSet {
  const minutes = new MinuteSet();
  for (const { running } of times) minutes.add(running);
  return minutes;
}

function gpuMinutesOf(times: readonly EngineTime[]): number {
  return sumOf(times, ({ gpus, running }) => gpus * countMinutes(running));
}

/** What one GPU for each student would have taken instead. */
export interface Comparison {
  /** One GPU for each student who worked on a day, as long as the class had engines on that day. */
  readonly gpuHoursOnePerStudent: number;
  /** One GPU for each student, only in the minutes in which this student worked: less cannot be done so. */
  readonly gpuHoursOnlyWhileActive: number;
  /** How many times as many the former is as the GPU hours that ran; null where none ran. */
  readonly timesWhatRan: number | null;
}

/**
 * @param studentsOn how many students worked on a local day
 * @param activeMinutes of all students together
 */
export function comparisonOf(
  times: readonly EngineTime[],
  studentsOn: (day: string) => number,
  activeMinutes: number,
): Comparison {
  const byDay = [...Map.groupBy(times, ({ day }) => day)];
  const wanted = sumOf(byDay, ([day, its]) => minutesWithEngines(its).count * studentsOn(day));
  const ran = gpuMinutesOf(times);
  return {
    gpuHoursOnePerStudent: hours(wanted),
    gpuHoursOnlyWhileActive: hours(activeMinutes),
    timesWhatRan: ran === 0 ? null : Math.round((100 * wanted) / ran) / 100,
  };
}

function sumOf<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((sum, item) => sum + of(item), 0);
}

/** To a hundredth: minutes are all that is known. */
function hours(minutes: number): number {
  return Math.round((100 * minutes) / MINUTES_PER_HOUR) / 100;
}
