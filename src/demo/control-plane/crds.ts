import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import type { ApiClient } from './api-client.ts';
import { controlPlaneErrors } from './errors.ts';

const CRD_PATH = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const POLL_MS = 25;

/** What is read of a manifest; the rest is passed on as it is. */
const manifestSchema = z.looseObject({
  kind: z.literal('CustomResourceDefinition'),
  metadata: z.looseObject({ name: z.string() }),
  spec: z.looseObject({
    group: z.string(),
    names: z.looseObject({ plural: z.string() }),
    versions: z.array(z.looseObject({ name: z.string(), served: z.boolean() })),
  }),
});
type Manifest = z.infer<typeof manifestSchema>;

const conditionsSchema = z.looseObject({
  status: z
    .looseObject({
      conditions: z
        .array(z.object({ type: z.string(), status: z.string(), message: z.string().optional() }))
        // A new CRD has `conditions: null` for a moment.
        .nullish(),
    })
    .optional(),
});

/**
 * Creates the CustomResourceDefinitions of all `*.yaml` files of a folder and waits until each is served:
 * Established, and its list endpoint answers, which comes a moment later.
 * Throws UnexpectedAnswer for a manifest that the API server refuses, CrdNotEstablished after `timeoutMs`.
 * Returns the names.
 */
export async function installCrds(client: ApiClient, folder: string, timeoutMs: number): Promise<string[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.yaml')).sort();
  const manifests: Manifest[] = [];
  for (const file of files) {
    for (const document of parseAllDocuments(await readFile(join(folder, file), 'utf8'))) {
      if (document.errors[0] !== undefined) throw document.errors[0];
      const content: unknown = document.toJS();
      if (content !== null) manifests.push(manifestSchema.parse(content));
    }
  }
  await Promise.all(
    manifests.map(async (manifest) => {
      await client.json('POST', CRD_PATH, manifest);
      await waitUntilServed(client, manifest, timeoutMs);
    }),
  );
  return manifests.map((manifest) => manifest.metadata.name);
}

async function waitUntilServed(client: ApiClient, manifest: Manifest, timeoutMs: number): Promise<void> {
  const { name } = manifest.metadata;
  const { group, names, versions } = manifest.spec;
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const crd = conditionsSchema.parse(await client.json('GET', `${CRD_PATH}/${name}`));
    const conditions = crd.status?.conditions ?? [];
    if (conditions.some(({ type, status }) => type === 'Established' && status === 'True')) {
      const answers = await Promise.all(
        versions
          .filter(({ served }) => served)
          .map((version) => client.request('GET', `/apis/${group}/${version.name}/${names.plural}?limit=1`)),
      );
      if (answers.every(({ status }) => status === 200)) return;
    }
    if (performance.now() > deadline) {
      throw controlPlaneErrors.crdNotEstablished(name, timeoutMs, JSON.stringify(conditions));
    }
    await delay(POLL_MS);
  }
}
