import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { z } from 'zod';
import { connectToControlPlane } from '../../support/connected-control-plane.ts';
import { CHARTS, helmAt, type RenderedObject } from '../../support/helm.ts';

/** The pods of the chart in a namespace that enforces the strictest Pod Security Standard, on a real API server. */

const { controlPlane } = await connectToControlPlane();
const { admin, binaries } = controlPlane;
const helm = helmAt(binaries.helm);
const namespace = await controlPlane.createNamespace('restricted');
await admin.json(
  'PATCH',
  `/api/v1/namespaces/${namespace}`,
  { metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } } },
  'application/merge-patch+json',
);

const podSchema = z.looseObject({ metadata: z.looseObject({}), spec: z.looseObject({}) });
const deploymentSchema = z.object({ spec: z.object({ template: podSchema }) });

/** The pods that a chart makes, the same for a Deployment as for a Pod. */
function podsOf(objects: readonly RenderedObject[]) {
  return objects.flatMap((object) => {
    const { name } = object.metadata;
    if (object.kind === 'Pod') return [{ name, ...podSchema.parse(object) }];
    if (object.kind !== 'Deployment') return [];
    return [{ name, ...deploymentSchema.parse(object).spec.template }];
  });
}

async function verdictOn({ spec }: z.infer<typeof podSchema>): Promise<string> {
  // The account belongs to another namespace, and is not what is judged here.
  const pod = { metadata: { generateName: 'pod-' }, spec: { ...spec, serviceAccountName: 'default' } };
  const path = `/api/v1/namespaces/${namespace}/pods?dryRun=All`;
  const { status, body } = await admin.request('POST', path, { apiVersion: 'v1', kind: 'Pod', ...pod });
  return status === 201 ? 'ok' : body;
}

const examples = join(CHARTS.gpuClassroom, 'examples');

describe.each(['the defaults', ...readdirSync(examples)])('with %s', (file) => {
  const values: unknown = file === 'the defaults' ? {} : parse(readFileSync(join(examples, file), 'utf8'));

  test('operator, gateway and helm test run as "restricted" wants it', async () => {
    const pods = podsOf(await helm.template(CHARTS.gpuClassroom, { values: Object(values) }));
    expect(pods.map(({ name }) => name.replace(/.*-/, '')).sort()).toEqual(['gateway', 'operator', 'test']);
    for (const pod of pods) expect([pod.name, await verdictOn(pod)]).toEqual([pod.name, 'ok']);
  });
});

test('a pod that runs as root is refused here, so that the others were judged', async () => {
  const [pod] = podsOf(
    await helm.template(CHARTS.gpuClassroom, { values: { podSecurityContext: { runAsNonRoot: false } } }),
  );
  if (pod === undefined) throw new Error('there is no pod');
  expect(await verdictOn(pod)).toContain('violates PodSecurity');
});
