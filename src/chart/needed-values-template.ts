import { TEMPLATE_NOTICE } from './notice.ts';
import { isBlock, type JsonSchema } from './values-schema.ts';

/**
 * `templates/_needed-values.tpl`: the paths of all values that templates cannot do without, each block before what is
 * in it. In a values file `null` takes a default away, and no schema sees that: Helm removes the value before it checks.
 *
 * @param name what the template is called
 * @see https://helm.sh/docs/chart_template_guide/values_files/#deleting-a-default-key
 */
export function neededValuesTemplate(name: string, schema: JsonSchema): string {
  const paths = neededValues(schema, '').map((path) => `- ${path}`);
  return [TEMPLATE_NOTICE, `{{- define "${name}" -}}`, ...paths, '{{- end }}', ''].join('\n');
}

function neededValues(schema: JsonSchema, prefix: string): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, child]) => {
    const path = `${prefix}${name}`;
    if (isBlock(child)) return [path, ...neededValues(child, `${path}.`)];
    return mayBeNull(child) ? [] : [path];
  });
}

/** Lists and maps of what one likes, where null means the same as empty. */
function mayBeNull({ properties, default: value, minItems }: JsonSchema): boolean {
  return properties === undefined && typeof value === 'object' && minItems === undefined;
}
