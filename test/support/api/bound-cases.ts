import { customResourceDefinitions } from '../../../src/api/crd.ts';
import { ENGINE_RESOURCES } from '../../../src/api/engine-resources.ts';
import { API_GROUP_VERSION } from '../../../src/api/group.ts';
import { fieldPath } from '../../../src/api/issue.ts';
import { type StructuralSchema, walk } from '../../../src/api/structural-schema.ts';
import { examples } from './examples.ts';
import { listItems } from './list-items.ts';
import { type ObjectPath, valueAt, withValueAt } from './object-path.ts';
import { textOfLength, textsAgainstPattern } from './texts.ts';

export type Kind = keyof typeof examples;

/** One object to submit. */
export interface Submission {
  /** What stands at the path, for the message of a failed test. */
  value: unknown;
  object: unknown;
}

/** One bound of one field, with objects that keep it and objects that break it. */
export interface BoundCase {
  kind: Kind;
  /** As the API server writes it. */
  path: string;
  bound: string;
  accepted: Submission[];
  refused: Submission[];
  /** Part of the API server's message about the refused ones. */
  refusal: RegExp;
  /** The path in that message. */
  refusedPath: string;
}

interface Bound {
  name: string;
  accepted: unknown[];
  refused: unknown[];
  refusal: RegExp;
  /** What of the value is refused, where it is not the whole. */
  refusedPart?: string;
}

/** Every bound of every field of the spec and of the status of a kind, derived from its generated schema. */
export function boundCases(kind: Kind): BoundCase[] {
  const crd = customResourceDefinitions().find(({ spec }) => spec.names.kind === kind);
  const root = crd?.spec.versions[0]?.schema.openAPIV3Schema;
  if (root === undefined) throw new Error(`no CRD of kind ${kind}`);
  return [...walk(root, '')].flatMap(({ path: template, schema, field }) => {
    if (!/^(spec|status)\b/.test(template)) return [];
    const bounds = [
      ...boundsOf(schema, template),
      ...(field?.required ? [mustBePresent] : []),
      ...(schema.nullable ? [mayBeNull] : []),
    ];
    return bounds.map((bound) => boundCase(kind, template, bound));
  });
}

const mustBePresent: Bound = {
  name: 'required',
  accepted: [],
  refused: [undefined],
  refusal: /^Required value$/,
};

const mayBeNull: Bound = { name: 'nullable', accepted: [null], refused: [], refusal: /^$/ };

function boundsOf(schema: StructuralSchema, template: string): Bound[] {
  switch (schema.type) {
    case 'integer':
      return numberBounds(schema);
    case 'string':
      return schema.enum === undefined ? textBounds(schema, template) : [enumBound(schema.enum)];
    case 'array':
      return listBounds(schema, template);
    case 'object':
      return schema.maxProperties === undefined ? [] : [mapBound(schema.maxProperties, template)];
    case 'boolean':
      return [];
    case undefined:
      return [...textBounds(schema, template), ...rangeBounds(schema)];
  }
}

function numberBounds(schema: StructuralSchema): Bound[] {
  const { format, minimum = Number.NaN } = schema;
  return [
    ...rangeBounds(schema),
    {
      name: 'whole number',
      accepted: [],
      refused: [minimum + 0.5],
      refusal: new RegExp(`must be of type ${format}: "float64"$`),
    },
  ];
}

function rangeBounds({ minimum = Number.NaN, maximum = Number.NaN }: StructuralSchema): Bound[] {
  return [
    {
      name: `minimum ${minimum}`,
      accepted: [minimum],
      refused: [minimum - 1],
      refusal: new RegExp(`should be greater than or equal to ${minimum}$`),
    },
    {
      name: `maximum ${maximum}`,
      accepted: [maximum],
      refused: [maximum + 1],
      refusal: new RegExp(`should be less than or equal to ${maximum}$`),
    },
  ];
}

function textBounds(schema: StructuralSchema, template: string): Bound[] {
  const { minLength = 0, maxLength = Number.NaN, pattern, format } = schema;
  const bounds: Bound[] = [
    {
      name: `maxLength ${maxLength}`,
      accepted: [textOfLength(schema, template, maxLength)],
      refused: ['a'.repeat(maxLength + 1)],
      refusal: new RegExp(`Too long: may not be more than ${maxLength} bytes$`),
    },
  ];
  if (minLength > 0) {
    bounds.push({
      name: `minLength ${minLength}`,
      accepted: [textOfLength(schema, template, minLength)],
      refused: ['a'.repeat(minLength - 1)],
      refusal: new RegExp(`should be at least ${minLength} chars long$`),
    });
  }
  if (pattern !== undefined) {
    bounds.push({
      name: `pattern ${pattern}`,
      accepted: [],
      refused: textsAgainstPattern(schema, template),
      refusal: /should match '/,
    });
  }
  if (format !== undefined) {
    bounds.push({
      name: `format ${format}`,
      accepted: [],
      refused: ['tomorrow', '2026-13-01', '2026-13-01T10:30:00Z', '2026-12-01T10:30:00'],
      refusal: new RegExp(`must be of type ${format}: `),
    });
  }
  return bounds;
}

function enumBound(values: readonly string[]): Bound {
  return {
    name: `enum ${values.join(' ')}`,
    accepted: [...values],
    refused: ['Whatever', '', values[0]?.toLowerCase()],
    refusal: /Unsupported value: /,
  };
}

