import { z } from 'zod';

const schemaShape = z.looseObject({
  type: z.union([z.string(), z.array(z.string())]).optional(),
  enum: z.array(z.unknown()).optional(),
  const: z.unknown().optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  items: z.unknown().optional(),
});

const DEEPEST = 8;

function valueFor(schema: unknown, name: string, depth: number): unknown {
  const parsed = schemaShape.safeParse(schema);
  if (!parsed.success || depth > DEEPEST) return null;
  const { type, enum: members, const: constant, properties, items } = parsed.data;
  if (constant !== undefined) return constant;
  if (members !== undefined) return members[0] ?? null;
  const kind = Array.isArray(type) ? type[0] : type;
  if (kind === 'object' || properties !== undefined) {
    return Object.fromEntries(
      Object.entries(properties ?? {}).map(([key, each]) => [key, valueFor(each, key, depth + 1)]),
    );
  }
  if (kind === 'array') return items === undefined ? [] : [valueFor(items, name, depth + 1)];
  if (kind === 'integer' || kind === 'number') return 1;
  if (kind === 'boolean') return true;
  return kind === 'null' ? null : `example ${name}`.trim();
}

/** JSON that satisfies a simple JSON schema: first member of enums, one item in arrays. */
export function jsonAnswer(schema: object): string {
  const empty = Object.keys(schema).length === 0;
  return JSON.stringify(empty ? { answer: 'example' } : valueFor(schema, '', 0));
}
