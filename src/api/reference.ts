import { cell } from '../markdown/table.ts';
import type { CustomResourceDefinition } from './crd.ts';
import { type SchemaVisit, type StructuralSchema, walk } from './structural-schema.ts';

/** The reference of the API in Markdown: every field with its type, default, bounds and description. Pure. */
export function apiReference(crds: readonly CustomResourceDefinition[]): string {
  return `${[INTRODUCTION, ...crds.flatMap(kindSections)].join('\n\n')}\n`;
}

const INTRODUCTION = `# API reference

<!-- Generated from src/api by \`npm run generate\`: do not edit. -->

A **Classroom** says what a class needs; a **StudentQuota** is one student's seat in it. Both live in the namespace
of the class. \`kubectl explain classroom.spec --recursive\` tells the same on a cluster.

- An optional field may be left out or be null, which means the same; only an enum without a default cannot be null.
- Fields that the tables do not list are dropped by the API server.
- \`[]\` after a name stands for the items of a list, \`{}\` for the values of a map.`;

function kindSections(crd: CustomResourceDefinition): string[] {
  const { names } = crd.spec;
  return crd.spec.versions.flatMap(({ name, schema, additionalPrinterColumns }) => {
    const { openAPIV3Schema: root } = schema;
    const { spec, status } = root.properties ?? {};
    return [
      `## ${names.kind}`,
      `\`apiVersion: ${crd.spec.group}/${name}\`, short name \`${names.shortNames.join('`, `')}\`. ${root.description ?? ''}`,
      `\`kubectl get ${names.plural}\` shows: ${additionalPrinterColumns.map(column).join(', ')}.`,
      ...(spec === undefined ? [] : ['### Spec', fieldTable(spec, 'spec')]),
      '### Rules',
      ruleList(root),
      ...(status === undefined ? [] : ['### Status', fieldTable(status, 'status')]),
    ];
  });
}

function column({ name, priority }: { name: string; priority?: number }): string {
  return priority === undefined ? name : `${name} (with \`-o wide\`)`;
}

function fieldTable(schema: StructuralSchema, root: string): string {
  const rows = [...walk(schema, '')].filter(({ field }) => field !== undefined).map(fieldRow);
  return [
    schema.description ?? '',
    '',
    `| field of \`${root}\` | type | default | bounds | meaning |`,
    '|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}

function fieldRow({ path, schema, field }: SchemaVisit): string {
  const cells = [
    code(path.replaceAll('[*]', '[]').replaceAll('.*', '{}')),
    typeName(schema),
    field?.required ? '**required**' : defaultText(schema),
    bounds(schema).join(', '),
    schema.description ?? '',
  ];
  return `| ${cells.map(cell).join(' | ')} |`;
}

function typeName(schema: StructuralSchema): string {
  if (schema.items !== undefined) return `list of ${typeName(schema.items)}`;
  if (schema.additionalProperties !== undefined) return `map of ${typeName(schema.additionalProperties)}`;
  if (schema.type === undefined) return 'integer or string';
  return schema.format ?? (schema.enum === undefined ? schema.type : 'enum');
}

/** Defaults of objects are the defaults of their fields, which have rows of their own. */
function defaultText({ type, default: value }: StructuralSchema): string {
  return value === undefined || type === 'object' ? '' : code(JSON.stringify(value));
}

function bounds(schema: StructuralSchema): string[] {
  const { enum: values, pattern } = schema;
  return [
    ...(values === undefined ? [] : [values.map(code).join(', ')]),
    ...range(schema.minimum, schema.maximum, ''),
    ...(values === undefined ? range(schema.minLength, schema.maxLength, ' characters') : []),
    ...range(schema.minItems, schema.maxItems, ' items'),
    ...range(undefined, schema.maxProperties, ' entries'),
    ...(pattern === undefined ? [] : [code(pattern)]),
    ...(schema.items === undefined ? [] : bounds(schema.items).map((bound) => `each ${bound}`)),
    ...(schema.additionalProperties === undefined
      ? []
      : bounds(schema.additionalProperties).map((bound) => `each ${bound}`)),
  ];
}

function range(minimum: number | undefined, maximum: number | undefined, unit: string): string[] {
  if (minimum === undefined) return maximum === undefined ? [] : [`≤ ${maximum}${unit}`];
  if (maximum === undefined) return [`≥ ${minimum}${unit}`];
  return [minimum === maximum ? `${minimum}${unit}` : `${minimum} … ${maximum}${unit}`];
}

/** What the API server refuses beyond the bounds of single fields. */
function ruleList(root: StructuralSchema): string {
  const rules = [...walk(root, '')].flatMap(({ path, schema }) =>
    (schema['x-kubernetes-validations'] ?? []).map(({ message }) =>
      path === '' ? `- ${message}` : `- ${code(path.replaceAll('[*]', '[]'))}: ${message}`,
    ),
  );
  return rules.join('\n');
}

function code(text: string): string {
  return text.includes('`') ? `\`\` ${text} \`\`` : `\`${text}\``;
}
