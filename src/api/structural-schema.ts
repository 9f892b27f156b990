import { z } from 'zod';

const celRuleSchema = z.strictObject({
  rule: z.string(),
  message: z.string(),
  reason: z.enum(['FieldValueInvalid', 'FieldValueForbidden', 'FieldValueRequired']),
  fieldPath: z.string().optional(),
});

/**
 * The part of a structural schema that our API uses. Whatever else zod could emit (`$ref`, `oneOf`, `anyOf`,
 * `const`, `additionalProperties: false`, floats) is refused here, because the API server refuses it, prunes by it,
 * or cannot give it a CEL cost.
 *
 * The order of the keys is the order in the generated manifests.
 *
 * @see https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
 */
export const structuralSchemaSchema = z.strictObject({
  description: z.string().optional(),
  /** Absent where `x-kubernetes-int-or-string` stands for it. */
  type: z.enum(['object', 'array', 'string', 'integer', 'boolean']).optional(),
  format: z.enum(['int32', 'int64', 'date', 'date-time']).optional(),
  nullable: z.boolean().optional(),
  default: z.json().optional(),
  enum: z.array(z.string()).optional(),
  minimum: z.int().optional(),
  maximum: z.int().optional(),
  minLength: z.int().optional(),
  maxLength: z.int().optional(),
  pattern: z.string().optional(),
  minItems: z.int().optional(),
  maxItems: z.int().optional(),
  maxProperties: z.int().optional(),
  required: z.array(z.string()).optional(),
  get properties() {
    return z.record(z.string(), structuralSchemaSchema).optional();
  },
  get additionalProperties() {
    return structuralSchemaSchema.optional();
  },
  get items() {
    return structuralSchemaSchema.optional();
  },
  'x-kubernetes-int-or-string': z.literal(true).optional(),
  'x-kubernetes-list-type': z.enum(['atomic', 'set', 'map']).optional(),
  'x-kubernetes-list-map-keys': z.array(z.string()).optional(),
  'x-kubernetes-validations': z.array(celRuleSchema).optional(),
});

export type StructuralSchema = z.infer<typeof structuralSchemaSchema>;

/** A zod schema that cannot become part of a CRD. Says where, why, and what to write instead. */
export class StructuralSchemaError extends Error {
  constructor(path: string, problem: string, remedy: string) {
    super(`${path} cannot be part of a CRD: ${problem}. ${remedy}`);
    this.name = 'StructuralSchemaError';
  }
}

/**
 * The structural schema of what a person may write: fields with a default are optional.
 *
 * @param path where the schema stands in the object, such as `spec`; only for error messages
 * @throws StructuralSchemaError when the API server could not use the schema, or a field has no bound
 */
export function structuralSchema(type: z.ZodType, path: string): StructuralSchema {
  const json = z.toJSONSchema(type, {
    target: 'openapi-3.0',
    io: 'input',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => intOrStringInOne(jsonSchema),
  });
  const parsed = structuralSchemaSchema.safeParse(json);
  if (!parsed.success) throw vocabularyError(parsed.error, path);
  const schema = finished(parsed.data);
  for (const visit of walk(schema, path)) refuseTypeless(visit);
  for (const visit of walk(schema, path)) refuseUnbounded(visit);
  return schema;
}

/** Bounds of the number and of the text stand side by side: each of them is for its own. */
function intOrStringInOne(json: Record<string, unknown>): void {
  const { anyOf } = json;
  if (json['x-kubernetes-int-or-string'] !== true || !Array.isArray(anyOf)) return;
  delete json.anyOf;
  Object.assign(json, ...anyOf);
  delete json.type;
  delete json.format;
}

function vocabularyError(error: z.ZodError, path: string): StructuralSchemaError {
  const [issue] = error.issues;
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys : [];
  const { where, keyword } = placeOf([...(issue?.path ?? []), ...unknown.slice(0, 1)], path);
  return notStructural(where, unknown.length === 0 ? keyword : unknown.join(', '));
}

function notStructural(where: string, keywords: string): StructuralSchemaError {
  return new StructuralSchemaError(
    where,
    `its JSON schema has no structural ${keywords}`,
    'Write it with objects, lists, strings, enums of strings, booleans and whole numbers.',
  );
}

function refuseTypeless({ path, schema }: SchemaVisit): void {
  if (schema.type === undefined && !schema['x-kubernetes-int-or-string']) throw notStructural(path, 'type');
}

/** Where in the object a place in the JSON schema is: `properties.gpu.items.type` is the `type` of `gpu[*]`. */
function placeOf(schemaPath: readonly PropertyKey[], root: string): { where: string; keyword: string } {
  const [keyword, name] = schemaPath;
  switch (schemaPath.length > 1 ? keyword : undefined) {
    case 'properties':
      return placeOf(schemaPath.slice(2), `${root}.${String(name)}`);
    case 'items':
      return placeOf(schemaPath.slice(1), `${root}[*]`);
    case 'additionalProperties':
      return placeOf(schemaPath.slice(1), `${root}.*`);
    default:
      return { where: root, keyword: String(keyword) };
  }
}

