/**
 * The one part of client-node that runs. It is imported from its own file: the package's index would bring all the others
 * into bundles of the release, and they are twenty times as large.
 */
export { KubeConfig } from '@kubernetes/client-node/dist/config.js';
