import { z } from 'zod';
import type { ApiClient } from '../../src/demo/control-plane/api-client.ts';
import type { RenderedObject } from './helm.ts';

/** `ok`, or why the API server would not take the object. */
export type DryRun = (object: RenderedObject) => Promise<string>;

const resourcesSchema = z.object({
  resources: z.array(z.object({ name: z.string(), kind: z.string(), namespaced: z.boolean() })),
});
type Served = z.infer<typeof resourcesSchema>['resources'];

/**
 * Server-side apply that stores nothing: defaults, validation, admission and CEL as always, and fields that no schema
 * knows are refused.
 */
export function dryRunner(admin: ApiClient): DryRun {
  const served = new Map<string, Promise<Served>>();
  const resourcesOf = (apiVersion: string): Promise<Served> => {
    const known = served.get(apiVersion) ?? discover(admin, apiVersion);
    served.set(apiVersion, known);
    return known;
  };
  return async (object) => {
    const { apiVersion, kind, metadata } = object;
    const resource = (await resourcesOf(apiVersion)).find(
      (one) => one.kind === kind && !one.name.includes('/'),
    );
    if (resource === undefined) return `the API server has no kind ${kind} in ${apiVersion}`;
    if (resource.namespaced && metadata.namespace === undefined) return 'it says no namespace';
    const where = resource.namespaced ? `/namespaces/${metadata.namespace}` : '';
    const path = `${rootOf(apiVersion)}${where}/${resource.name}/${encodeURIComponent(metadata.name)}`;
    const query = 'dryRun=All&fieldManager=dry-run&force=true&fieldValidation=Strict';
    const { status, body } = await admin.request(
      'PATCH',
      `${path}?${query}`,
      object,
      'application/apply-patch+yaml',
    );
    return status === 200 || status === 201 ? 'ok' : `${status}: ${body}`;
  };
}

async function discover(admin: ApiClient, apiVersion: string): Promise<Served> {
  const { status, body } = await admin.request('GET', rootOf(apiVersion));
  return status === 200 ? resourcesSchema.parse(JSON.parse(body)).resources : [];
}

function rootOf(apiVersion: string): string {
  return apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}
