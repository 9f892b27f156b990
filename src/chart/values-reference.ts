import type { JsonSchema } from './values-schema.ts';

/** A table of all values of a chart, with their defaults, for its README. */
export function valuesTable(schema: JsonSchema): string {
  return ['| value | default | meaning |', '|---|---|---|', ...rows(schema, '')].join('\n');
}

function rows(schema: JsonSchema, path: string): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, child]) => {
    const full = path === '' ? name : `${path}.${name}`;
    const inner = hasDefaults(child) ? rows(child, full) : [];
    if (inner.length > 0) return inner;
    const fallback = child.default === undefined ? '' : `\`${JSON.stringify(child.default)}\``;
    return [`| \`${full}\` | ${cell(fallback)} | ${cell(child.description ?? '')} |`];
  });
}

/** A block of values of the chart, and not a block that is empty unless somebody writes it. */
function hasDefaults({ properties, default: value }: JsonSchema): boolean {
  return properties !== undefined && value === undefined;
}

/** A bar would end the cell. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
