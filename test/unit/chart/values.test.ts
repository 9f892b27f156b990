import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { z } from 'zod';
import { CLASSROOM_DEFAULTS, classroomValuesSchema } from '../../../src/chart/classroom-values.ts';
import { gatewaySettingsValues, SETTINGS_OF_THE_CHART } from '../../../src/chart/gateway-settings.ts';
import { gpuClassroomValues } from '../../../src/chart/gpu-classroom-values.ts';
import { valuesFile } from '../../../src/chart/values-file.ts';
import { valuesTable } from '../../../src/chart/values-reference.ts';
import { type JsonSchema, jsonSchemaOf, valuesSchema } from '../../../src/chart/values-schema.ts';
import { NAMES_IN_FILE } from '../../../src/gateway/options.ts';

const schema = valuesSchema(gpuClassroomValues);
const defaults = gpuClassroomValues.parse({});

describe('the values of gpu-classroom', () => {
  test('are complete in values.yaml, as Helm reads it', () => {
    // Helm reads YAML 1.1, where a bare `off` is false.
    expect(parse(valuesFile(schema, defaults), { version: '1.1' })).toEqual(defaults);
  });

  test('are what an empty file means', () => {
    expect(gpuClassroomValues.parse(parse(valuesFile(schema, defaults)))).toEqual(defaults);
  });

  test('have a row each in the table', () => {
    const table = valuesTable(schema);
    expect(table).toContain('| `gateway.valkey.url` | `""` |');
    expect(table).toContain('| `gateway.settings` | `{}` |');
    expect(table).not.toContain('undefined');
  });

  test.each(['nonsense', 'gateway.nonsense', 'gateway.settings.nonsense', 'ingress.nonsense'])(
    'do not include %s: what is misspelled is refused',
    (path) => {
      expect(blockOf(schema, path.split('.').slice(0, -1)).additionalProperties).toBe(false);
    },
  );

  test.each([
    ['replicas', { gateway: { replicas: 0 } }],
    ['a URL without scheme', { gateway: { baseURL: 'llm.school.example' } }],
    ['a Valkey URL of another kind', { gateway: { valkey: { url: 'http://valkey' } } }],
    ['a duration without unit', { gateway: { settings: { idleTimeout: '120' } } }],
    ['a number that the gateway refuses', { gateway: { settings: { queuePerStudent: 0 } } }],
    ['a number that the operator refuses', { operator: { workers: 65 } }],
    ['a log level', { operator: { logLevel: 'loud' } }],
  ])('refuse %s that cannot be', (_what, values) => {
    expect(gpuClassroomValues.safeParse(values).success).toBe(false);
  });
});

describe('settings of the gateway', () => {
  const inValues = Object.keys(gatewaySettingsValues().shape).filter((name) => name !== 'jwt');

  test('stand in the values, unless the chart writes them itself', () => {
    expect([...inValues, ...SETTINGS_OF_THE_CHART].sort()).toEqual([...NAMES_IN_FILE.keys()].sort());
  });

  test('may be what the gateway takes for granted', () => {
    const settings = { queuePerStudent: 64, idleTimeout: '2m', logLevel: 'info', trustTraceparent: true };
    expect(gatewaySettingsValues().parse(settings)).toEqual(settings);
  });

  test.each([[['10.0.0.0/8', 'fd00::/8']], ['10.0.0.0/8,fd00::/8']])(
    'take addresses as %j',
    (trustedProxies) => {
      expect(gatewaySettingsValues().parse({ trustedProxies })).toEqual({ trustedProxies });
    },
  );
});

describe('the values of classroom', () => {
  test('are complete in values.yaml', () => {
    expect(parse(valuesFile(classroomValuesSchema(), CLASSROOM_DEFAULTS))).toEqual(CLASSROOM_DEFAULTS);
    expect(Object.keys(classroomValuesSchema().properties ?? {})).toEqual(Object.keys(CLASSROOM_DEFAULTS));
  });

  test('have the fields of the spec, and refuse others', () => {
    const model = blockOf(classroomValuesSchema(), ['spec', 'model']);
    expect(model.properties).toHaveProperty('servedName');
    expect(model.additionalProperties).toBe(false);
    expect(model.required).toEqual(['id']);
  });

  test('name a student by what the trainer knows, beside the fields of the seat', () => {
    const student = blockOf(classroomValuesSchema(), ['students']).items;
    expect(student?.required).toEqual(['id']);
    expect(Object.keys(student?.properties ?? {})).toEqual(
      expect.arrayContaining(['id', 'displayName', 'group', 'name', 'user', 'limits', 'weight', 'access']),
    );
    expect(student?.properties).not.toHaveProperty('classroomRef');
  });
});

describe('a schema of a CRD as JSON Schema', () => {
  test('loses what only the API server understands, and accepts null where that means absent', () => {
    expect(
      jsonSchemaOf({
        type: 'object',
        properties: { until: { type: 'string', format: 'date-time', maxLength: 40, nullable: true } },
        'x-kubernetes-validations': [{ rule: 'true', message: 'm', reason: 'FieldValueInvalid' }],
      }),
    ).toEqual({
      type: 'object',
      properties: { until: { type: ['string', 'null'], maxLength: 40 } },
      additionalProperties: false,
    });
  });
});

describe('values.yaml', () => {
  test('says what each value is for, in lines that fit', () => {
    const type = z.strictObject({
      long: z.string().default('off').describe('word '.repeat(40).trim()),
      block: z
        .strictObject({ inner: z.int().default(1).describe('Inner.') })
        .prefault({})
        .describe('Block.'),
    });
    const text = valuesFile(valuesSchema(type), type.parse({}));
    expect(text.split('\n').filter((line) => line.length > 110)).toEqual([]);
    expect(text).toContain('\nlong: "off"\n\n# Block.\nblock:\n  # Inner.\n  inner: 1\n');
  });

  test('cannot be written while a value has no description', () => {
    const type = z.strictObject({ silent: z.string().default('') });
    expect(() => valuesFile(valuesSchema(type), type.parse({}))).toThrow('silent has no description');
  });
});

function blockOf(root: JsonSchema, path: readonly string[]): JsonSchema {
  return path.reduce((block, name) => {
    const inner = block.properties?.[name];
    if (inner === undefined) throw new Error(`there is no ${path.join('.')}`);
    return inner;
  }, root);
}
