import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { acceptingNulls, structuralSchema, walk } from '../../../src/api/structural-schema.ts';

const text = () => z.string().max(8);

describe('a schema becomes structural', () => {
  test('with its bounds, defaults and descriptions', () => {
    const schema = z.object({
      name: text().min(1).describe('Who.'),
      size: z.int().min(1).max(9).default(3),
      sharing: z.enum(['None', 'MIG']).default('None'),
    });
    expect(structuralSchema(schema, 'spec')).toEqual({
      type: 'object',
      required: ['name'],
      properties: {
        name: { type: 'string', description: 'Who.', minLength: 1, maxLength: 8 },
        size: { type: 'integer', minimum: 1, maximum: 9, default: 3 },
        sharing: { type: 'string', enum: ['None', 'MIG'], default: 'None' },
      },
    });
  });

  test('with the format of a date in place of its pattern', () => {
    expect(structuralSchema(z.iso.date().max(10), 'spec')).toEqual({
      type: 'string',
      format: 'date',
      maxLength: 10,
    });
  });

  test('with a short pattern for an instant', () => {
    expect(structuralSchema(z.iso.datetime({ offset: true }).max(40), 'spec')).toEqual({
      type: 'string',
      format: 'date-time',
      maxLength: 40,
      pattern: '^[-0-9]+T[0-9:.]+(Z|[-+]([01][0-9]|2[0-3]):[0-5][0-9])$',
    });
  });

  test('with the defaults inside a default, which CEL rules would not see otherwise', () => {
    const inner = z.object({ min: z.int().min(0).max(9).default(1), max: z.int().min(0).max(9).optional() });
    const schema = z
      .object({ replicas: inner.prefault({}), image: text().default('x') })
      .prefault({ image: 'y' });
    expect(structuralSchema(schema, 'spec').default).toEqual({ image: 'y', replicas: { min: 1 } });
  });
});

describe('what the API server could not use is refused where it stands', () => {
  test.each<[name: string, schema: z.ZodType, message: string]>([
    ['a text without a bound', z.string(), 'spec.it cannot be part of a CRD: it has no maxLength.'],
    ['a number without a lower bound', z.int().max(1), 'spec.it cannot be part of a CRD: it has no minimum.'],
    ['a list without a bound', z.array(text()), 'spec.it cannot be part of a CRD: it has no maxItems.'],
    [
      'a map without a bound',
      z.record(text(), text()),
      'spec.it cannot be part of a CRD: it has no maxProperties.',
    ],
    [
      'a text in a list',
      z.array(z.string()).max(2),
      'spec.it[*] cannot be part of a CRD: it has no maxLength.',
    ],
    ['a number in a map', z.record(text(), z.number()), 'spec.it.* cannot be part of a CRD: '],
    ['a number with a fraction', z.number().min(0).max(1), 'its JSON schema has no structural type.'],
    [
      'a union',
      z.union([text(), z.int().min(0).max(9)]),
      'spec.it cannot be part of a CRD: its JSON schema has no structural anyOf.',
    ],
    [
      'a number or text without a bound of the number',
      z.union([text(), z.int().max(9)]).meta({ 'x-kubernetes-int-or-string': true }),
      'spec.it cannot be part of a CRD: it has no minimum.',
    ],
    ['a literal', z.literal(1), 'its JSON schema has no structural type.'],
    ['a tuple', z.tuple([text()]), 'spec.it[*] cannot be part of a CRD: '],
    ['anything', z.unknown(), 'its JSON schema has no structural type.'],
    [
      'an object that refuses what it does not know',
      z.strictObject({}),
      'has no structural additionalProperties.',
    ],
    ['an object that keeps what it does not know', z.looseObject({}), 'spec.it.* cannot be part of a CRD: '],
  ])('%s', (_name, schema, message) => {
    expect(() => structuralSchema(z.object({ it: schema }), 'spec')).toThrow(message);
  });
});

test('a number or text has the bounds of both, and no type', () => {
  const amount = z.union([text(), z.int().min(0).max(9)]).meta({ 'x-kubernetes-int-or-string': true });
  const { it } = structuralSchema(z.object({ it: amount.describe('How many.') }), 'spec').properties ?? {};
  expect(it).toEqual({
    description: 'How many.',
    'x-kubernetes-int-or-string': true,
    minimum: 0,
    maximum: 9,
    maxLength: expect.any(Number),
  });
});

test('optional fields without a default may be null, but for enums', () => {
  const schema = structuralSchema(
    z.object({
      required: text(),
      optional: text().optional(),
      withDefault: text().default('x'),
      choice: z.enum(['A', 'B']).optional(),
      list: z.array(z.object({ inner: text().optional() })).max(2),
    }),
    'spec',
  );
  const nullable = [...walk(acceptingNulls(schema), 'spec')].filter(({ schema: node }) => node.nullable);
  expect(nullable.map(({ path }) => path)).toEqual(['spec.optional', 'spec.list[*].inner']);
});
