import type { CustomResourceDefinition, CustomResourceVersion } from '../../../src/api/crd.ts';
import {
  missingBound,
  type SchemaVisit,
  type StructuralSchema,
  structuralSchemaSchema,
  walk,
} from '../../../src/api/structural-schema.ts';

/**
 * The API conventions of Kubernetes as code, for any CRD. Each convention returns what breaks it.
 *
 * @see https://github.com/kubernetes/community/blob/master/contributors/devel/sig-architecture/api-conventions.md
 */

/** Booleans become enums once a third value is needed, so each one needs a reason why that cannot be. */
export const BOOLEANS: Record<string, string> = {
  'spec.exam.allowAdapters': 'a permission: given or not',
  'spec.exam.allowTools': 'a permission: given or not',
  'spec.schedule.exceptions[*].closed': 'one arm of a union: false is the same as absent',
};

export interface Subject {
  crd: CustomResourceDefinition;
  version: CustomResourceVersion;
  root: StructuralSchema;
  nodes: SchemaVisit[];
  spec: StructuralSchema;
  status: StructuralSchema;
}

export type Convention = (subject: Subject) => string[];

const inSpec = ({ path }: SchemaVisit) => path === 'spec' || path.startsWith('spec.');
const pathsOf = (visits: SchemaVisit[]) => visits.map(({ path }) => path);
const celRules = ({ nodes }: Subject) =>
  nodes.flatMap(({ path, schema }) =>
    (schema['x-kubernetes-validations'] ?? []).map((rule) => ({ ...rule, path, schema })),
  );

