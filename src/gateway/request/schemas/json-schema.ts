import { z } from 'zod';
import { isJsonObject } from '../../../json/object.ts';
import type { JsonObject } from '../body.ts';
import { walkJson } from '../json-walk.ts';

/**
 * Bounds of a JSON schema of a student. An engine turns it into an automaton in the process that the whole class
 * shares: what is unrolled there (repetitions, patterns) or followed to any depth must be bounded here.
 */
export const SCHEMA_BOUNDS = {
  depth: 32,
  /** Objects, lists, texts, numbers in it. */
  values: 4_000,
  patterns: 32,
  patternLength: 256,
  /** Product of all the counts in a pattern, such as 6 in `(a{2}){3}`. */
  patternRepetitions: 256,
  /** Of `maxItems`, `maxLength` and the like. */
  repetitions: 10_000,
} as const;

const COUNTING_KEYWORDS: ReadonlySet<string | undefined> = new Set([
  'minItems',
  'maxItems',
  'minLength',
  'maxLength',
  'minProperties',
  'maxProperties',
  'minContains',
  'maxContains',
]);

/** A JSON schema within {@link SCHEMA_BOUNDS}; it is passed on as it is. */
export const jsonSchema = z
  .custom<JsonObject>(isJsonObject, { error: 'must be an object' })
  .superRefine((schema, context) => {
    const fault = faultIn(schema, true);
    if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
  });

/** Any object of JSON, such as the arguments of a tool call, that is not too deep or too large. */
export const jsonObject = z
  .custom<JsonObject>(isJsonObject, { error: 'must be an object' })
  .superRefine((value, context) => {
    const fault = faultIn(value, false);
    if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
  });

/**
 * What is wrong with a value, for after the name of its field.
 *
 * One walk for all bounds: tools come with every turn of a conversation.
 */
function faultIn(root: unknown, isSchema: boolean): string | undefined {
  let fault: string | undefined;
  let values = 0;
  let patterns = 0;
  walkJson(root, SCHEMA_BOUNDS.depth + 1, SCHEMA_BOUNDS.values + 1, (value, key, depth) => {
    values += 1;
    if (depth > SCHEMA_BOUNDS.depth) fault = `must not be nested deeper than ${SCHEMA_BOUNDS.depth} levels`;
    // 1e400 is a number in JSON and Infinity here; it would go on as null.
    if (typeof value === 'number' && !Number.isFinite(value)) fault = 'must not hold numbers beyond 1.8e308';
    if (!isSchema || key === undefined) return;
    if (typeof value === 'number' && value > SCHEMA_BOUNDS.repetitions && COUNTING_KEYWORDS.has(key)) {
      fault = `must not hold "${key}" above ${SCHEMA_BOUNDS.repetitions}`;
    }
    if (key === '$ref' && typeof value === 'string' && !value.startsWith('#')) {
      fault = 'must not hold a "$ref" to anything outside of it';
    }
    for (const pattern of patternsOf(key, value)) {
      patterns += 1;
      fault = patternFault(pattern) ?? fault;
    }
  });
  if (values > SCHEMA_BOUNDS.values) return `must not hold more than ${SCHEMA_BOUNDS.values} values`;
  return patterns > SCHEMA_BOUNDS.patterns
    ? `must not hold more than ${SCHEMA_BOUNDS.patterns} patterns`
    : fault;
}

const NO_PATTERNS: readonly string[] = [];

function patternsOf(key: string, value: unknown): readonly string[] {
  if (key === 'pattern' && typeof value === 'string') return [value];
  return key === 'patternProperties' && isJsonObject(value) ? Object.keys(value) : NO_PATTERNS;
}

function patternFault(pattern: string): string | undefined {
  const { patternLength, patternRepetitions } = SCHEMA_BOUNDS;
  if (pattern.length > patternLength)
    return `must not hold a "pattern" longer than ${patternLength} characters`;
  let product = 1;
  for (const [, least = '0', most = ''] of pattern.matchAll(/\{(\d+)(?:,(\d*))?\}/g)) {
    product *= Math.max(1, Number(least), Number(most));
  }
  return product > patternRepetitions
    ? `must not hold a "pattern" that repeats more than ${patternRepetitions} times`
    : undefined;
}
