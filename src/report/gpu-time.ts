import { createLocalDays } from '../gateway/local-day.ts';
import type { EngineRow } from './extract.ts';

/** A minute in which an engine held GPUs or worked. */
export interface EngineMinute {
  readonly engine: string;
  readonly gpus: number;
  /** Minutes since the epoch. */
  readonly minute: number;
  /** Local date of the class. */
  readonly day: string;
  readonly used: boolean;
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
const MINUTE_MS = 60_000;
const HALF_MINUTES = 30;

/** Each minute of each engine once. An engine that had requests held its GPUs, also where only the former was seen. */
export function engineMinutes(rows: readonly EngineRow[], timeZone: string): EngineMinute[] {
  const dayOf = createLocalDays();
  const minutes: EngineMinute[] = [];
  for (const { engine, gpus, hour, running, used } of rows) {
    for (let index = 0; index < MINUTES_PER_HOUR; index++) {
      const isUsed = hasMinute(used, index);
      if (!isUsed && !hasMinute(running, index)) continue;
      const minute = hour * MINUTES_PER_HOUR + index;
      minutes.push({ engine, gpus, minute, day: dayOf(timeZone, minute * MINUTE_MS).day, used: isUsed });
    }
  }
  return minutes;
}

function hasMinute({ early, late }: EngineRow['running'], index: number): boolean {
  const half = index < HALF_MINUTES ? early : late;
  return ((half >> (index % HALF_MINUTES)) & 1) === 1;
}

/** @param tokens that were computed in this time */
export function gpuTimeOf(minutes: readonly EngineMinute[], tokens: number): GpuTime {
  const gpuMinutes = sumOf(minutes, ({ gpus }) => gpus);
  const inUse = sumOf(minutes, ({ gpus, used }) => (used ? gpus : 0));
  return {
    engines: new Set(minutes.map(({ engine }) => engine)).size,
    hoursWithEngines: hours(new Set(minutes.map(({ minute }) => minute)).size),
    engineHours: hours(minutes.length),
    gpuHours: hours(gpuMinutes),
    gpuHoursInUse: hours(inUse),
    tokensPerGpuHour: gpuMinutes === 0 ? null : Math.round((tokens * MINUTES_PER_HOUR) / gpuMinutes),
  };
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
  minutes: readonly EngineMinute[],
  studentsOn: (day: string) => number,
  activeMinutes: number,
): Comparison {
  const byDay = Map.groupBy(minutes, ({ day }) => day);
  let wanted = 0;
  for (const [day, its] of byDay) wanted += new Set(its.map(({ minute }) => minute)).size * studentsOn(day);
  const ran = sumOf(minutes, ({ gpus }) => gpus);
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