export const conventions: Record<string, Convention> = {
  'every text, number, list and map has a bound': ({ nodes }) =>
    nodes.flatMap(({ path, schema }) => {
      const missing = missingBound(schema);
      return missing === undefined ? [] : [`${path}: ${missing}`];
    }),

  'every field has a description': ({ nodes }) =>
    pathsOf(
      nodes
        .filter(({ schema, field }) => field !== undefined && schema.description === undefined)
        // The API server lets a CRD say nothing about metadata but what its name must be.
        .filter(({ path }) => path !== 'metadata'),
    ),

  'descriptions are sentences on one line': ({ nodes }) =>
    nodes
      .filter(({ schema: { description } }) => description !== undefined)
      .filter(({ schema: { description } }) => !/^[A-Z`'].{0,298}\.$/.test(description ?? ''))
      .map(({ path, schema }) => `${path}: ${schema.description}`),

  'whole numbers say whether they have 32 or 64 bits and keep within those that JavaScript can hold': ({
    nodes,
  }) =>
    pathsOf(
      nodes
        .filter(({ schema }) => schema.type === 'integer')
        .filter(({ schema: { format, minimum = -Infinity, maximum = Infinity } }) => {
          const limit = format === 'int32' ? 2 ** 31 - 1 : Number.MAX_SAFE_INTEGER;
          return (format !== 'int32' && format !== 'int64') || maximum > limit || minimum < -limit;
        }),
    ),

  'booleans have a reason': ({ nodes }) =>
    pathsOf(nodes.filter(({ schema, path }) => schema.type === 'boolean' && BOOLEANS[path] === undefined)),

  'values of enums are CamelCase': ({ nodes }) =>
    nodes.flatMap(({ path, schema }) =>
      (schema.enum ?? [])
        .filter((value) => !/^[A-Z][A-Za-z0-9]*$/.test(value))
        .map((value) => `${path}: ${value}`),
    ),

  'names of fields are camelCase': ({ nodes }) =>
    pathsOf(nodes.filter(({ field }) => field !== undefined && !/^[a-z][A-Za-z0-9]*$/.test(field.name))),

  'times are instants with a format': ({ nodes }) =>
    pathsOf(
      nodes.filter(
        ({ field, schema }) =>
          /(Time|At|^until|^asOf)$/.test(field?.name ?? '') && schema.format !== 'date-time',
      ),
    ),

  'patterns hold for the whole text': ({ nodes }) =>
    pathsOf(nodes.filter(({ schema: { pattern } }) => pattern !== undefined && !/^\^.*\$$/.test(pattern))),

  'required texts are not empty': ({ nodes }) =>
    pathsOf(
      nodes
        .filter((visit) => inSpec(visit) && visit.field?.required === true)
        .filter(({ schema }) => schema.type === 'string' && schema.format === undefined)
        .filter(({ schema }) => (schema.minLength ?? 0) < 1),
    ),

  'only optional fields have a default': ({ nodes }) =>
    pathsOf(nodes.filter(({ schema, field }) => schema.default !== undefined && field?.required !== false)),

  'in the spec exactly the optional fields without a default may be null, but for enums': ({ nodes }) =>
    pathsOf(
      nodes
        .filter((visit) => inSpec(visit) && visit.field !== undefined)
        .filter(({ schema, field }) => {
          const { default: value, enum: values } = schema;
          const mayBeAbsent = field?.required === false && value === undefined && values === undefined;
          return (schema.nullable ?? false) !== mayBeAbsent;
        }),
    ),

  'every list has a list type': ({ nodes }) =>
    pathsOf(
      nodes.filter(({ schema }) => schema.type === 'array' && schema['x-kubernetes-list-type'] === undefined),
    ),

  'lists of type map have keys that every item must have': ({ nodes }) =>
    nodes
      .filter(({ schema }) => schema['x-kubernetes-list-type'] === 'map')
      .filter(({ schema }) => {
        const keys = schema['x-kubernetes-list-map-keys'] ?? [];
        return keys.length === 0 || keys.some((key) => !schema.items?.required?.includes(key));
      })
      .map(({ path }) => path),

  'conditions come first in the status, as a list keyed by type': ({ status }) => {
    const [name, conditions] = Object.entries(status.properties ?? {})[0] ?? [];
    return name === 'conditions' &&
      conditions?.['x-kubernetes-list-type'] === 'map' &&
      conditions['x-kubernetes-list-map-keys']?.join() === 'type'
      ? []
      : [`status.${name}`];
  },

  'conditions have the shape of metav1.Condition': ({ status }) => {
    const condition = status.properties?.conditions?.items;
    const fields = Object.keys(condition?.properties ?? {}).sort();
    const required = [...(condition?.required ?? [])].sort();
    const wanted = ['lastTransitionTime', 'message', 'reason', 'status', 'type'];
    return required.join() === wanted.join() &&
      fields.join() === [...wanted, 'observedGeneration'].sort().join()
      ? []
      : [`fields ${fields.join()}, required ${required.join()}`];
  },

  'the status says which generation it describes': ({ status }) =>
    status.properties?.observedGeneration?.format === 'int64' ? [] : ['status.observedGeneration'],

  'nothing in the status is required': ({ status }) => status.required ?? [],

  'there is no phase': ({ nodes }) => pathsOf(nodes.filter(({ field }) => field?.name === 'phase')),

  'references name the object they refer to': ({ nodes }) =>
    pathsOf(
      nodes.filter(
        ({ field, schema }) => field?.name.endsWith('Ref') === true && !schema.required?.includes('name'),
      ),
    ),

  'messages of rules are one line, say must or must not, and have no full stop': (subject) =>
    celRules(subject)
      .filter(({ message }) => !/^[^\n]*\bmust\b[^\n]*[^.\n]$/.test(message))
      .map(({ message }) => message),

  'messages of rules use words, not symbols': (subject) =>
    celRules(subject)
      .filter(({ message }) => /[<>=!&|]|self\b/.test(message))
      .map(({ message }) => message),

  'messages of rules name a field in back-quotes': (subject) =>
    celRules(subject)
      .filter(({ message }) => !/`[a-z][A-Za-z.]*`/.test(message))
      .map(({ message }) => message),

  'rules are on one line and point at a field that exists, without an index': (subject) =>
    celRules(subject)
      .filter(({ rule, fieldPath = '', schema }) => {
        const field = fieldPath
          .split('.')
          .slice(1)
          .reduce<StructuralSchema | undefined>((node, name) => node?.properties?.[name], schema);
        return rule.includes('\n') || field === undefined;
      })
      .map(({ path, fieldPath, message }) => `${path}${fieldPath}: ${message}`),

  'no two rules say the same at the same place': (subject) => {
    const messages = celRules(subject).map(({ path, message }) => `${path}: ${message}`);
    return messages.filter((message, index) => messages.indexOf(message) !== index);
  },

  'there is one version, served and stored': ({ crd }) =>
    crd.spec.versions.length === 1 && crd.spec.versions[0]?.served === true && crd.spec.versions[0].storage
      ? []
      : crd.spec.versions.map(({ name }) => name),

  'the kind has a singular, a short name, a list kind and a category': ({ crd }) => {
    const { kind, plural, singular, listKind, shortNames, categories } = crd.spec.names;
    return singular === kind.toLowerCase() &&
      listKind === `${kind}List` &&
      shortNames.length > 0 &&
      categories.length > 0 &&
      crd.metadata.name === `${plural}.${crd.spec.group}`
      ? []
      : [JSON.stringify(crd.spec.names)];
  },

  'columns, selectable fields and scale point at fields that exist': ({ version, nodes }) => {
    const { scale } = version.subresources;
    const paths = [
      ...version.additionalPrinterColumns.map(({ jsonPath }) => jsonPath),
      ...version.selectableFields.map(({ jsonPath }) => jsonPath),
      ...(scale === undefined ? [] : Object.values(scale)),
    ];
    const known = new Set(['.metadata.creationTimestamp', ...nodes.map(({ path }) => `.${path}`)]);
    return paths.filter((path) => !known.has(path.replace(/\[\?\(@\.type=="(Ready|Open)"\)\]/, '[*]')));
  },

  'columns end with the age': ({ version }) => {
    const last = version.additionalPrinterColumns.at(-1);
    return last?.name === 'Age' && last.type === 'date' ? [] : [JSON.stringify(last)];
  },

  'the status is a subresource': ({ version }) =>
    version.subresources.status === undefined ? ['subresources.status'] : [],
};

/** Throws when the CRD has no version with spec and status, or a schema that is not structural. */
export function subjectOf(crd: CustomResourceDefinition): Subject {
  const version = crd.spec.versions[0];
  const root = structuralSchemaSchema.parse(version?.schema.openAPIV3Schema);
  const { spec, status } = root.properties ?? {};
  if (version === undefined || spec === undefined || status === undefined) {
    throw new Error(`${crd.metadata.name} has no version with spec and status`);
  }
  return { crd, version, root, spec, status, nodes: [...walk(root, '')] };
}
