import type { Plugin } from 'esbuild';

const PACKAGE = '@kubernetes/client-node';

/**
 * Leaves those modules of client-node out of a bundle that nothing uses: nine tenths of it are models of every kind of
 * Kubernetes. The package does not say that importing them has no effect, but none has: its only module with one
 * defines `File` for Node 18.
 */
export const clientNodeInParts: Plugin = {
  name: 'client-node-in-parts',
  setup({ onLoad, onResolve, resolve }) {
    onResolve({ filter: /.*/ }, async ({ path, importer, resolveDir, kind, pluginData }) => {
      if (pluginData === PACKAGE) return undefined;
      if (!path.startsWith(PACKAGE) && !importer.includes(PACKAGE)) return undefined;
      const resolved = await resolve(path, { importer, resolveDir, kind, pluginData: PACKAGE });
      return resolved.path.includes(PACKAGE) ? { ...resolved, sideEffects: false } : resolved;
    });
    // The list of all models, which is exported on and on, so that they count as used in what is loaded on demand. Who
    // does use one by this way makes the build fail.
    onLoad({ filter: /client-node\/dist\/gen\/models\/all\.js$/ }, () => ({ contents: 'export {}' }));
  },
};
