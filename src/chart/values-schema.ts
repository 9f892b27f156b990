import { z } from 'zod';
import type { StructuralSchema } from '../api/structural-schema.ts';

/** The part of JSON Schema that chart values use. Helm checks values with it before it renders anything. */
const jsonSchemaSchema = z.looseObject({
  description: z.string().optional(),
  type: z.union([z.string(), z.array(z.string())]).optional(),
  default: z.json().optional(),
  required: z.array(z.string()).optional(),
  minItems: z.int().optional(),
  get properties() {
    return z.record(z.string(), jsonSchemaSchema).optional();
  },
  get additionalProperties() {
    return z.union([z.boolean(), jsonSchemaSchema]).optional();
  },
  get items() {
    return jsonSchemaSchema.optional();
  },
});

export type JsonSchema = z.infer<typeof jsonSchemaSchema>;

/** https://json-schema.org/draft-07: what every Helm since 3.0 understands. */
const DIALECT = 'http://json-schema.org/draft-07/schema#';

/** Means nothing to the chart: a chart that it is a part of decides by it whether there is this part. */
const CONDITION: JsonSchema = {
  description: 'For `condition` in a chart that this one is part of. Not used.',
  type: 'boolean',
};

/** `values.schema.json` of a chart. */
export function valuesSchemaFile({ properties, ...schema }: JsonSchema): string {
  const file = { $schema: DIALECT, ...schema, properties: { ...properties, enabled: CONDITION } };
  return `${JSON.stringify(file, null, 2)}\n`;
}

/** The schema of values as people write them: what has a default may be absent. */
export function valuesSchema(type: z.ZodType): JsonSchema {
  const { $schema: _, ...schema } = jsonSchemaSchema.parse(
    z.toJSONSchema(type, { target: 'draft-7', io: 'input', unrepresentable: 'any' }),
  );
  return tidied(schema);
}

/** The default of a block is that of its values, and that names are texts goes without saying. */
function tidied(schema: JsonSchema): JsonSchema {
  const { propertyNames: _, properties, items, additionalProperties, default: value, ...rest } = schema;
  return jsonSchemaSchema.parse({
    ...rest,
    ...(!isBlock(schema) && value !== undefined && { default: value }),
    ...(properties !== undefined && { properties: mapValues(properties, tidied) }),
    ...(items !== undefined && { items: tidied(items) }),
    ...(additionalProperties !== undefined && {
      additionalProperties:
        typeof additionalProperties === 'boolean' ? additionalProperties : tidied(additionalProperties),
    }),
  });
}

/** Whether every value below has a default, unlike settings that nobody has to make. */
export function isBlock({ properties }: JsonSchema): boolean {
  if (properties === undefined) return false;
  return Object.values(properties).every((child) => child.default !== undefined || isBlock(child));
}

/**
 * The same as JSON Schema, for values that become fields of our own objects. A field that the kind does not have is an
 * error: the API server would drop it with a warning at most.
 */
export function jsonSchemaOf(structural: StructuralSchema): JsonSchema {
  const { properties, items, additionalProperties, nullable, type, format: _format, ...rest } = structural;
  const plain = Object.entries(rest).filter(([keyword]) => !keyword.startsWith('x-kubernetes-'));
  return jsonSchemaSchema.parse({
    ...Object.fromEntries(plain),
    ...typeOf(type ?? ['integer', 'string'], nullable),
    ...(properties !== undefined && {
      properties: mapValues(properties, jsonSchemaOf),
      additionalProperties: false,
    }),
    ...(items !== undefined && { items: jsonSchemaOf(items) }),
    ...(additionalProperties !== undefined && { additionalProperties: jsonSchemaOf(additionalProperties) }),
  });
}

function typeOf(type: string | string[], nullable: boolean | undefined): Pick<JsonSchema, 'type'> {
  return { type: nullable ? [type, 'null'].flat() : type };
}

function mapValues<T, U>(record: Record<string, T>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}
