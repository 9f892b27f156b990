import { isBlock, type JsonSchema } from './values-schema.ts';

/** A table of all values of a chart, with their defaults, for its README. */
export function valuesTable(schema: JsonSchema): string {
  return ['| value | default | meaning |', '|---|---|---|', ...rows(schema, '')].join('\n');
}

function rows(schema: JsonSchema, path: string): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, child]) => {
    const full = path === '' ? name : `${path}.${name}`;
    if (isBlock(child)) return rows(child, full);
    const fallback = child.default === undefined ? '' : `\`${JSON.stringify(child.default)}\``;
    return [`| \`${full}\` | ${cell(fallback)} | ${cell(child.description ?? '')} |`];
  });
}

/** A bar would end the cell. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
