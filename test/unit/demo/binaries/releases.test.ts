import { describe, expect, test } from '@jest/globals';
import { findChecksum, OFFICIAL_HOSTS, releaseOf } from '../../../../src/demo/binaries/releases.ts';
import type { ToolName } from '../../../../src/demo/binaries/versions.ts';

describe('where the official releases are', () => {
  test.each<[ToolName, NodeJS.Platform, NodeJS.Architecture, string]>([
    ['kube-apiserver', 'linux', 'x64', 'https://dl.k8s.io/v1.36.3/bin/linux/amd64/kube-apiserver'],
    ['kubectl', 'darwin', 'arm64', 'https://dl.k8s.io/v1.36.3/bin/darwin/arm64/kubectl'],
    [
      'etcd',
      'linux',
      'arm64',
      'https://github.com/etcd-io/etcd/releases/download/v3.6.16/etcd-v3.6.16-linux-arm64.tar.gz',
    ],
    [
      'etcd',
      'darwin',
      'x64',
      'https://github.com/etcd-io/etcd/releases/download/v3.6.16/etcd-v3.6.16-darwin-amd64.zip',
    ],
    ['helm', 'darwin', 'arm64', 'https://get.helm.sh/helm-v4.2.4-darwin-arm64.tar.gz'],
    [
      'promtool',
      'linux',
      'x64',
      'https://github.com/prometheus/prometheus/releases/download/v3.16.0/prometheus-3.16.0.linux-amd64.tar.gz',
    ],
    [
      'kubeconform',
      'darwin',
      'arm64',
      'https://github.com/yannh/kubeconform/releases/download/v0.8.0/kubeconform-darwin-arm64.tar.gz',
    ],
  ])('%s for %s on %s', (tool, os, arch, url) => {
    expect(releaseOf(tool, { os, arch }, OFFICIAL_HOSTS)?.url).toBe(url);
  });

  test.each<[ToolName, NodeJS.Platform, NodeJS.Architecture]>([
    ['kube-apiserver', 'darwin', 'arm64'],
    ['kubectl', 'linux', 's390x'],
    ['helm', 'freebsd', 'x64'],
  ])('there is none of %s for %s on %s', (tool, os, arch) => {
    expect(releaseOf(tool, { os, arch }, OFFICIAL_HOSTS)).toBeUndefined();
  });
});

describe('finding a checksum', () => {
  const sum = 'ab'.repeat(32);
  test.each([
    ['alone in its file', sum],
    ['alone, with a newline', `${sum}\n`],
    ['in upper case', sum.toUpperCase()],
    ['before the name', `${sum}  helm.tar.gz\n`],
    ['before the name of a file read as binary', `${sum} *helm.tar.gz\n`],
    ['on one line of many', `${'0'.repeat(64)}  other.zip\n${sum}  helm.tar.gz\n`],
  ])('%s', (_, text) => {
    expect(findChecksum(text, 'helm.tar.gz')).toBe(sum);
  });

  test.each([
    ['only others are listed', `${sum}  helm.tar.gz.asc\n`],
    ['it is too short', `${sum.slice(2)}  helm.tar.gz\n`],
    ['the answer is a page and no checksum', '<html>404</html>'],
    ['a list has a line without a name', `${sum}\n${'0'.repeat(64)}  other.zip\n`],
  ])('not found when %s', (_, text) => {
    expect(findChecksum(text, 'helm.tar.gz')).toBeUndefined();
  });
});
