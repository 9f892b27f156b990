import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { z } from 'zod';
import { customResourceDefinitions } from '../../../src/api/crd.ts';
import { crdTemplate } from '../../../src/chart/crd-template.ts';
import { neededValuesTemplate } from '../../../src/chart/needed-values-template.ts';
import { rulesTemplate } from '../../../src/chart/rules-template.ts';
import { valuesSchema } from '../../../src/chart/values-schema.ts';
import { PEOPLE_ROLES } from '../../../src/rbac/people.ts';
import { GATEWAY_RIGHTS, NODE_PREPARATION_RIGHTS, OPERATOR_RIGHTS } from '../../../src/rbac/rights.ts';

const repository = join(import.meta.dirname, '../../..');

describe.each(['gpu-classroom', 'classroom'])('the chart %s', (chart) => {
  test('has the version of the product', async () => {
    const versions = z.object({ version: z.string(), appVersion: z.string() });
    const { version, appVersion } = versions.parse(
      parse(await readFile(join(repository, 'charts', chart, 'Chart.yaml'), 'utf8')),
    );
    const product = z
      .object({ version: z.string() })
      .parse(JSON.parse(await readFile(join(repository, 'package.json'), 'utf8'))).version;
    expect([version, appVersion]).toEqual([product, product]);
  });
});

describe('the templates of rules', () => {
  const template = rulesTemplate();
  const rulesIn = (name: string) => {
    const start = template.indexOf(`{{- define "gpu-classroom.rules.${name}" -}}`);
    if (start < 0) throw new Error(`there are no rules ${name}`);
    return template.slice(start, template.indexOf('{{- end }}\n\n', start)).match(/^- apiGroups:/gm)?.length;
  };

  test('have each right of operator and gateway once', () => {
    const operator = ['operator.classes', 'operator.cluster', 'operator.own'].map(rulesIn);
    expect(operator.reduce<number>((sum, count = 0) => sum + count, 0)).toBe(OPERATOR_RIGHTS.length);
    expect(rulesIn('gateway.classes')).toBe(GATEWAY_RIGHTS.length);
    expect(rulesIn('operator.nodePreparation')).toBe(NODE_PREPARATION_RIGHTS.length);
  });

  test.each(PEOPLE_ROLES)('have the rights of the $name', ({ name, rights }) => {
    expect(rulesIn(`people.${name}`)).toBe(rights.length);
  });

  test('let the Lease be called as the release calls it', () => {
    expect(template).toContain('- {{ include "gpu-classroom.operator.name" . }}');
  });

  test('narrow what may be changed to named nodes, and nothing else', () => {
    expect(template.match(/rbac\.nodePreparation\.nodes/g)).toHaveLength(1);
  });
});

describe('a CRD as a template', () => {
  const [crd] = customResourceDefinitions();

  test('is installed and kept as the values say', () => {
    if (crd === undefined) throw new Error('there is no CRD');
    const template = crdTemplate(crd);
    expect(template).toContain('{{- if .Values.crds.install }}');
    expect(template).toMatch(
      /\{\{- if \.Values\.crds\.keep \}\}\n {2}annotations:\n {4}helm\.sh\/resource-policy: keep/,
    );
  });

  test('shows braces of its texts as they are', () => {
    if (crd === undefined) throw new Error('there is no CRD');
    const group = 'a {{ b }}';
    expect(crdTemplate({ ...crd, spec: { ...crd.spec, group } })).toContain('group: a {{ "{{" }} b }}');
  });
});

describe('the list of values that templates need', () => {
  test('has blocks before what is in them, and leaves out lists and maps that may be empty', () => {
    const type = z.strictObject({
      block: z
        .strictObject({
          name: z.string().default(''),
          inner: z.strictObject({ isOn: z.boolean().default(true) }).prefault({}),
          settings: z.strictObject({ level: z.string().optional() }).prefault({}),
        })
        .prefault({}),
      labels: z.record(z.string(), z.string()).default({}),
      volumes: z.array(z.string()).default([]),
      ports: z.array(z.int()).min(1).default([443]),
    });
    const listed = neededValuesTemplate('needed', valuesSchema(type)).match(/(?<=^- ).*$/gm);
    expect(listed).toEqual([
      ...['block', 'block.name', 'block.inner', 'block.inner.isOn', 'block.settings'],
      'ports',
    ]);
  });
});

describe('the rights of people', () => {
  test('of students are to see classes, and not what others use', () => {
    const viewer = PEOPLE_ROLES.find(({ name }) => name === 'student-viewer');
    expect(viewer?.rights.map(({ resource, verbs }) => [resource, ...verbs])).toEqual([
      ['classrooms', 'get', 'list', 'watch'],
    ]);
  });

  test('of trainers are not to make classes, which take GPUs, nor to change Secrets', () => {
    const trainer = PEOPLE_ROLES.find(({ name }) => name === 'trainer')?.rights ?? [];
    const verbs = (resource: string) =>
      trainer.filter((right) => right.resource === resource).flatMap((right) => right.verbs);
    expect(verbs('classrooms')).toEqual(['get', 'list', 'watch', 'update', 'patch']);
    expect(verbs('secrets')).toEqual(['get', 'list']);
    expect(verbs('studentquotas')).toEqual(expect.arrayContaining(['create', 'patch', 'delete']));
  });

  test.each(PEOPLE_ROLES)(
    'of the $name have no wildcard, and nothing outside of namespaces',
    ({ rights }) => {
      expect(rights.flatMap(({ apiGroup, resource, verbs }) => [apiGroup, resource, ...verbs])).not.toContain(
        '*',
      );
      expect(new Set(rights.map(({ scope }) => scope))).toEqual(new Set(['Classes']));
    },
  );
});
