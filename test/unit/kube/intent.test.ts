import { describe, expect, test } from '@jest/globals';
import {
  differencesOf,
  intentHashAnnotation,
  statusDifferencesOf,
  upgradeManagedFields,
  wasWrittenBy,
  withIntentHash,
} from '../../../src/kube/intent.ts';
import type { KubeObject, ManagedFieldsEntry } from '../../../src/kube/object.ts';
import { parseQuantity, sameQuantity } from '../../../src/kube/quantity.ts';

type Body = Record<string, unknown>;

function withSpec(spec: Body): KubeObject & { spec: Body } {
  return { apiVersion: 'v1', kind: 'Thing', metadata: { name: 'a', namespace: 'ns' }, spec };
}

function withManagedFields(managedFields: ManagedFieldsEntry[], rest: Body = {}): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Thing',
    metadata: { name: 'a', namespace: 'ns', managedFields },
    ...rest,
  };
}

describe('no difference', () => {
  test.each<[string, Body, Body]>([
    ['the same', { a: 1, b: ['x'], c: { d: true } }, { a: 1, b: ['x'], c: { d: true } }],
    ['what the server adds', { a: 1 }, { a: 1, defaulted: 'yes', nested: { more: 1 } }],
    [
      'what the server adds to the elements of a list',
      { ports: [{ port: 1 }] },
      { ports: [{ port: 1, protocol: 'TCP' }] },
    ],
    ['another spelling of a quantity', { limits: { memory: '1024Mi' } }, { limits: { memory: '1Gi' } }],
    ['a quantity given as a number', { requests: { cpu: 1 } }, { requests: { cpu: '1' } }],
    [
      'another spelling of a size limit',
      { emptyDir: { sizeLimit: '2048Mi' } },
      { emptyDir: { sizeLimit: '2Gi' } },
    ],
    ['an empty list that was left out', { ingress: [] }, {}],
    ['an empty map that was left out', { selector: {} }, {}],
    ['null where nothing is', { a: null }, {}],
    ['undefined in the intent', { a: undefined }, { a: 1 }],
  ])('%s', (_name, intent, observed) => {
    expect(differencesOf(withSpec(intent), withSpec(observed))).toEqual([]);
  });

  test('owners and finalizers that others added', () => {
    const owner = { apiVersion: 'v1', kind: 'Thing', name: 'o', uid: 'u' };
    const intent = withSpec({});
    intent.metadata.ownerReferences = [owner];
    intent.metadata.finalizers = ['ours'];
    const observed = withSpec({});
    observed.metadata.ownerReferences = [{ ...owner, uid: 'other' }, owner];
    observed.metadata.finalizers = ['foregroundDeletion', 'ours'];

    expect(differencesOf(intent, observed)).toEqual([]);
    expect(differencesOf(observed, intent).map(({ path }) => path)).toEqual([
      'metadata.ownerReferences',
      'metadata.finalizers',
    ]);
  });
});

describe('a difference', () => {
  test.each<[string, Body, Body, string]>([
    ['another value', { a: 1 }, { a: 2 }, 'spec.a'],
    ['a missing value', { a: { b: 'x' } }, { a: {} }, 'spec.a.b'],
    ['a missing false: it may mean something', { automount: false }, {}, 'spec.automount'],
    ['null where something is', { a: null }, { a: 1 }, 'spec.a'],
    ['an element more', { args: ['a'] }, { args: ['a', 'b'] }, 'spec.args'],
    ['an element less', { args: ['a', 'b'] }, { args: ['a'] }, 'spec.args'],
    ['another order', { args: ['a', 'b'] }, { args: ['b', 'a'] }, 'spec.args.0'],
    ['a value in an element', { ports: [{ port: 1 }] }, { ports: [{ port: 2 }] }, 'spec.ports.0.port'],
    [
      'a label more in a selector',
      { selector: { app: 'a' } },
      { selector: { app: 'a', b: 'c' } },
      'spec.selector',
    ],
    [
      'an expression more in a selector',
      { podSelector: { matchLabels: { app: 'a' } } },
      { podSelector: { matchLabels: { app: 'a' }, matchExpressions: [{ key: 'b' }] } },
      'spec.podSelector',
    ],
    [
      'a label more within a selector',
      { podSelector: { matchLabels: { app: 'a' } } },
      { podSelector: { matchLabels: { app: 'a', b: 'c' } } },
      'spec.podSelector.matchLabels',
    ],
    ['another quantity', { limits: { memory: '1Gi' } }, { limits: { memory: '1G' } }, 'spec.limits.memory'],
    ['what looks like a quantity and is none', { env: { A: '1000m' } }, { env: { A: '1' } }, 'spec.env.A'],
    ['another type', { port: 'http' }, { port: 80 }, 'spec.port'],
    ['a list that became a map', { a: ['x'] }, { a: { x: 1 } }, 'spec.a'],
  ])('%s', (_name, intent, observed, path) => {
    expect(differencesOf(withSpec(intent), withSpec(observed))[0]?.path).toBe(path);
  });

  test('a field that the intent dropped shows in the hash', () => {
    const before = withIntentHash(withSpec({ a: 1, b: 2 }));
    const after = withIntentHash(withSpec({ a: 1 }));

    expect(differencesOf(after, before).map(({ path }) => path)).toEqual([
      `metadata.annotations.${intentHashAnnotation}`,
    ]);
  });

  test('the order of keys does not', () => {
    expect(withIntentHash(withSpec({ a: 1, b: 2 }))).toEqual(withIntentHash(withSpec({ b: 2, a: 1 })));
  });
});

