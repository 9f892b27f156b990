import { Document, isMap, isScalar, type YAMLMap } from 'yaml';
import type { JsonSchema } from './values-schema.ts';

const NOTICE = ' Generated from src/ by `npm run generate`: do not edit.';
const COMMENT_COLUMNS = 108;

/**
 * `values.yaml` of a chart: every value with its default, and above it what it is for.
 *
 * @param defaults what the schema makes of an empty object
 * @throws Error when a value has no description
 */
export function valuesFile(schema: JsonSchema, defaults: Readonly<Record<string, unknown>>): string {
  // Helm reads YAML 1.1, where a bare `off` is false.
  const document = new Document(defaults, { schema: 'yaml-1.1' });
  document.commentBefore = NOTICE;
  if (isMap(document.contents)) commentOn(document.contents, schema, []);
  return document.toString({ lineWidth: 0 });
}

function commentOn(map: YAMLMap, schema: JsonSchema, path: readonly string[]): void {
  for (const [index, { key, value }] of map.items.entries()) {
    if (!isScalar(key)) continue;
    const name = String(key.value);
    const child = schema.properties?.[name];
    if (child === undefined) continue;
    if (child.description === undefined) throw new Error(`${[...path, name].join('.')} has no description`);
    key.commentBefore = wrapped(child.description, COMMENT_COLUMNS - 2 * path.length);
    key.spaceBefore = path.length === 0 && index > 0;
    if (isMap(value) && child.properties !== undefined) commentOn(value, child, [...path, name]);
  }
}

/** Lines that a `#` goes before. */
function wrapped(text: string, columns: number): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + word.length + 1 > columns) {
      lines.push(line);
      line = '';
    }
    line += ` ${word}`;
  }
  return [...lines, line].join('\n');
}
