import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { eventually } from '../../support/eventually.ts';
import { type Cluster, deploy, isReady, startCluster } from './cluster.ts';

jest.setTimeout(180_000);

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster(`
    nodes:
    - name: a10
      gpu: {product: NVIDIA-A10, sharing: {timeSlicing: {replicas: 4}}}
  `);
});
afterAll(async () => cluster[Symbol.asyncDispose]());

describe('four engines on a time-sliced A10', () => {
  test('get ready, each at an address of its own that answers', async () => {
    const namespace = await cluster.createNamespace();
    const deployment = await deploy(cluster, { name: 'four', namespace, replicas: 4 });
    const ready = await eventually('four ready pods', async () => {
      const found = (await cluster.podsOf(deployment)).filter(isReady);
      return found.length === 4 && found;
    });
    const addresses = ready.map(({ status }) => status?.podIP ?? '');
    expect(new Set(addresses).size).toBe(4);
    for (const address of addresses) {
      expect(address).toMatch(/^127\.244\.\d+\.\d+$/);
      expect((await fetch(`http://${address}:8000/health`)).status).toBe(200);
    }
  });
});