describe('a status', () => {
  const owned = {
    manager: 'us',
    operation: 'Apply',
    subresource: 'status',
    fieldsV1: {
      'f:status': {
        'f:ready': {},
        'f:tags': { '.': {}, 'v:"x"': {} },
        'f:conditions': { 'k:{"type":"Ready"}': { '.': {}, 'f:type': {}, 'f:status': {} } },
      },
    },
  };
  const status = { ready: true, tags: ['x'], conditions: [{ type: 'Ready', status: 'True' }] };
  const observed = withManagedFields([owned], { status: { ...status, usage: 'of the gateway' } });

  test('that is there is no difference, whatever others wrote beside it', () => {
    expect(statusDifferencesOf(withManagedFields([], { status }), observed, 'us')).toEqual([]);
  });

  test.each<[string, Body, string]>([
    ['a dropped field', { ...status, ready: undefined }, 'status.ready'],
    ['a dropped element of a list by key', { ...status, conditions: undefined }, 'status.conditions'],
    ['a dropped value of a set', { ...status, tags: undefined }, 'status.tags'],
    [
      'a dropped field of an element',
      { ...status, conditions: [{ type: 'Ready' }] },
      'status.conditions.{"type":"Ready"}.status',
    ],
  ])('%s is one', (_name, changed, path) => {
    const intent = withManagedFields([], { status: changed });

    expect(statusDifferencesOf(intent, observed, 'us').map((difference) => difference.path)).toContain(path);
    expect(statusDifferencesOf(intent, observed, 'somebody else')).toEqual([]);
  });
});

describe('ownership that a create left', () => {
  const created = {
    manager: 'us',
    operation: 'Update',
    apiVersion: 'v1',
    fieldsV1: { 'f:spec': { 'f:a': {} } },
  };
  const theirs = { manager: 'them', operation: 'Update', fieldsV1: { 'f:spec': { 'f:b': {} } } };
  const status = { manager: 'us', operation: 'Update', subresource: 'status', fieldsV1: { 'f:status': {} } };

  test('becomes one by Apply, and the rest stays', () => {
    expect(upgradeManagedFields(withManagedFields([created, theirs, status]), 'us')).toEqual([
      theirs,
      status,
      { ...created, operation: 'Apply' },
    ]);
  });

  test('is joined with what was applied already', () => {
    const applied = { manager: 'us', operation: 'Apply', fieldsV1: { 'f:spec': { 'f:c': {} } } };

    expect(upgradeManagedFields(withManagedFields([created, applied]), 'us')).toEqual([
      { ...created, operation: 'Apply', fieldsV1: { 'f:spec': { 'f:a': {}, 'f:c': {} } } },
    ]);
  });

  test('is not looked for again once it is done', () => {
    expect(upgradeManagedFields(withManagedFields([theirs, status]), 'us')).toBeUndefined();
  });
});

test.each<[string, KubeObject, boolean]>([
  ['our hash', withIntentHash(withManagedFields([])), true],
  ['our managed fields', withManagedFields([{ manager: 'us', operation: 'Update' }]), true],
  [
    'our managed fields of the status only',
    withManagedFields([{ manager: 'us', subresource: 'status' }]),
    false,
  ],
  ['nothing of ours', withManagedFields([{ manager: 'them', operation: 'Apply' }]), false],
])('an object with %s: was written by us %#', (_what, object, want) => {
  expect(wasWrittenBy(object, 'us')).toBe(want);
});

describe('quantities', () => {
  test.each<[unknown, number | undefined]>([
    ['1Gi', 2 ** 30],
    ['500m', 0.5],
    ['.5', 0.5],
    ['1e3', 1000],
    ['12E', 12e18],
    ['-1k', -1000],
    [2, 2],
    ['1 Gi', undefined],
    ['Gi', undefined],
    ['', undefined],
    [true, undefined],
  ])('%p is %p', (text, want) => {
    expect(parseQuantity(text)).toBe(want);
  });

  test.each([
    ['0.1', '100m', true],
    ['1Gi', '1073741824', true],
    ['1Gi', '1G', false],
    ['x', 'x', false],
  ])('%p and %p are one quantity: %p', (a, b, want) => {
    expect(sameQuantity(a, b)).toBe(want);
  });
});
