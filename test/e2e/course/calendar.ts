import { Temporal } from 'temporal-polyfill';
import { WEEKDAYS } from '../../../src/api/schedule.ts';

export const TIME_ZONE = 'Europe/Berlin';

const EARLIER = 'before the course';

export type Weekday = (typeof WEEKDAYS)[number];

/** One week of a course, in the time zone of its class. */
export interface CourseWeek {
  /** Epoch ms of such as `Mon 09:00` or `Mon 11:59:50`; days after Sunday are written `Mon+1`. */
  at(moment: string): number;
  /** As an instant for an object. */
  instant(moment: string): string;
  /** Local date, such as 2026-12-01. */
  date(day: Weekday): string;
  /** A text with its dates and instants told from the beginning of the week, so that two weeks can be compared. */
  inWords(text: string): string;
}

/** The weeks that follow one another from the first Monday after a moment on. */
export function courseWeek(startMs: number, number: number): CourseWeek {
  const now = Temporal.Instant.fromEpochMilliseconds(startMs).toZonedDateTimeISO(TIME_ZONE).toPlainDate();
  const monday = now.add({ days: 8 - now.dayOfWeek + 7 * number });
  const dayOf = (word: string): Temporal.PlainDate => {
    const [day = '', weeks = '0'] = word.split('+');
    const weekdays: readonly string[] = WEEKDAYS;
    const index = weekdays.indexOf(day);
    if (index < 0) throw new RangeError(`${word} is no weekday`);
    return monday.add({ days: index, weeks: Number(weeks) });
  };
  const zoned = (moment: string): Temporal.ZonedDateTime => {
    const [day = '', time = ''] = moment.split(' ');
    return dayOf(day).toZonedDateTime({ timeZone: TIME_ZONE, plainTime: Temporal.PlainTime.from(time) });
  };
  const dayInWords = (text: string): string => {
    const days = monday.until(Temporal.PlainDate.from(text)).days;
    // What API server and scheduler write of the course has the time that it really is.
    if (days < 0) return EARLIER;
    const weeks = Math.floor(days / 7);
    const weekday = WEEKDAYS[days - 7 * weeks] ?? text;
    return weeks === 0 ? weekday : `${weekday}+${weeks}`;
  };
  const instantInWords = (text: string): string => {
    const local = Temporal.Instant.from(text).toZonedDateTimeISO(TIME_ZONE);
    const day = dayInWords(local.toPlainDate().toString());
    return day === EARLIER ? day : `${day} ${local.toPlainTime().toString({ smallestUnit: 'minute' })}`;
  };
  return {
    at: (moment) => zoned(moment).epochMilliseconds,
    instant: (moment) => zoned(moment).toInstant().toString(),
    date: (day) => dayOf(day).toString(),
    inWords: (text) =>
      text
        .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)/g, instantInWords)
        .replaceAll(/(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) )?(\d{4}-\d\d-\d\d)/g, (_, date: string) =>
          dayInWords(date),
        ),
  };
}
