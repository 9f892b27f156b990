import { describe, expect, test } from '@jest/globals';
import { clusterGuide, emptyClusterGuide } from '../../../src/demo/guide.ts';

const PLACE = {
  programFolders: ['/cache/bin', '/cache/bin', '/checkout/bin'],
  kubeconfigPath: '/run/admin.kubeconfig',
  baseURL: 'http://127.0.0.1:8123/v1',
};

describe('What the demo prints for another terminal', () => {
  test.each([
    ['a cluster with the product', clusterGuide],
    ['an empty cluster', emptyClusterGuide],
  ])('%s is reached with kubectl, Helm and the plugin, each folder named once', (_, guide) => {
    expect(guide(PLACE)).toContain(
      'export KUBECONFIG=/run/admin.kubeconfig PATH=/cache/bin:/checkout/bin:$PATH\n',
    );
  });

  test('the product is installed where its students are told to ask', () => {
    const words = emptyClusterGuide(PLACE).replaceAll('\\\n', '').split(/\s+/);
    expect(words).toEqual(
      expect.arrayContaining([
        'gateway.service.type=LoadBalancer',
        'gateway.service.port=8123',
        'gateway.baseURL=http://127.0.0.1:8123/v1',
      ]),
    );
  });
});
