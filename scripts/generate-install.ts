import { execFile } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { ensureBinaries, ensureOptionsOf } from '../src/demo/binaries/ensure.ts';
import { chartGoldens, GOLDENS } from './chart-goldens.ts';
import { INSTALL_MANIFEST, installManifest, type RunHelm } from './install-manifest.ts';

/**
 * `npm run generate:install` writes `manifests/install.yaml`, and what the tests expect the charts to render. It needs
 * Helm, unlike `npm run generate`.
 */
const binaries = await ensureBinaries(ensureOptionsOf(process));
const helm: RunHelm = async (...args) =>
  (await promisify(execFile)(binaries.helm, args, { maxBuffer: 2 ** 26 })).stdout;

await writeFile(INSTALL_MANIFEST, await installManifest(helm));
const goldens = await chartGoldens(helm);
await rm(GOLDENS, { recursive: true, force: true });
for (const { path, content } of goldens) {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}
