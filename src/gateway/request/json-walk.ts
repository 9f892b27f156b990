import type { JsonObject } from './body.ts';

/**
 * @param key name within its object; undefined for the root and in lists
 * @param depth 1 for the root
 */
export type Visit = (value: unknown, key: string | undefined, depth: number) => void;

/**
 * Visits all values inside a JSON value, itself first. Keeps its own stacks: JSON.parse goes as deep as there is
 * memory, so recursion over what it made could overflow. Nothing below `maxDepth`, and no more than `maxValues`, are
 * visited.
 */
export function walkJson(root: unknown, maxDepth: number, maxValues: number, visit: Visit): void {
  const values: unknown[] = [root];
  const keys: (string | undefined)[] = [undefined];
  const depths: number[] = [1];
  let left = maxValues;
  while (values.length > 0 && left-- > 0) {
    const value = values.pop();
    const key = keys.pop();
    const depth = depths.pop() ?? 1;
    visit(value, key, depth);
    if (typeof value !== 'object' || value === null || depth >= maxDepth) continue;
    if (Array.isArray(value)) {
      // More than is visited need not wait.
      for (let index = Math.min(value.length, left) - 1; index >= 0; index--) {
        values.push(value[index]);
        keys.push(undefined);
        depths.push(depth + 1);
      }
    } else {
      for (const name of Object.keys(value)) {
        values.push((value as JsonObject)[name]);
        keys.push(name);
        depths.push(depth + 1);
      }
    }
  }
}

/** Deeper than any part of a schema that lists its fields. */
const COUNTED_DEPTH = 16;

/**
 * Whether a JSON value holds more than `most` values, itself and those 16 levels down included. Ends as soon as it
 * does.
 */
export function holdsMoreThan(most: number, root: unknown): boolean {
  return countValues(root, most, 1) > most;
}

/** Recursion is bounded by the depth. @returns the count, or something above `most` */
function countValues(value: unknown, most: number, depth: number): number {
  if (typeof value !== 'object' || value === null || depth > COUNTED_DEPTH) return 1;
  let count = 1;
  if (Array.isArray(value)) {
    for (const item of value) {
      count += countValues(item, most - count, depth + 1);
      if (count > most) return count;
    }
    return count;
  }
  for (const key in value) {
    count += countValues((value as JsonObject)[key], most - count, depth + 1);
    if (count > most) return count;
  }
  return count;
}

/**
 * The most bytes that a value takes when a chat template prints it: indented by four spaces, and with every character
 * outside ASCII escaped, as Python's `json.dumps` does by default.
 */
export function printedBytes(root: unknown, maxDepth: number): number {
  let bytes = 0;
  walkJson(root, maxDepth, Number.POSITIVE_INFINITY, (value, key, depth) => {
    // Line end, indentation, comma, and the line of the closing bracket.
    bytes += 2 * (1 + INDENT * depth) + 3;
    if (key !== undefined) bytes += textBytes(key) + 2;
    bytes += typeof value === 'string' ? textBytes(value) : SCALAR_BYTES;
  });
  return bytes;
}

const INDENT = 4;
/** No number, `true`, `null`, `[` is longer: https://tc39.es/ecma262/#sec-numeric-types-number-tostring */
const SCALAR_BYTES = 25;
/** `\uXXXX` for each UTF-16 unit; a control character of ASCII takes as many. */
const ESCAPED_UNIT_BYTES = 6;
const NEEDS_ESCAPE = /[^ !#-[\]-~]/;

function textBytes(text: string): number {
  return 2 + text.length * (NEEDS_ESCAPE.test(text) ? ESCAPED_UNIT_BYTES : 1);
}
