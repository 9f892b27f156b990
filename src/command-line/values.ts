import { z } from 'zod';
import type { ListenAddress } from '../http/listen.ts';

/** `host:port`; the host may be an IPv6 address in brackets, or missing. */
export const listenAddress = z
  .string()
  .regex(/^([^:[\]]*|\[[0-9a-fA-F:]+\]):[0-9]{1,5}$/, "must be 'host:port', such as '0.0.0.0:8080'")
  .transform((text): ListenAddress => {
    const colon = text.lastIndexOf(':');
    return { host: text.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(text.slice(colon + 1)) };
  })
  .refine(({ port }) => port <= 65_535, 'must not have a port above 65535');

/** A decimal number without sign, point or exponent. */
export const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, 'must be a whole number')
    // For whoever takes the same setting as a number, such as a chart.
    .meta({ minimum: min, maximum: max })
    .transform(Number)
    .refine((value) => value >= min, `must be at least ${min}`)
    .refine((value) => value <= max, `must not be more than ${max}`);

const unitsMs: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
]);

/** Timers overflow beyond 2^31 − 1 ms and then fire at once: https://nodejs.org/api/timers.html#settimeoutcallback-delay-args */
const MAX_DURATION_HOURS = 500;

/** A number with a unit, in ms. */
export const duration = z
  .string()
  .transform((text, context) => {
    const [, amount, unit = ''] = /^(\d+)([a-z]+)$/.exec(text) ?? [];
    const unitMs = unitsMs.get(unit);
    if (unitMs !== undefined) return Number(amount) * unitMs;
    context.addIssue('must be a number with a unit, such as 500ms, 30s, 10m or 1h');
    return z.NEVER;
  })
  .refine((ms) => ms <= MAX_DURATION_HOURS * 3_600_000, `must not be more than ${MAX_DURATION_HOURS}h`);

/** {@link duration} that cannot be 0. */
export const positiveDuration = duration.refine((ms) => ms > 0, 'must be more than 0');

/** Of a switch. */
export const onOrOff = z
  .enum(['true', 'false'], "must be 'true' or 'false'")
  .transform((text) => text === 'true');

/** One of some words. */
export const oneOf = <const Words extends readonly [string, ...string[]]>(words: Words) =>
  z.enum(words, `must be one of ${words.join(', ')}`);

/** A name, a path or the like. */
export const nonEmpty = z.string().min(1, 'must not be empty');
