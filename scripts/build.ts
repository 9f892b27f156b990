import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { clientNodeInParts } from './client-node-in-parts.ts';

/**
 * Bundles each entry point into JavaScript that runs on plain Node without node_modules: `dist/operator.js`,
 * `dist/gateway.js`, `dist/kubectl-classroom.js`, and the chunks they import. What is loaded on demand stays in chunks
 * of its own, such as what only kubeconfigs with plugins need.
 * `--outdir` takes the place of `dist`; `--metafile` is where esbuild's account of what is in there goes.
 */
const root = fileURLToPath(new URL('../', import.meta.url));
const { values } = parseArgs({ options: { outdir: { type: 'string' }, metafile: { type: 'string' } } });
const outdir = values.outdir ?? join(root, 'dist');

await rm(outdir, { recursive: true, force: true });
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: {
    operator: 'src/operator/main.ts',
    gateway: 'src/gateway/main.ts',
    'kubectl-classroom': 'src/cli/main.ts',
  },
  outdir,
  bundle: true,
  splitting: true,
  platform: 'node',
  target: 'node22.19',
  format: 'esm',
  legalComments: 'linked',
  sourcemap: 'linked',
  logLevel: 'info',
  metafile: true,
  // `debug` takes it if it is there, and here only tools for development bring it.
  external: ['supports-color'],
  plugins: [clientNodeInParts],
  // CommonJS dependencies inside an ES module call `require` for Node's own modules.
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  },
});
if (values.metafile !== undefined) await writeFile(values.metafile, JSON.stringify(metafile));
