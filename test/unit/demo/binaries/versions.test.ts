import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import {
  ETCD_VERSION,
  HELM_VERSION,
  KUBERNETES_VERSION,
  MINIMUM_GO_VERSION,
} from '../../../../src/demo/binaries/versions.ts';

test.each([
  ['Kubernetes', `k8s.io/kubernetes v${KUBERNETES_VERSION} `],
  ['etcd', `go.etcd.io/etcd/server/v3 v${ETCD_VERSION} `],
  ['Helm', `helm.sh/helm/v4 v${HELM_VERSION} `],
  ['Go', `\ngo ${MINIMUM_GO_VERSION}.`],
])('a build with Go gives the same %s as a download', async (_, requirement) => {
  const goMod = join(import.meta.dirname, '../../../../tools/control-plane/go.mod');
  expect(await readFile(goMod, 'utf8')).toContain(requirement);
});
