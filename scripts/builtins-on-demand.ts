import { builtinModules } from 'node:module';
import type { Plugin } from 'esbuild';

const NAMESPACE = 'builtin-on-demand';

/**
 * Loads Node's own modules when the code that uses them runs. Otherwise a bundle imports at its start what any part of it
 * uses, and `node:crypto`, `node:http` and the like take longer to load than `--help` takes to run.
 *
 * It needs a `require` in the bundle.
 */
export const builtinsOnDemand: Plugin = {
  name: 'builtins-on-demand',
  setup(build) {
    const names = new Set(builtinModules.map((name) => name.replace(/^node:/, '')));
    build.onResolve({ filter: /^(node:)?[a-z_]+(\/[a-z_]+)*$/ }, ({ path, kind, namespace }) => {
      const name = path.replace(/^node:/, '');
      const isImport = kind === 'import-statement' && namespace !== NAMESPACE;
      return isImport && names.has(name) ? { path: `node:${name}`, namespace: NAMESPACE } : undefined;
    });
    build.onLoad({ filter: /./, namespace: NAMESPACE }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)});`,
    }));
  },
};
