import { z } from 'zod';
import type { Texts } from '../../command-line/parse.ts';
import { duration } from '../../command-line/values.ts';
import { minuteInZone } from '../../timetable/words.ts';
import { comingMs, readMoment, tomorrowAt } from '../../timetable/written-moment.ts';
import { problems } from '../problems.ts';

const MINUTE_MS = 60_000;

/** How long something is to last. */
export const lifetime = duration.refine((ms) => ms >= MINUTE_MS, 'must be at least 1m');

const moment = z.string().transform((text, context) => {
  const read = readMoment(text);
  if (read !== undefined) return { ...read, text };
  context.addIssue(
    "must be a time of the class's clock such as 18:30 or 2026-11-23T18:30, or one with its offset such as 2026-11-23T18:30:00+01:00",
  );
  return z.NEVER;
});

/** Of commands whose effect ends by itself. */
export const END_SHAPE = { for: lifetime.optional(), until: moment.optional() };
export const END_FLAGS = {
  for: { spelling: '--for <duration>', about: 'how long, from now: such as 30m or 2h' },
  until: {
    spelling: '--until <time>',
    about: "until when: 18:30 of the class's clock, 2026-11-23T18:30, or 2026-11-23T18:30:00+01:00",
  },
} as const;

const endSchema = z.object(END_SHAPE);
/** When something is to end, as it was written; at most one of both. */
export type End = z.output<typeof endSchema>;

/** What is wrong with both flags together. */
export function endFaults({ for: forText, until }: Texts): string[] {
  return forText !== undefined && until !== undefined
    ? ['--for and --until must not be used together: both say when it ends']
    : [];
}

/**
 * When it ends.
 *
 * @param nowMs epoch ms
 * @param timeZone of the class
 * @returns epoch ms; undefined where nothing was written
 * @throws CliError when that moment has passed
 */
export function endMs(
  { for: forMs, until }: End,
  { nowMs, timeZone }: { nowMs: number; timeZone: string },
): number | undefined {
  if (forMs !== undefined) return nowMs + forMs;
  if (until === undefined) return undefined;
  const ms = comingMs(until, nowMs, timeZone);
  if (ms !== undefined) return ms;
  throw problems.momentPassed({
    text: until.text,
    now: minuteInZone(nowMs, timeZone),
    another: until.kind === 'Time' ? tomorrowAt(until.time, nowMs, timeZone) : undefined,
  });
}
