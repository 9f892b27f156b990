import { Temporal } from 'temporal-polyfill';
import { localDayOf } from '../../timetable/local-day.ts';
import type { ReportDays } from '../ledger/report-reader.ts';

/** What a request asks for, or why that cannot be told. */
export type AskedDays =
  | { readonly ok: true; readonly days: ReportDays }
  | { readonly ok: false; readonly param: string; readonly why: string };

const NAMES = ['from', 'to'] as const;

/**
 * Reads `from=2026-09-01&to=2026-09-30`.
 *
 * @param timeZone of the class: without `to` it is today there
 * @param nowMs epoch ms
 */
export function askedDays(query: string, timeZone: string, nowMs: number): AskedDays {
  const asked = new URLSearchParams(query);
  const unknown = [...asked.keys()].find((name) => !NAMES.some((known) => known === name));
  if (unknown !== undefined)
    return { ok: false, param: 'query', why: 'there is a parameter besides `from` and `to`' };
  const given = new Map<string, string>();
  for (const name of NAMES) {
    const text = asked.get(name);
    if (text === null) continue;
    if (!isDate(text)) return { ok: false, param: name, why: `\`${name}\` is no date` };
    given.set(name, text);
  }
  const from = given.get('from');
  const to = given.get('to') ?? localDayOf(timeZone, nowMs).day;
  if (from !== undefined && from > to) return { ok: false, param: 'from', why: '`from` is later than `to`' };
  return { ok: true, days: { from, to } };
}

/** Only the form of which text and time have the same order. */
function isDate(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  try {
    Temporal.PlainDate.from(text);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/**
 * The days of which there can be something: the clock of a store can be ahead of ours by some minutes, not by more.
 *
 * @param nowMs epoch ms
 */
export function upToTomorrow({ from, to }: ReportDays, timeZone: string, nowMs: number): ReportDays {
  const tomorrow = localDayOf(timeZone, nowMs).nextDay;
  return { from, to: to < tomorrow ? to : tomorrow };
}

/** Before all days, as text. */
const FIRST_DAY = '';

/**
 * The first local day of which nothing was thrown away.
 *
 * @param keptDays undefined: days are kept for ever
 * @param nowMs epoch ms
 */
export function firstKeptDay(keptDays: number | undefined, timeZone: string, nowMs: number): string {
  if (keptDays === undefined) return FIRST_DAY;
  const today = Temporal.PlainDate.from(localDayOf(timeZone, nowMs).day);
  return today.subtract({ days: keptDays }).toString();
}

const HOUR_MS = 3_600_000;

/** UTC hours since the epoch, the last one included. */
export interface AskedHours {
  readonly from: number | undefined;
  readonly to: number;
}

/** The UTC hours that local days touch; without a first day, without a first hour. */
export function hoursOf({ from, to }: ReportDays, timeZone: string): AskedHours {
  const startMs = (day: Temporal.PlainDate): number => day.toZonedDateTime({ timeZone }).epochMilliseconds;
  const endMs = startMs(Temporal.PlainDate.from(to).add({ days: 1 }));
  return {
    from: from === undefined ? undefined : Math.floor(startMs(Temporal.PlainDate.from(from)) / HOUR_MS),
    to: Math.ceil(endMs / HOUR_MS) - 1,
  };
}
