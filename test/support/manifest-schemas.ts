import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { ApiClient } from '../../src/demo/control-plane/api-client.ts';

/** Where kubeconform finds the schema of a kind in a folder that {@link writeManifestSchemas} filled. */
export const SCHEMA_LOCATION = '{{ .Group }}/{{ .ResourceKind }}_{{ .ResourceAPIVersion }}.json';

/** Schemas of one group and version in the API server's OpenAPI document. */
const documentSchema = z.object({
  components: z.object({ schemas: z.record(z.string(), z.json()) }),
});
const kindsSchema = z.object({
  'x-kubernetes-group-version-kind': z.array(
    z.object({ group: z.string(), version: z.string(), kind: z.string() }),
  ),
});

type Json = z.infer<ReturnType<typeof z.json>>;

/**
 * Writes the schemas of all kinds of some groups and versions, as the API server itself publishes them, each as a file
 * with all that it refers to. Fields that a schema does not have are refused, as `kubectl apply --validate=strict` does.
 *
 * @param apiVersions such as `v1` and `apps/v1`
 * @see https://kubernetes.io/docs/concepts/overview/kubernetes-api/#openapi-v3
 */
export async function writeManifestSchemas(
  admin: ApiClient,
  apiVersions: Iterable<string>,
  folder: string,
): Promise<void> {
  await Promise.all(
    [...new Set(apiVersions)].map(async (apiVersion) => {
      const path = `/openapi/v3/${apiVersion.includes('/') ? 'apis' : 'api'}/${apiVersion}`;
      const { status, body } = await admin.request('GET', path);
      if (status !== 200)
        throw new Error(`the API server has no schemas of ${apiVersion}: ${status} ${body}`);
      const { components } = documentSchema.parse(JSON.parse(body));
      await writeKinds(components.schemas, join(folder, apiVersion.split('/')[0] ?? ''));
    }),
  );
}

async function writeKinds(schemas: Readonly<Record<string, Json>>, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const components = { schemas: strict(schemas) };
  for (const [name, schema] of Object.entries(schemas)) {
    const { data } = kindsSchema.safeParse(schema);
    // Options of requests are there for every version of the API.
    if (data?.['x-kubernetes-group-version-kind'].length !== 1) continue;
    for (const { kind, version } of data['x-kubernetes-group-version-kind']) {
      const file = join(folder, `${kind.toLowerCase()}_${version}.json`);
      await writeFile(file, JSON.stringify({ $ref: `#/components/schemas/${name}`, components }));
    }
  }
}

/** Closes every object that lists its fields, unless it says that it keeps others. */
function strict(json: Json): Json {
  if (Array.isArray(json)) return json.map(strict);
  if (typeof json !== 'object' || json === null) return json;
  const inner = Object.fromEntries(Object.entries(json).map(([key, value]) => [key, strict(value)]));
  const listsFields = json.type === 'object' && json.properties !== undefined;
  const isOpen =
    json.additionalProperties !== undefined || json['x-kubernetes-preserve-unknown-fields'] === true;
  return listsFields && !isOpen ? { ...inner, additionalProperties: false } : inner;
}
