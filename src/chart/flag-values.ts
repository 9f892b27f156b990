import { z } from 'zod';
import type { Flag } from '../command-line/parse.ts';
import { LOG_LEVELS } from '../observability/logger.ts';

/** What a value may look like, by the word in the spelling of its flag. The program itself checks more when it starts. */
const KINDS: Readonly<Record<string, (schema: z.ZodType) => z.ZodType>> = {
  n: wholeNumber,
  number: wholeNumber,
  duration: () => z.string().regex(/^[0-9]+(ms|s|m|h)$/),
  level: () => z.enum(LOG_LEVELS),
  ranges: () => z.union([z.string(), z.array(z.string())]),
  url: () => z.url({ protocol: /^https?$/ }),
  text: () => z.string(),
};

/**
 * A setting of a program as a value of a chart: as YAML writes it, where a command line has only texts.
 *
 * @param schema what the program reads the text with
 * @throws Error for a flag whose spelling has a word of no known kind
 */
export function valueOfFlag({ spelling }: Flag, schema: z.ZodType): z.ZodType {
  const word = /<(.*)>/.exec(spelling)?.[1];
  if (word === undefined) return z.boolean();
  const kind = KINDS[word];
  if (kind === undefined) throw new Error(`${spelling}: no chart value is known for <${word}>`);
  return kind(schema);
}

const boundsSchema = z.object({ minimum: z.int(), maximum: z.int() });

/** A number within the bounds that the program has for its text. */
export function wholeNumber(schema: z.ZodType): z.ZodInt {
  const { minimum, maximum } = boundsSchema.parse(
    z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }),
  );
  return z.int().min(minimum).max(maximum);
}

/** `about` of a flag as a sentence. */
export function sentenceOf({ about }: Flag): string {
  return `${about.charAt(0).toUpperCase()}${about.slice(1)}.`;
}
