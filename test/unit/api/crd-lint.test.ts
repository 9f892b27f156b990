import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { type CustomResourceDefinition, customResourceDefinitions } from '../../../src/api/crd.ts';
import { BOOLEANS, conventions, subjectOf } from '../../support/api/conventions.ts';
import { type ObjectPath, withValueAt } from '../../support/api/object-path.ts';

const CRDS = join(import.meta.dirname, '../../../crds');

function shipped(file: string): CustomResourceDefinition {
  return parse(readFileSync(join(CRDS, file), 'utf8'));
}

const files = readdirSync(CRDS).filter((file) => file.endsWith('.yaml'));

test('there are manifests to check', () => {
  expect(files).toEqual(['gpu-classroom.io_classrooms.yaml', 'gpu-classroom.io_studentquotas.yaml']);
});

describe.each(files)('%s', (file) => {
  const subject = subjectOf(shipped(file));

  test.each(Object.keys(conventions))('%s', (name) => {
    expect(conventions[name]?.(subject)).toEqual([]);
  });
});

test('every boolean that has a reason exists', () => {
  const booleans = files
    .flatMap((file) => subjectOf(shipped(file)).nodes)
    .filter(({ schema }) => schema.type === 'boolean')
    .map(({ path }) => path);
  expect(booleans.sort()).toEqual(Object.keys(BOOLEANS).sort());
});

const version: ObjectPath = ['spec', 'versions', 0];
const root: ObjectPath = [...version, 'schema', 'openAPIV3Schema'];
const field = (...names: string[]): ObjectPath => [...root, ...names.flatMap((name) => ['properties', name])];
const status = field('status');
const weight = field('spec', 'weight');
const classRule: ObjectPath = [...field('spec', 'classroomRef'), 'x-kubernetes-validations', 0];
const extra = { type: 'string', maxLength: 9, description: 'More.', nullable: true };

/** What a careless change would do to the CRD of StudentQuota, by the convention that notices it. */
const slips: Record<keyof typeof conventions, [path: ObjectPath, value: unknown]> = {
  'every text, number, list and map has a bound': [[...weight, 'maximum'], undefined],
  'every field has a description': [[...weight, 'description'], undefined],
  'descriptions are sentences on one line': [[...weight, 'description'], 'share in the fair queue'],
  'whole numbers say whether they have 32 or 64 bits and keep within those that JavaScript can hold': [
    [...weight, 'maximum'],
    2 ** 31,
  ],
  'booleans have a reason': [weight, { type: 'boolean', default: true, description: 'Heavy.' }],
  'values of enums are CamelCase': [
    [...field('spec', 'access'), 'enum'],
    ['active', 'suspended'],
  ],
  'names of fields are camelCase': [field('spec', 'Weight_2'), extra],
  'times are instants with a format': [field('spec', 'startTime'), extra],
  'patterns hold for the whole text': [[...field('spec', 'student', 'id'), 'pattern'], '[a-z]'],
  'required texts are not empty': [[...field('spec', 'student', 'id'), 'minLength'], undefined],
  'only optional fields have a default': [[...field('spec', 'student', 'id'), 'default'], 'alice'],
  'in the spec exactly the optional fields without a default may be null, but for enums': [
    [...field('spec', 'expiresAt'), 'nullable'],
    undefined,
  ],
  'every list has a list type': [[...field('status', 'keys'), 'x-kubernetes-list-type'], undefined],
  'lists of type map have keys that every item must have': [
    [...field('status', 'conditions'), 'x-kubernetes-list-map-keys'],
    ['observedGeneration'],
  ],
  'conditions come first in the status, as a list keyed by type': [
    [...status, 'properties'],
    { secretName: extra, conditions: { type: 'array', maxItems: 1 } },
  ],
  'conditions have the shape of metav1.Condition': [
    [...field('status', 'conditions'), 'items', 'required'],
    ['type', 'status'],
  ],
  'the status says which generation it describes': [field('status', 'observedGeneration'), undefined],
  'nothing in the status is required': [[...status, 'required'], ['conditions']],
  'there is no phase': [field('status', 'phase'), extra],
  'references name the object they refer to': [[...field('spec', 'classroomRef'), 'required'], undefined],
  'messages of rules are one line, say must or must not, and have no full stop': [
    [...classRule, 'message'],
    '`classroomRef` is immutable.',
  ],
  'messages of rules use words, not symbols': [[...classRule, 'message'], '`name` must be >= 1'],
  'messages of rules name a field in back-quotes': [[...classRule, 'message'], 'the class must not change'],
  'rules are on one line and point at a field that exists, without an index': [
    [...classRule, 'fieldPath'],
    '.names',
  ],
  'no two rules say the same at the same place': [
    [...field('spec', 'student'), 'x-kubernetes-validations'],
    Array(2).fill({ rule: 'true', message: '`id` must be', reason: 'FieldValueInvalid' }),
  ],
  'there is one version, served and stored': [[...version, 'served'], false],
  'the kind has a singular, a short name, a list kind and a category': [['spec', 'names', 'shortNames'], []],
  'columns, selectable fields and scale point at fields that exist': [
    [...version, 'selectableFields'],
    [{ jsonPath: '.spec.studentId' }],
  ],
  'columns end with the age': [
    [...version, 'additionalPrinterColumns'],
    [{ name: 'Student', type: 'string', jsonPath: '.spec.student.id' }],
  ],
  'the status is a subresource': [[...version, 'subresources'], {}],
};

describe('a careless change is noticed', () => {
  const good = customResourceDefinitions().find(({ spec: { names } }) => names.kind === 'StudentQuota');

  test.each(Object.keys(conventions))('%s', (name) => {
    const [path, value] = slips[name] ?? [];
    if (good === undefined || path === undefined) throw new Error(`no slip for the convention: ${name}`);
    const slipped = JSON.parse(JSON.stringify(withValueAt(good, path, value)));
    expect(conventions[name]?.(subjectOf(slipped))).not.toEqual([]);
  });
});
