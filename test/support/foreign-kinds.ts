import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import type { ApiClient } from '../../src/demo/control-plane/api-client.ts';
import { eventually } from './eventually.ts';

const FIXTURES = join(import.meta.dirname, '../fixtures');
const FILES = [
  'gateway-api/httproutes.yaml',
  'prometheus-operator/servicemonitors.yaml',
  'prometheus-operator/prometheusrules.yaml',
];

const crdSchema = z.looseObject({
  metadata: z.looseObject({ name: z.string() }),
  spec: z.looseObject({
    group: z.string(),
    names: z.looseObject({ kind: z.string(), plural: z.string() }),
    versions: z.array(z.looseObject({ name: z.string(), storage: z.boolean() })),
  }),
});

/** A kind of somebody else that the chart makes objects of where the cluster has it. */
export interface ForeignKind {
  /** Such as `monitoring.coreos.com/v1`. */
  apiVersion: string;
  kind: string;
  /** Path of all its objects. */
  list: string;
  crd: z.infer<typeof crdSchema>;
}

/** Those of the Gateway API and of Prometheus' operator, as their projects publish them. */
export function foreignKinds(): ForeignKind[] {
  return FILES.map((file) => {
    const crd = crdSchema.parse(parse(readFileSync(join(FIXTURES, file), 'utf8')));
    const { group, names, versions } = crd.spec;
    const version = versions.find(({ storage }) => storage)?.name ?? '';
    const apiVersion = `${group}/${version}`;
    return { apiVersion, kind: names.kind, list: `/apis/${apiVersion}/${names.plural}`, crd };
  });
}

/** Installs them, if no other test has, and waits until the API server has them and their schemas. */
export async function serveForeignKinds(admin: ApiClient): Promise<void> {
  const kinds = foreignKinds();
  for (const { crd } of kinds) {
    const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${crd.metadata.name}`;
    const query = '?fieldManager=chart-test&force=true';
    await admin.json('PATCH', `${path}${query}`, crd, 'application/apply-patch+yaml');
  }
  await eventually('the kinds of others to be served', async () => {
    const paths = kinds.flatMap(({ apiVersion, list }) => [list, `/openapi/v3/apis/${apiVersion}`]);
    const answers = await Promise.all(paths.map((path) => admin.request('GET', path)));
    return answers.every(({ status }) => status === 200);
  });
}
