import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { ensureBinaries, ensureOptionsOf } from '../src/demo/binaries/ensure.ts';
import { INSTALL_MANIFEST, installManifest } from './install-manifest.ts';

/** `npm run generate:install` writes `manifests/install.yaml`. It needs Helm, unlike `npm run generate`. */
const { helm } = await ensureBinaries(ensureOptionsOf(process));
await writeFile(
  INSTALL_MANIFEST,
  await installManifest(
    async (...args) => (await promisify(execFile)(helm, args, { maxBuffer: 2 ** 26 })).stdout,
  ),
);
