import { createHash } from 'node:crypto';
import { chmod, copyFile, cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { create } from 'tar';
import { stringify } from 'yaml';
import { completionScript } from '../src/cli/completion/scripts.ts';
import { VERSION } from '../src/observability/version.ts';
import { builtinsOnDemand } from './builtins-on-demand.ts';
import { clientNodeInParts } from './client-node-in-parts.ts';
import { ARCHIVE, krewManifest, PROGRAM } from './krew-manifest.ts';

/**
 * Makes the plugin for those who have Node and not npm: `dist/plugin/kubectl-classroom.mjs`, one file without
 * node_modules, an archive of it, and with `--repository <url of the releases>` the manifest for krew.
 * `--outdir` takes the place of `dist/plugin`.
 */
const root = fileURLToPath(new URL('../', import.meta.url));
const { values } = parseArgs({ options: { outdir: { type: 'string' }, repository: { type: 'string' } } });
const outdir = values.outdir ?? join(root, 'dist/plugin');

await rm(outdir, { recursive: true, force: true });
await bundle();
await archive();
if (values.repository !== undefined) {
  const sha256 = createHash('sha256')
    .update(await readFile(join(outdir, ARCHIVE)))
    .digest('hex');
  const manifest = krewManifest({ repository: values.repository, version: VERSION, sha256 });
  await writeFile(join(outdir, 'classroom.yaml'), stringify(manifest, { lineWidth: 0 }));
}

async function bundle(): Promise<void> {
  const outfile = join(outdir, PROGRAM);
  await build({
    entryPoints: [join(root, 'src/cli/main.ts')],
    outfile,
    bundle: true,
    // Node reads all of it before the first line runs.
    minify: true,
    keepNames: false,
    platform: 'node',
    target: 'node22.19',
    format: 'esm',
    legalComments: 'eof',
    logLevel: 'info',
    plugins: [clientNodeInParts, builtinsOnDemand],
    // CommonJS dependencies inside an ES module call `require` for Node's own modules.
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
  });
  await chmod(outfile, 0o755);
}

/** The same content gives the same bytes, whoever makes it. */
async function archive(): Promise<void> {
  const folder = join(outdir, 'content');
  await mkdir(folder);
  await cp(join(outdir, PROGRAM), join(folder, PROGRAM));
  await copyFile(join(root, 'LICENSE'), join(folder, 'LICENSE'));
  const completion = join(folder, 'kubectl_complete-classroom');
  await writeFile(completion, completionScript('kubectl'), { mode: 0o755 });
  await create({ file: join(outdir, ARCHIVE), cwd: folder, gzip: true, portable: true, mtime: new Date(0) }, [
    'LICENSE',
    PROGRAM,
    'kubectl_complete-classroom',
  ]);
  await rm(folder, { recursive: true });
}
