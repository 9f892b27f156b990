/**
 * The one part of client-node that runs. A module of its own, so that bundles of the release leave out the others: who
 * imports the package on demand gets all of it.
 */
export { KubeConfig } from '@kubernetes/client-node';
