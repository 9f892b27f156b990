import { Temporal } from 'temporal-polyfill';
import type { LedgerExtract } from './extract.ts';
import { firstDayOf } from './first-day.ts';

/** A seat of the class. Moments are epoch ms. */
export interface ClassSeat {
  /** Its student's id. */
  readonly student: string;
  readonly beganMs: number;
  /** Undefined: it goes on. */
  readonly endsMs: number | undefined;
}

/**
 * The students who had a seat at some time of the account's days and of whom it has nothing. Who was refused by a limit
 * has asked. Of days that are not kept any more nobody knows.
 */
export function seatsWithoutRequest(seats: readonly ClassSeat[], extract: LedgerExtract): string[] {
  const { students, to, keptFrom, timeZone } = extract;
  const startMs = (day: Temporal.PlainDate): number => day.toZonedDateTime({ timeZone }).epochMilliseconds;
  const [first] = [firstDayOf(extract), keptFrom]
    .filter((day) => day !== null)
    .sort()
    .reverse();
  const beginsMs = first === undefined ? Number.NEGATIVE_INFINITY : startMs(Temporal.PlainDate.from(first));
  const endsMs = startMs(Temporal.PlainDate.from(to).add({ days: 1 }));
  const asked = new Set(students.map(({ student }) => student));
  const idle = seats.filter(
    (seat) =>
      !asked.has(seat.student) &&
      seat.beganMs < endsMs &&
      (seat.endsMs === undefined || seat.endsMs > beginsMs),
  );
  return [...new Set(idle.map(({ student }) => student))];
}
