import type { StructuralSchema } from '../../../src/api/structural-schema.ts';

/** Families of texts: one member of each length. Some family fits each pattern and format of the API. */
const families: readonly ((length: number) => string)[] = [
  (length) => 'a'.repeat(length),
  (length) => 'A'.repeat(length),
  (length) => '1'.repeat(length),
  (length) => `a/${'a'.repeat(Math.max(0, length - 2))}`,
  (length) => `${'a'.repeat(Math.max(0, length - 64))}/${'a'.repeat(63)}`,
  (length) => '09:00:00'.slice(0, length),
  (length) => '1g.5gb'.slice(0, length),
  (length) => '7g.141gb+gfx.all'.slice(0, length),
  (length) => '2026-12-01'.slice(0, length),
  (length) => `2026-12-01T10:30:00.${'0'.repeat(Math.max(0, length - 21))}Z`,
];

const formats: Partial<Record<NonNullable<StructuralSchema['format']>, RegExp>> = {
  date: /^\d{4}-\d\d-\d\d$/,
  'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/,
};

/** Fields whose texts the API server looks up: a text that only has the right form is refused. */
const names: Readonly<Record<string, readonly string[]>> = {
  'spec.schedule.timeZone': ['GB', 'America/Argentina/ComodRivadavia'],
};

/**
 * A text of this length that keeps the pattern and the format. Throws when there is none: then the bound says less
 * than the pattern, and should be what the pattern allows.
 */
export function textOfLength(schema: StructuralSchema, path: string, length: number): string {
  const pattern = new RegExp(schema.pattern ?? '', 'u');
  const format = schema.format === undefined ? undefined : formats[schema.format];
  const candidates = names[path] ?? families.map((family) => family(length));
  const text = candidates.find(
    (each) => each.length === length && pattern.test(each) && (format?.test(each) ?? true),
  );
  if (text === undefined) {
    throw new Error(`${path}: no text of ${length} characters matches ${schema.pattern ?? schema.format}`);
  }
  return text;
}

/** Texts that no pattern of the API allows, in the order in which they are tried. */
const strange = [
  '-',
  '!',
  '*?',
  'a..b',
  '/',
  '../secrets',
  '25:00',
  '1e',
  'ß',
  '2026-12-01t10:30:00z',
  '2026-12-01T10:30:00+25:00',
];

/** Texts within the length that break the pattern. Throws when there is none. */
export function textsAgainstPattern(schema: StructuralSchema, path: string): string[] {
  const pattern = new RegExp(schema.pattern ?? '', 'u');
  const { minLength = 0, maxLength = Infinity } = schema;
  const broken = strange
    .flatMap((text) => [text, text.padEnd(minLength, '!')])
    .filter((text) => text.length >= minLength && text.length <= maxLength && !pattern.test(text));
  if (broken.length === 0) throw new Error(`${path}: found no text that breaks ${schema.pattern}`);
  return [...new Set(broken)];
}
