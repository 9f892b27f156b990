import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { build } from 'esbuild';

const MAIN = join(import.meta.dirname, '../../../src/gateway/main.ts');

test('the client library of Kubernetes is loaded only where a kubeconfig needs it', async () => {
  const { metafile } = await build({
    entryPoints: [MAIN],
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node22',
    metafile: true,
    write: false,
    logLevel: 'silent',
  });
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);
  const kindsOf = (path: string) => imports.filter((one) => one.path === path).map(({ kind }) => kind);
  expect(kindsOf('undici')).toContain('import-statement');
  expect(kindsOf('@kubernetes/client-node')).not.toContain('import-statement');
});

test('the libraries of OpenTelemetry are loaded only where it is switched on', async () => {
  const { metafile } = await build({
    entryPoints: [MAIN],
    bundle: true,
    splitting: true,
    outdir: 'unused',
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node22',
    metafile: true,
    write: false,
    logLevel: 'silent',
  });
  const importers = Object.entries(metafile.outputs)
    .filter(([, { imports }]) => imports.some(({ path }) => path.startsWith('@opentelemetry/')))
    .map(([path]) => path);
  expect(importers).toEqual([expect.stringMatching(/otlp/)]);
});
