import { z } from 'zod';
import { OUTCOME_KINDS } from '../gateway/limits/settlement.ts';

/** Raised when a reader of an older version would misunderstand what is there. */
export const EXTRACT_VERSION = 1;

const count = z.int().nonnegative();
const day = z.iso.date();
const instant = z.iso.datetime();
const minuteBits = z.int().min(0).max(0x3fffffff);
const hour = z.int().nonnegative();

/** Beginning of the session in which a request was let in; null: outside of all. */
const session = instant.nullable();

/** Requests of a student that count together: on one local day, in one session, of one model, with one outcome. */
export const usageRowSchema = z.object({
  day,
  session,
  model: z.string(),
  outcome: z.enum(OUTCOME_KINDS),
  requests: count,
  promptTokens: count,
  cachedTokens: count,
  completionTokens: count,
  /** From admission to an engine. */
  queueWaitMsSum: z.number(),
  queueWaitMsMax: z.number(),
  /** Answers of which something came, and how long after admission. */
  firstTokenCount: count,
  firstTokenMsSum: z.number(),
  firstTokenMsMax: z.number(),
});
export type UsageRow = z.infer<typeof usageRowSchema>;

/** Minutes of one UTC hour (since the epoch) in which a student was at work; see ./hour-minutes.ts. */
export const activeRowSchema = z.object({ day, session, hour, early: minuteBits, late: minuteBits });
export type ActiveRow = z.infer<typeof activeRowSchema>;

const minuteSet = z.object({ early: minuteBits, late: minuteBits });

/** What one engine did in one UTC hour. */
export const engineRowSchema = z.object({
  engine: z.string(),
  hour,
  gpus: z.number().positive(),
  running: minuteSet,
  used: minuteSet,
});
export type EngineRow = z.infer<typeof engineRowSchema>;

/** One line of what the gateway answers: its ledger, as far as it concerns one class and some days. */
export const extractLineSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('class'),
    version: z.literal(EXTRACT_VERSION),
    namespace: z.string(),
    classroom: z.string(),
    /** Of the days. */
    timeZone: z.string(),
    /** First and last local day; null: from the first day of the ledger. */
    from: day.nullable(),
    to: day,
    /** Days before this one were booked, asked for, and are not kept any more; null: there are none. */
    keptFrom: day.nullable().default(null),
    asOf: instant,
  }),
  z.object({
    kind: z.literal('student'),
    student: z.string(),
    usage: z.array(usageRowSchema),
    active: z.array(activeRowSchema),
  }),
  z.object({ kind: z.literal('engines'), hours: z.array(engineRowSchema) }),
  /** The last one: without it the answer broke off. */
  z.object({ kind: z.literal('end'), students: count }),
]);
export type ExtractLine = z.infer<typeof extractLineSchema>;

type LineOf<Kind extends ExtractLine['kind']> = Extract<ExtractLine, { kind: Kind }>;

/** All that the ledger holds of a class for a report. */
export interface LedgerExtract extends Omit<LineOf<'class'>, 'kind' | 'version'> {
  readonly students: readonly Omit<LineOf<'student'>, 'kind'>[];
  readonly engines: readonly EngineRow[];
}

/** What was read is no extract of this version, or only the beginning of one. */
export class ExtractError extends Error {
  constructor(why: string) {
    super(why);
    this.name = 'ExtractError';
  }
}

/**
 * Puts the lines of an answer together.
 *
 * @throws ExtractError when they are not those of an extract of this version, or the last one is missing
 */
export function extractOf(lines: readonly unknown[]): LedgerExtract {
  const read = lines.map((line, index) => {
    const parsed = extractLineSchema.safeParse(line);
    if (parsed.success) return parsed.data;
    throw new ExtractError(`line ${index + 1} is none of a report of version ${EXTRACT_VERSION}`);
  });
  const [head] = read;
  if (head?.kind !== 'class') throw new ExtractError('its first line does not say of which class it is');
  if (read.at(-1)?.kind !== 'end') throw new ExtractError('it broke off before its end');
  const { kind: _, version: __, ...about } = head;
  return {
    ...about,
    students: read.flatMap((line) => (line.kind === 'student' ? [withoutKind(line)] : [])),
    engines: read.flatMap((line) => (line.kind === 'engines' ? line.hours : [])),
  };
}

function withoutKind<Line extends { kind: string }>({ kind: _, ...rest }: Line): Omit<Line, 'kind'> {
  return rest;
}