function listBounds(schema: StructuralSchema, template: string): Bound[] {
  const { minItems = 0, maxItems = Number.NaN, 'x-kubernetes-list-type': listType } = schema;
  const most: Bound = {
    name: `maxItems ${maxItems}`,
    accepted: [listItems(template, maxItems)],
    refused: [listItems(template, maxItems + 1)],
    refusal: new RegExp(`Too many: ${maxItems + 1}: must have at most ${maxItems} items$`),
  };
  const least: Bound = {
    name: `minItems ${minItems}`,
    accepted: [listItems(template, minItems)],
    refused: [listItems(template, minItems - 1)],
    refusal: new RegExp(`should have at least ${minItems} items$`),
  };
  const twice: Bound = {
    name: `${listType} without repetition`,
    accepted: [],
    refused: [[...listItems(template, 1), ...listItems(template, 1)]],
    refusal: /^Duplicate value: /,
    refusedPart: '[1]',
  };
  return [...(minItems > 0 ? [least] : []), most, ...(listType === 'atomic' ? [] : [twice])];
}

function mapBound(maxProperties: number, template: string): Bound {
  const entries = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => mapEntry(template, index)));
  return {
    name: `maxProperties ${maxProperties}`,
    accepted: [entries(maxProperties)],
    refused: [entries(maxProperties + 1)],
    refusal: new RegExp(`Too many: ${maxProperties + 1}: must have at most ${maxProperties} items$`),
  };
}

function mapEntry(template: string, index: number): [key: string, value: string] {
  if (!template.startsWith('spec.engine.resources.')) return [`example.com/pool-${index}`, 'class'];
  return [ENGINE_RESOURCES[index] ?? `resource-${index}`, '1'];
}

function boundCase(kind: Kind, template: string, bound: Bound): BoundCase {
  const base = bound === mayBeNull ? baseWithout(kind, template) : baseWith(kind, template);
  const submission = (value: unknown): Submission => ({
    value,
    object: companionsOf(template, value, withValueAt(base.object, base.path, value)),
  });
  return {
    kind,
    path: fieldPath(base.path),
    bound: bound.name,
    accepted: bound.accepted.map(submission),
    refused: bound.refused.map(submission),
    refusal: bound.refusal,
    refusedPath: `${fieldPath(base.path)}${bound.refusedPart ?? ''}`,
  };
}

interface Base {
  object: unknown;
  path: ObjectPath;
}

/** Every example of the kind, and where the path is in it. */
function bases(kind: Kind, template: string): Base[] {
  return exampleObjects(kind).map((object) => ({ object, path: concrete(template, object) }));
}

/** Valid objects that together set every field. */
export function exampleObjects(kind: Kind): unknown[] {
  const { name, specs, status } = examples[kind];
  return specs.map((spec) => ({ apiVersion: API_GROUP_VERSION, kind, metadata: { name }, spec, status }));
}

function baseWith(kind: Kind, template: string): Base {
  const base = bases(kind, template).find(({ object, path }) => valueAt(object, path) !== undefined);
  if (base === undefined) throw new Error(`no example of ${kind} sets ${template}: add it to examples.ts`);
  return base;
}

/** An example in which the field could stand, preferably one that does not set it. */
function baseWithout(kind: Kind, template: string): Base {
  const base = bases(kind, template).find(
    ({ object, path }) =>
      valueAt(object, path) === undefined && valueAt(object, path.slice(0, -1)) !== undefined,
  );
  return base ?? baseWith(kind, template);
}

/** The last item of each list and the first key of each map. */
function concrete(template: string, object: unknown): ObjectPath {
  const path: (string | number)[] = [];
  for (const part of template.split('.')) {
    if (part === '*') path.push(Object.keys(Object(valueAt(object, path)))[0] ?? '');
    else if (part.endsWith('[*]')) path.push(...lastItem(object, [...path, part.slice(0, -3)]));
    else path.push(part);
  }
  return path;
}

function lastItem(object: unknown, list: ObjectPath): ObjectPath {
  const items = valueAt(object, list);
  return [...list.slice(-1), Array.isArray(items) ? items.length - 1 : 0];
}

/** Other fields that CEL rules ask for when a field has another value. */
function companionsOf(template: string, value: unknown, object: unknown): unknown {
  const changes = companions[template]?.(value) ?? [];
  return changes.reduce((changed, [path, other]) => withValueAt(changed, path, other), object);
}

const engine = ['spec', 'engine'] as const;
const gpu = ['spec', 'gpu'] as const;
const resources = ['spec', 'engine', 'resources'] as const;
const toleration = ['spec', 'gpu', 'tolerations', 0] as const;

const companions: Record<string, (value: unknown) => [path: ObjectPath, value: unknown][]> = {
  'spec.engine.replicas.min': () => [
    [[...engine, 'replicas', 'max'], 64],
    [['spec', 'idle'], undefined],
  ],
  'spec.engine.maxNumSeqs': () => [[[...engine, 'maxNumBatchedTokens'], 1_048_576]],
  'spec.engine.maxNumBatchedTokens': () => [[[...engine, 'maxNumSeqs'], 1]],
  'spec.engine.resources.requests': () => [[[...resources, 'limits'], undefined]],
  'spec.engine.resources.requests.*': () => [[[...resources, 'limits'], undefined]],
  'spec.engine.resources.limits': () => [[[...resources, 'requests'], undefined]],
  'spec.engine.resources.limits.*': () => [[[...resources, 'requests'], undefined]],
  'spec.gpu.sharing': (value) => [
    [[...gpu, 'gpusPerEngine'], 1],
    [[...gpu, 'migProfile'], value === 'MIG' ? '1g.10gb' : undefined],
    [[...gpu, 'slicesPerGPU'], value === 'TimeSliced' ? 4 : undefined],
  ],
  'spec.gpu.tolerations[*].operator': () => [[[...toleration, 'value'], undefined]],
  'spec.gpu.tolerations[*].effect': () => [[[...toleration, 'tolerationSeconds'], undefined]],
};