/** One node of a schema. `path` uses `[*]` for the items of a list and `.*` for the values of a map. */
export interface SchemaVisit {
  path: string;
  schema: StructuralSchema;
  /** Absent for the root, for the items of lists and for the values of maps. */
  field?: { name: string; required: boolean };
}

/** Every node of a schema, parents before children, in the order of the fields. */
export function* walk(
  schema: StructuralSchema,
  path: string,
  field?: SchemaVisit['field'],
): Generator<SchemaVisit> {
  yield field === undefined ? { path, schema } : { path, schema, field };
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    const required = schema.required?.includes(name) ?? false;
    yield* walk(child, path === '' ? name : `${path}.${name}`, { name, required });
  }
  if (schema.items !== undefined) yield* walk(schema.items, `${path}[*]`);
  if (schema.additionalProperties !== undefined) yield* walk(schema.additionalProperties, `${path}.*`);
}

function finished(schema: StructuralSchema): StructuralSchema {
  const { pattern, properties, items, additionalProperties, ...rest } = schema;
  const children = properties && mapValues(properties, finished);
  return structuralSchemaSchema.parse({
    ...rest,
    default: withInnerDefaults(schema.default, children),
    pattern: shortPattern(schema.format, pattern),
    properties: children,
    items: items && finished(items),
    additionalProperties: additionalProperties && finished(additionalProperties),
  });
}

/**
 * zod's patterns for dates are longer than a page and say much the same as the format, which the API server checks.
 * That format also lets through a lower-case `t` or `z` and offsets of more than a day, which RFC 3339 parsers refuse.
 */
function shortPattern(format: StructuralSchema['format'], pattern: string | undefined): string | undefined {
  switch (format) {
    case 'date':
      return undefined;
    case 'date-time':
      return '^[-0-9]+T[0-9:.]+(Z|[-+]([01][0-9]|2[0-3]):[0-5][0-9])$';
    default:
      return pattern;
  }
}

/** The API server evaluates CEL rules on a default as it is written, before the defaults inside it are filled in. */
function withInnerDefaults(
  value: StructuralSchema['default'],
  properties: StructuralSchema['properties'],
): StructuralSchema['default'] {
  if (properties === undefined || value === null || typeof value !== 'object' || Array.isArray(value)) {
    return value;
  }
  const inner = Object.entries(properties).flatMap(([name, child]) => {
    const filled = withInnerDefaults(value[name] ?? child.default, child.properties);
    return filled === undefined ? [] : [[name, filled] as const];
  });
  return { ...value, ...Object.fromEntries(inner) };
}

/**
 * The same schema, but an optional field without a default may be null, which means the same as absent: manifests
 * and chart values write `maxNumSeqs: null` to say "as planned". The API server drops nulls by itself only where
 * there is a default; CEL rules see a null as absent. Enums cannot be null: it refuses that even where `enum` lists
 * null.
 */
export function acceptingNulls(schema: StructuralSchema): StructuralSchema {
  const { properties, items, required } = schema;
  const mayBeNull = (name: string, child: StructuralSchema) =>
    child.default === undefined && child.enum === undefined && !required?.includes(name);
  return structuralSchemaSchema.parse({
    ...schema,
    properties:
      properties &&
      Object.fromEntries(
        Object.entries(properties).map(([name, child]) => [
          name,
          { ...acceptingNulls(child), ...(mayBeNull(name, child) ? { nullable: true } : {}) },
        ]),
      ),
    items: items && acceptingNulls(items),
  });
}

function mapValues<T, U>(record: Record<string, T>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}

function refuseUnbounded({ path, schema }: SchemaVisit): void {
  const missing = missingBound(schema);
  if (missing === undefined) return;
  throw new StructuralSchemaError(path, `it has no ${missing}`, 'Give it one: see src/api/bounds.ts.');
}

/** The bound that a node lacks: unbounded fields make the cost of CEL rules inestimable. */
export function missingBound(schema: StructuralSchema): string | undefined {
  switch (schema.type) {
    case 'string':
      return schema.maxLength === undefined && schema.enum === undefined ? 'maxLength' : undefined;
    case 'integer':
      // What z.int() writes where no minimum is given.
      if (schema.minimum === undefined || schema.minimum === Number.MIN_SAFE_INTEGER) return 'minimum';
      return schema.maximum === undefined ? 'maximum' : undefined;
    case 'array':
      return schema.maxItems === undefined ? 'maxItems' : undefined;
    case 'object':
      return schema.additionalProperties !== undefined && schema.maxProperties === undefined
        ? 'maxProperties'
        : undefined;
    case 'boolean':
      return undefined;
    case undefined:
      return missingBound({ ...schema, type: 'string' }) ?? missingBound({ ...schema, type: 'integer' });
  }
}
