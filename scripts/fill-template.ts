import { readFileSync } from 'node:fs';

const NOTICE = '<!-- Generated from scripts/templates and src/ by `npm run generate`: do not edit. -->';

/**
 * A document of `scripts/templates`, with values in the place of its `{{names}}`.
 *
 * @throws Error for a name without a value, or a value without its name: one of the two is misspelled
 */
export function fillTemplate(name: string, values: Readonly<Record<string, string>>): string {
  const template = readFileSync(new URL(`templates/${name}`, import.meta.url), 'utf8');
  const used = new Set<string>();
  const text = template.replace(/\{\{([a-z-]+)\}\}/g, (_, placeholder: string) => {
    const value = values[placeholder];
    if (value === undefined) throw new Error(`${name} asks for {{${placeholder}}}, which nothing fills`);
    used.add(placeholder);
    return value;
  });
  const unused = Object.keys(values).filter((placeholder) => !used.has(placeholder));
  if (unused.length > 0) throw new Error(`${name} does not ask for ${unused.join(', ')}`);
  return `${NOTICE}\n\n${text}`;
}
