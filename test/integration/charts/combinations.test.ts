import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { z } from 'zod';
import { connectToControlPlane } from '../../support/connected-control-plane.ts';
import { dryRunner } from '../../support/dry-run.ts';
import { foreignKinds, serveForeignKinds } from '../../support/foreign-kinds.ts';
import { CHARTS, helmAt, type RenderedObject } from '../../support/helm.ts';
import { pairwise } from '../../support/pairwise.ts';
import { gpuClassroomSwitches, type Values } from './value-switches.ts';

/**
 * What the charts make of values, judged by a real API server: a dry run of server-side apply checks every field, with
 * defaults, admission and the rules of the kinds.
 */

const { controlPlane } = await connectToControlPlane();
const { admin, binaries } = controlPlane;
const helm = helmAt(binaries.helm);
const dryRun = dryRunner(admin);
const namespace = await controlPlane.createNamespace('chart');
const classes = await controlPlane.createNamespace('classes');

/** What Helm is told that the cluster has. */
const flags = foreignKinds().map(({ apiVersion, kind }) => `--api-versions=${apiVersion}/${kind}`);

beforeAll(() => serveForeignKinds(admin));

/** What the API server does not take, and why. */
async function refused(objects: readonly RenderedObject[]): Promise<string[]> {
  const verdicts = await Promise.all(
    objects.map(async (object) => ({ object, verdict: await dryRun(object) })),
  );
  return verdicts
    .filter(({ verdict }) => verdict !== 'ok')
    .map(({ object, verdict }) => `${object.kind} ${object.metadata.name}: ${verdict}`);
}

const valuesSchema = z.record(z.string(), z.unknown());
const examplesOf = (chart: string) => {
  const folder = join(chart, 'examples');
  return readdirSync(folder).map((name) => ({
    name,
    values: valuesSchema.parse(parse(readFileSync(join(folder, name), 'utf8'))),
  }));
};

describe('the chart gpu-classroom', () => {
  const switches = gpuClassroomSwitches(classes);
  const factors = Object.fromEntries(
    Object.entries(switches).map(([name, ways]) => [name, Object.keys(ways)]),
  );
  const combinations = pairwise(factors);

  test.each(combinations.map((ways) => ({ title: Object.values(ways).join(', '), ways })))(
    'with $title',
    async ({ ways }) => {
      const values = Object.entries(ways).map(([name, way]) => switches[name]?.[way] ?? {});
      const objects = await helm.template(CHARTS.gpuClassroom, { namespace, values: merged(values), flags });
      expect(await refused(objects)).toEqual([]);
    },
  );

  test.each(examplesOf(CHARTS.gpuClassroom))('with its example $name', async ({ values }) => {
    const watchNamespace = values.watchNamespace === undefined ? undefined : classes;
    const objects = await helm.template(CHARTS.gpuClassroom, {
      namespace,
      values: { ...values, ...(watchNamespace && { watchNamespace }) },
      flags,
    });
    expect(await refused(objects)).toEqual([]);
  });

  test('makes what only others understand only where the cluster has it', async () => {
    const values = { monitoring: { prometheus: { namespace: 'monitoring' } } };
    const kindsOf = async (given: readonly string[]) =>
      (await helm.template(CHARTS.gpuClassroom, { values, flags: given })).map(({ kind }) => kind);
    expect(await kindsOf([])).not.toContain('ServiceMonitor');
    expect(await kindsOf(flags)).toEqual(expect.arrayContaining(['ServiceMonitor', 'PrometheusRule']));
  });

  test('is refused by the API server with a value that only it knows to be wrong', async () => {
    const values = {
      gateway: { service: { type: 'LoadBalancer', loadBalancerSourceRanges: ['everywhere'] } },
    };
    const objects = await helm.template(CHARTS.gpuClassroom, { namespace, values });
    expect(await refused(objects)).toEqual([expect.stringContaining('must be a valid CIDR value')]);
  });
});

describe('the chart classroom', () => {
  const students = [
    { id: 'alice', displayName: 'Alice Zhang', group: 'blue', user: 'alice@school.example' },
    { id: 'Bob.Li@school.example', limits: { tokensPerDay: 1_000_000 }, weight: 2 },
    { id: 'carol', name: 'carol-s-seat', access: 'Suspended', expiresAt: '2027-01-31T00:00:00Z' },
  ];
  const chosen = (name: string, values: Values) => ({ name, values });

  test.each([
    chosen('its defaults', {}),
    chosen('students who see their own key', { students }),
    chosen('trainers', {
      trainers: [{ kind: 'Group', name: 'teachers', apiGroup: 'rbac.authorization.k8s.io' }],
      trainerRole: 'school-gpu-classroom-trainer',
    }),
    chosen('another name, labels and annotations', {
      name: 'physics',
      labels: { school: 'north' },
      annotations: { 'school.example/room': '214' },
      students,
    }),
    ...examplesOf(CHARTS.classroom),
  ])('with $name', async ({ values }) => {
    const objects = await helm.template(CHARTS.classroom, {
      release: 'python-101',
      namespace: classes,
      values,
    });
    expect(await refused(objects)).toEqual([]);
  });

  test('is refused by the API server with a class that its rules do not allow', async () => {
    const values = { spec: { model: { id: 'a/b' }, gpu: { sharing: 'MIG' } } };
    const objects = await helm.template(CHARTS.classroom, { namespace: classes, values });
    expect(await refused(objects)).toEqual([expect.stringContaining('migProfile')]);
  });
});

/** As Helm merges values files: maps are merged, all else is replaced by what comes later. */
function merged(fragments: readonly Values[]): Values {
  const result: Record<string, unknown> = {};
  for (const fragment of fragments) {
    for (const [key, value] of Object.entries(fragment)) {
      const before = result[key];
      result[key] = isMap(before) && isMap(value) ? merged([before, value]) : value;
    }
  }
  return result;
}

function isMap(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
