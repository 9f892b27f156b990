import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { GOLDENS } from '../../../scripts/chart-goldens.ts';
import { ensureKubeconform, ensureOptionsOf } from '../../../src/demo/binaries/ensure.ts';
import { connectToControlPlane } from '../../support/connected-control-plane.ts';
import { serveForeignKinds } from '../../support/foreign-kinds.ts';
import { objectsIn } from '../../support/helm.ts';
import { SCHEMA_LOCATION, writeManifestSchemas } from '../../support/manifest-schemas.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

/**
 * Every manifest of the repository and everything that the charts render, checked by kubeconform as a pipeline would do it
 * that has no cluster. The schemas are those of the API server that runs here, so nothing is downloaded.
 */

const ROOT = join(import.meta.dirname, '../../..');
const MANIFESTS = [...filesIn('manifests'), ...filesIn('crds'), ...filesIn(relative(ROOT, GOLDENS))];

const { controlPlane } = await connectToControlPlane();
const { kubeconform } = await ensureKubeconform(ensureOptionsOf(process));
const folder = await temporaryFolder();
afterAll(async () => {
  await folder[Symbol.asyncDispose]();
});

/** YAML files with objects: values for charts are none, nor is what Kustomize and the demo read. */
function filesIn(path: string): string[] {
  return readdirSync(join(ROOT, path), { recursive: true, encoding: 'utf8' })
    .filter(
      (name) => name.endsWith('.yaml') && !/(^|\/)(values|kustomization|demo-nodes\/.*)\.yaml$/.test(name),
    )
    .map((name) => join(path, name));
}

const resultSchema = z.object({
  resources: z.array(
    z.object({
      filename: z.string(),
      kind: z.string(),
      name: z.string(),
      status: z.string(),
      msg: z.string(),
    }),
  ),
});

/** What kubeconform says of each object in these files. */
async function checked(files: readonly string[]) {
  const location = join(folder.path, 'schemas', SCHEMA_LOCATION);
  const args = ['-strict', '-verbose', '-output=json', `-schema-location=${location}`, ...files];
  const { stdout } = await promisify(execFile)(kubeconform, args, { cwd: ROOT, maxBuffer: 64 << 20 }).catch(
    // It ends with 1 when it finds something, and says it on standard output as well.
    (error: unknown) => z.object({ stdout: z.string().min(1) }).parse(error),
  );
  return resultSchema.parse(JSON.parse(stdout)).resources;
}

beforeAll(async () => {
  await serveForeignKinds(controlPlane.admin);
  const versions = MANIFESTS.flatMap((file) =>
    objectsIn(readFileSync(join(ROOT, file), 'utf8')).map(({ apiVersion }) => apiVersion),
  );
  await writeManifestSchemas(controlPlane.admin, versions, join(folder.path, 'schemas'));
});

test('all manifests, samples and renderings of the charts are what the API server has schemas for', async () => {
  const results = await checked(MANIFESTS);
  expect(results.filter(({ status }) => status !== 'statusValid' && status !== 'statusEmpty')).toEqual([]);
  const found = new Set(results.filter(({ kind }) => kind !== '').map(({ filename }) => filename));
  expect([...found].sort()).toEqual([...MANIFESTS].sort());
});

describe('kubeconform finds here', () => {
  const service = (spec: string) =>
    `apiVersion: v1\nkind: Service\nmetadata:\n  name: gateway\nspec: ${spec}\n`;
  const seat = (spec: string) =>
    `apiVersion: gpu-classroom.io/v1alpha1\nkind: StudentQuota\nmetadata:\n  name: a\nspec: ${spec}\n`;

  test.each([
    ['a field that is misspelled', service('{port: [{port: 80}]}'), "'port' not allowed"],
    ['a text in the place of a number', service('{ports: [{port: http}]}'), 'want integer'],
    ['a key that is there twice', service('{type: ClusterIP, type: NodePort}'), 'already set'],
    ['a field that our kinds do not have', seat('{student: {id: a}, weigth: 2}'), "'weigth' not allowed"],
    ['a field that our kinds need', seat('{student: {id: a}}'), "missing property 'classroomRef'"],
    ['a kind that nobody has', service('{}').replace('Service', 'Servise'), 'could not find schema'],
  ])('%s', async (what, manifest, words) => {
    const file = join(folder.path, 'wrong', `${what}.yaml`);
    await mkdir(join(folder.path, 'wrong'), { recursive: true });
    await writeFile(file, manifest);
    expect((await checked([file])).map(({ msg }) => msg)).toEqual([expect.stringContaining(words)]);
  });
});
