import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { clientNodeInParts } from './client-node-in-parts.ts';

/**
 * Bundles each entry point into JavaScript that runs on plain Node without node_modules: `dist/operator.js`,
 * `dist/gateway.js`, `dist/kubectl-classroom.js`, and the chunks they import. What is loaded on demand stays in chunks
 * of its own, such as what only kubeconfigs with plugins need.
 */
const root = new URL('../', import.meta.url);
const outdir = fileURLToPath(new URL('dist/', root));

await rm(outdir, { recursive: true, force: true });
await build({
  entryPoints: {
    operator: fileURLToPath(new URL('src/operator/main.ts', root)),
    gateway: fileURLToPath(new URL('src/gateway/main.ts', root)),
    'kubectl-classroom': fileURLToPath(new URL('src/cli/main.ts', root)),
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
  plugins: [clientNodeInParts],
  // CommonJS dependencies inside an ES module call `require` for Node's own modules.
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  },
});
