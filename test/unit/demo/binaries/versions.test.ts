import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { CONTROL_PLANE, KUBECONFORM, PROMETHEUS } from '../../../../src/demo/binaries/tool-sets.ts';
import {
  ETCD_VERSION,
  HELM_VERSION,
  KUBECONFORM_VERSION,
  KUBERNETES_VERSION,
  MINIMUM_GO_VERSION,
  PROMETHEUS_VERSION,
} from '../../../../src/demo/binaries/versions.ts';

test.each([
  ['Kubernetes', CONTROL_PLANE, `k8s.io/kubernetes v${KUBERNETES_VERSION} `],
  ['etcd', CONTROL_PLANE, `go.etcd.io/etcd/server/v3 v${ETCD_VERSION} `],
  ['Helm', CONTROL_PLANE, `helm.sh/helm/v4 v${HELM_VERSION} `],
  ['Go', CONTROL_PLANE, `\ngo ${MINIMUM_GO_VERSION}.`],
  // Its module counts from 300: https://github.com/prometheus/prometheus#prometheus-code-base
  ['Prometheus', PROMETHEUS, `github.com/prometheus/prometheus v0.${moduleMinor(PROMETHEUS_VERSION)} `],
  ['kubeconform', KUBECONFORM, `github.com/yannh/kubeconform v${KUBECONFORM_VERSION} `],
  ['Go of kubeconform', KUBECONFORM, `\ngo ${MINIMUM_GO_VERSION}.`],
  ['Go of Prometheus', PROMETHEUS, `\ngo ${MINIMUM_GO_VERSION}.`],
])('a build with Go gives the same %s as a download', async (_, { goBuild }, requirement) => {
  expect(await readFile(join(goBuild.moduleFolder, 'go.mod'), 'utf8')).toContain(requirement);
});

/** `3.16.0` is `v0.316.0`. */
function moduleMinor(version: string): string {
  const [major, minor = '', patch] = version.split('.');
  return `${major}${minor.padStart(2, '0')}.${patch}`;
}
