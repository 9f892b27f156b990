import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { cacheFolder } from '../../../../src/demo/binaries/cache.ts';
import {
  type EnsureOptions,
  ensureBinaries,
  ensureKubeconform,
  ensurePrometheus,
} from '../../../../src/demo/binaries/ensure.ts';
import { BinariesError } from '../../../../src/demo/binaries/errors.ts';
import type { GoInvocation, RunGo } from '../../../../src/demo/binaries/go-build.ts';
import { CONTROL_PLANE, KUBECONFORM, PROMETHEUS } from '../../../../src/demo/binaries/tool-sets.ts';
import { CONTROL_PLANE_TOOLS } from '../../../../src/demo/binaries/versions.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { installFakePrograms } from './fake-programs.ts';
import { type FakeReleaseHost, sha256, startFakeReleaseHost } from './fake-release-host.ts';

const LINUX = { os: 'linux', arch: 'x64' } as const;
const APISERVER = '/kubernetes/v1.36.3/bin/linux/amd64/kube-apiserver';
/** Connections are refused: nothing listens on this port, and `fetch` does not refuse it by itself. */
const NOBODY = 'http://127.0.0.1:4';
const REFUSED_HOSTS = {
  kubernetes: NOBODY,
  etcd: NOBODY,
  helm: NOBODY,
  prometheus: NOBODY,
  kubeconform: NOBODY,
};

const goIsNotInstalled: RunGo = async () => 'not-installed';

/** A Go that builds the fake programs, and remembers how it was called. */
function workingGo(): { readonly run: RunGo; readonly calls: GoInvocation[] } {
  const calls: GoInvocation[] = [];
  const run: RunGo = async (invocation) => {
    calls.push(invocation);
    const output = invocation.arguments[invocation.arguments.indexOf('-o') + 1] ?? '';
    await installFakePrograms(output);
    await rename(join(output, 'etcd'), join(output, 'server'));
    return 0;
  };
  return { run, calls };
}

/** A machine with nothing on it: an empty cache, no PATH, no network, no Go. */
function bareMachine(home: string, changes: Partial<EnsureOptions> = {}) {
  const lines: string[] = [];
  const options: EnsureOptions = {
    platform: LINUX,
    progress: { line: (text) => lines.push(text), update: () => {} },
    now: () => 0,
    hosts: REFUSED_HOSTS,
    runGo: goIsNotInstalled,
    ...changes,
    // The fake programs are shell scripts: what they call is found without a PATH by the shell's own default.
    environment: { XDG_CACHE_HOME: join(home, 'cache'), ...changes.environment },
  };
  return { options, lines, cache: cacheFolder(CONTROL_PLANE, options.environment, options.platform) };
}

describe('programs that are on the machine', () => {
  test('KUBEBUILDER_ASSETS comes first, then PATH, then the cache, for each program by itself', async () => {
    await using home = await temporaryFolder();
    const [assets, path] = [join(home.path, 'assets'), join(home.path, 'bin')];
    const { options, cache } = bareMachine(home.path, {
      environment: { KUBEBUILDER_ASSETS: assets, PATH: path, XDG_CACHE_HOME: join(home.path, 'cache') },
    });
    await installFakePrograms(assets, ['etcd', 'kube-apiserver']);
    await installFakePrograms(path, ['etcd', 'kubectl', 'helm']);
    await installFakePrograms(cache);

    expect(await ensureBinaries(options)).toEqual({
      etcd: join(assets, 'etcd'),
      'kube-apiserver': join(assets, 'kube-apiserver'),
      'kube-controller-manager': join(cache, 'kube-controller-manager'),
      'kube-scheduler': join(cache, 'kube-scheduler'),
      kubectl: join(path, 'kubectl'),
      helm: join(path, 'helm'),
    });
  });

  test('another patch release of the same minor fits', async () => {
    await using home = await temporaryFolder();
    const assets = join(home.path, 'assets');
    const { options, cache } = bareMachine(home.path, {
      environment: { KUBEBUILDER_ASSETS: assets, XDG_CACHE_HOME: join(home.path, 'cache') },
    });
    await installFakePrograms(cache);
    await installFakePrograms(assets, ['kubectl'], '1.36.11');
    expect((await ensureBinaries(options)).kubectl).toBe(join(assets, 'kubectl'));
  });

  test('a program of another version in KUBEBUILDER_ASSETS is passed over, and its owner is told', async () => {
    await using home = await temporaryFolder();
    const assets = join(home.path, 'assets');
    const { options, lines, cache } = bareMachine(home.path, {
      environment: { KUBEBUILDER_ASSETS: assets, XDG_CACHE_HOME: join(home.path, 'cache') },
    });
    await installFakePrograms(cache);
    await installFakePrograms(assets, ['kube-apiserver'], '1.34.1');

    expect((await ensureBinaries(options))['kube-apiserver']).toBe(join(cache, 'kube-apiserver'));
    expect(lines).toEqual([`${assets}/kube-apiserver is not used: it is 1.34.1, not 1.36.x`]);
  });

  test('an old kubectl on the PATH is passed over without a word', async () => {
    await using home = await temporaryFolder();
    const path = join(home.path, 'bin');
    const { options, lines, cache } = bareMachine(home.path, {
      environment: { PATH: path, XDG_CACHE_HOME: join(home.path, 'cache') },
    });
    await installFakePrograms(cache);
    await installFakePrograms(path, ['kubectl'], '1.29.0');

    expect((await ensureBinaries(options)).kubectl).toBe(join(cache, 'kubectl'));
    expect(lines).toEqual([]);
  });

  test('a program that does not run is passed over', async () => {
    await using home = await temporaryFolder();
    const assets = join(home.path, 'assets');
    const { options, lines, cache } = bareMachine(home.path, {
      environment: { KUBEBUILDER_ASSETS: assets, XDG_CACHE_HOME: join(home.path, 'cache') },
    });
    await installFakePrograms(cache);
    await mkdir(assets);
    await writeFile(join(assets, 'helm'), '#!/bin/sh\nexit 3\n', { mode: 0o755 });

    expect((await ensureBinaries(options)).helm).toBe(join(cache, 'helm'));
    expect(lines.join()).toContain(`${assets}/helm is not used: Command failed`);
  });
});

describe('official releases', () => {
  test('all programs are downloaded, verified and kept: the second time nothing is asked of the network', async () => {
    await using home = await temporaryFolder();
    await using host = await startFakeReleaseHost();
    const { options, cache } = bareMachine(home.path, { hosts: host.hosts });

    const binaries = await ensureBinaries(options);
    for (const tool of CONTROL_PLANE_TOOLS) expect(binaries[tool]).toBe(join(cache, tool));
    const before = host.requests.length;
    expect(await ensureBinaries(options)).toEqual(binaries);
    expect(host.requests).toHaveLength(before);
    // No part, no archive, no staging; of the lock only its last ticket.
    expect((await readdir(cache)).sort()).toEqual(
      [...CONTROL_PLANE_TOOLS, 'downloads', 'setup.lock.1'].sort(),
    );
    expect(await readdir(join(cache, 'downloads'))).toEqual([]);
  });

  test('only what is missing is downloaded', async () => {
    await using home = await temporaryFolder();
    await using host = await startFakeReleaseHost();
    const { options, cache } = bareMachine(home.path, { hosts: host.hosts });
    await installFakePrograms(cache, [
      'etcd',
      'kube-controller-manager',
      'kube-scheduler',
      'kubectl',
      'helm',
    ]);

    await ensureBinaries(options);
    expect(host.requests.map(({ path }) => path)).toEqual([`${APISERVER}.sha256`, APISERVER]);
  });

  test('a proxy of the environment is used', async () => {
    await using home = await temporaryFolder();
    await using host = await startFakeReleaseHost();
    const base = 'http://releases.invalid';
    const { options, cache } = bareMachine(home.path, {
      hosts: {
        ...REFUSED_HOSTS,
        kubernetes: `${base}/kubernetes`,
        etcd: `${base}/etcd`,
        helm: `${base}/helm`,
      },
      environment: { HTTP_PROXY: host.url, XDG_CACHE_HOME: join(home.path, 'cache') },
    });

    expect((await ensureBinaries(options)).helm).toBe(join(cache, 'helm'));
    expect(new Set(host.requests.map((request) => request.host))).toEqual(new Set(['releases.invalid']));
  });

  test('a connection that breaks is resumed where it broke', async () => {
    await using home = await temporaryFolder();
    await using host = await startFakeReleaseHost();
    host.cut(APISERVER, 600_000, 300_000);
    const { options } = bareMachine(home.path, { hosts: host.hosts });

    const binaries = await ensureBinaries(options);
    const [first, ...later] = rangesOf(host.requests, APISERVER);
    const offsets = later.map((range) => Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1]));
    expect(first).toBeUndefined();
    expect(offsets).toHaveLength(2);
    expect(offsets[0]).toBeGreaterThan(0);
    expect(offsets[1]).toBeGreaterThan(offsets[0] ?? 0);
    expect(sha256(await readFile(binaries['kube-apiserver']))).toBe(sha256(fileAt(host, APISERVER)));
  });

  test('what an interrupted set-up left is not fetched again', async () => {
    await using home = await temporaryFolder();
    await using host = await startFakeReleaseHost();
    const { options, cache } = bareMachine(home.path, { hosts: host.hosts });
    await leavePart(cache, fileAt(host, APISERVER).subarray(0, 20));

    await ensureBinaries(options);
    expect(rangesOf(host.requests, APISERVER)).toEqual(['bytes=20-']);
  });

  test('a part that is complete already only needs verification', async () => {
    await using home = await temporaryFolder();
    await using host = await startFakeReleaseHost();
    const { options, cache } = bareMachine(home.path, { hosts: host.hosts });
    const whole = fileAt(host, APISERVER);
    await leavePart(cache, whole);

    await ensureBinaries(options);
    expect(rangesOf(host.requests, APISERVER)).toEqual([`bytes=${whole.length}-`]);
  });

  test('a part of something else is thrown away and the file fetched from its beginning', async () => {
    await using home = await temporaryFolder();
    await using host = await startFakeReleaseHost();
    const { options, cache } = bareMachine(home.path, { hosts: host.hosts });
    await leavePart(cache, Buffer.from('something else'));

    const binaries = await ensureBinaries(options);
    expect(rangesOf(host.requests, APISERVER)).toEqual(['bytes=14-', undefined]);
    expect(sha256(await readFile(binaries['kube-apiserver']))).toBe(sha256(fileAt(host, APISERVER)));
  });

  test('a host that knows no ranges sends the whole file again, which replaces the part', async () => {
    await using home = await temporaryFolder();
    await using host = await startFakeReleaseHost();
    host.refuseRanges();
    const { options, cache } = bareMachine(home.path, { hosts: host.hosts });
    await leavePart(cache, fileAt(host, APISERVER).subarray(0, 20));

    const binaries = await ensureBinaries(options);
    expect(sha256(await readFile(binaries['kube-apiserver']))).toBe(sha256(fileAt(host, APISERVER)));
  });

  test('a file that is not what its publisher says is not kept, and Go builds the program instead', async () => {
    await using home = await temporaryFolder();
    await using host = await startFakeReleaseHost();
    host.files.set(APISERVER, Buffer.from('#!/bin/sh\necho Kubernetes v1.36.3 with something added\n'));
    const go = workingGo();
    const { options, lines } = bareMachine(home.path, { hosts: host.hosts, runGo: go.run });

    const binaries = await ensureBinaries(options);
    expect(lines.join('\n')).toMatch(/kube-apiserver is not what its publisher says: SHA-256/);
    expect(await readFile(binaries['kube-apiserver'], 'utf8')).not.toContain('something added');
    expect(go.calls).toHaveLength(1);
  });

  test('a checksum list without the file counts as not verifiable', async () => {
    await using home = await temporaryFolder();
    await using host = await startFakeReleaseHost();
    host.files.set('/etcd/v3.6.16/SHA256SUMS', Buffer.from(`${'0'.repeat(64)}  other.tar.gz\n`));
    const { options } = bareMachine(home.path, { hosts: host.hosts });
    await expect(ensureBinaries(options)).rejects.toThrow(
      /SHA256SUMS holds no SHA-256 of etcd-v3\.6\.16-linux-amd64\.tar\.gz/,
    );
  });
});

describe('building with Go', () => {
  test('a refused network leads to Go, with the pinned versions', async () => {
    await using home = await temporaryFolder();
    const go = workingGo();
    const { options, cache } = bareMachine(home.path, { runGo: go.run });

    const binaries = await ensureBinaries(options);
    for (const tool of CONTROL_PLANE_TOOLS) expect(binaries[tool]).toBe(join(cache, tool));
    expect(go.calls).toHaveLength(1);
    const [call] = go.calls;
    expect(call?.folder).toMatch(/tools\/control-plane$/);
    expect(call?.environment).toMatchObject({ CGO_ENABLED: '0', GOOS: 'linux', GOARCH: 'amd64' });
    expect(call?.arguments).toEqual(
      expect.arrayContaining([
        'build',
        '-mod=readonly',
        'k8s.io/kubernetes/cmd/kube-apiserver',
        'go.etcd.io/etcd/server/v3',
      ]),
    );
    expect(call?.arguments.join(' ')).toContain('gitVersion=v1.36.3');
  });

  test('what was downloaded before the network failed is not built', async () => {
    await using home = await temporaryFolder();
    await using host = await startFakeReleaseHost();
    host.files.delete('/helm/helm-v4.2.4-linux-amd64.tar.gz');
    const go = workingGo();
    const { options } = bareMachine(home.path, { hosts: host.hosts, runGo: go.run });

    await ensureBinaries(options);
    expect(go.calls[0]?.arguments.slice(-1)).toEqual(['helm.sh/helm/v4/cmd/helm']);
    expect(go.calls[0]?.arguments).not.toContain('k8s.io/kubernetes/cmd/kubectl');
  });

  test('on macOS Go is asked at once, because there are no releases of the servers', async () => {
    await using home = await temporaryFolder();
    await using host = await startFakeReleaseHost();
    const go = workingGo();
    const { options, lines } = bareMachine(home.path, {
      platform: { os: 'darwin', arch: 'arm64' },
      hosts: host.hosts,
      runGo: go.run,
    });

    await ensureBinaries(options);
    expect(host.requests).toEqual([]);
    expect(lines[0]).toBe(
      'no official release of kube-apiserver, kube-controller-manager, kube-scheduler is published for darwin arm64',
    );
    expect(go.calls[0]?.environment).toMatchObject({ GOOS: 'darwin', GOARCH: 'arm64' });
  });
});

describe('Prometheus', () => {
  test('server and promtool come out of one download', async () => {
    await using home = await temporaryFolder();
    await using host = await startFakeReleaseHost();
    const { options } = bareMachine(home.path, { hosts: host.hosts });
    const cache = cacheFolder(PROMETHEUS, options.environment, LINUX);

    expect(await ensurePrometheus(options)).toEqual({
      prometheus: join(cache, 'prometheus'),
      promtool: join(cache, 'promtool'),
    });
    expect(host.requests.map(({ path }) => path)).toEqual([
      '/prometheus/v3.16.0/sha256sums.txt',
      '/prometheus/v3.16.0/prometheus-3.16.0.linux-amd64.tar.gz',
    ]);
    expect(await readdir(join(cache, 'downloads'))).toEqual([]);
  });

  test('a refused network leads to Go, without the clients of clouds that nobody asks for', async () => {
    await using home = await temporaryFolder();
    const calls: GoInvocation[] = [];
    const runGo: RunGo = async (invocation) => {
      calls.push(invocation);
      const output = invocation.arguments[invocation.arguments.indexOf('-o') + 1] ?? '';
      await installFakePrograms(output, ['prometheus', 'promtool']);
      return 0;
    };
    const { options } = bareMachine(home.path, { runGo });

    await ensurePrometheus(options);
    expect(calls).toHaveLength(1);
    expect(calls[0]?.folder).toMatch(/tools\/prometheus$/);
    expect(calls[0]?.arguments.join(' ')).toContain('-tags remove_all_sd');
    expect(calls[0]?.arguments.slice(-2)).toEqual([
      'github.com/prometheus/prometheus/cmd/prometheus',
      'github.com/prometheus/prometheus/cmd/promtool',
    ]);
  });
});

describe('no way left', () => {
  test('without network and Go there is one error that tells what was tried and names the ways out', async () => {
    await using home = await temporaryFolder();
    const { options, cache } = bareMachine(home.path);

    const error = await ensureBinaries(options).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(BinariesError);
    expect(String(error)).toMatch(/etcd, kube-apiserver, .* helm could not be provided/);
    expect(String(error)).toMatch(/SHA256SUMS could not be downloaded: .*ECONNREFUSED/);
    expect(String(error)).toMatch(/Go is not installed/);
    expect(String(error)).toMatch(/install Go 1\.26 or newer/);
    expect(String(error)).toMatch(/give it a network .* or set KUBEBUILDER_ASSETS/);
    expect((await readdir(cache)).sort()).toEqual(['downloads', 'setup.lock.1']);
  });

  test('a build that fails shows the end of what Go said', async () => {
    await using home = await temporaryFolder();
    const runGo: RunGo = async ({ onLine }) => {
      onLine('go: github.com/x/y@v1.0.0: dial tcp: lookup proxy.golang.org: no such host');
      return 1;
    };
    const { options } = bareMachine(home.path, { runGo });
    await expect(ensureBinaries(options)).rejects.toThrow(
      /exit code 1:\s+go: github\.com\/x\/y.*no such host/,
    );
  });

  test('a program that was built but does not run here never gets into the cache', async () => {
    await using home = await temporaryFolder();
    const runGo: RunGo = async (invocation) => {
      const output = invocation.arguments[invocation.arguments.indexOf('-o') + 1] ?? '';
      await installFakePrograms(output, CONTROL_PLANE_TOOLS, '9.9.9');
      await rename(join(output, 'etcd'), join(output, 'server'));
      return 0;
    };
    const { options, cache } = bareMachine(home.path, { runGo });
    await expect(ensureBinaries(options)).rejects.toThrow(/etcd that was got does not do .* it is 9\.9\.9/);
    expect((await readdir(cache)).sort()).toEqual(['downloads', 'setup.lock.1']);
  });
});

test('two set-ups at once build only once', async () => {
  await using home = await temporaryFolder();
  const go = workingGo();
  const { options } = bareMachine(home.path, { runGo: go.run });
  const [one, other] = await Promise.all([ensureBinaries(options), ensureBinaries(options)]);
  expect(one).toEqual(other);
  expect(go.calls).toHaveLength(1);
});

function rangesOf(
  requests: readonly { readonly path: string; readonly range: string | undefined }[],
  path: string,
) {
  return requests.filter((request) => request.path === path).map(({ range }) => range);
}

function fileAt(host: FakeReleaseHost, path: string): Buffer {
  const file = host.files.get(path);
  if (file === undefined) throw new Error(`the fake host has no ${path}`);
  return file;
}

async function leavePart(cache: string, content: Buffer): Promise<void> {
  await mkdir(join(cache, 'downloads'), { recursive: true });
  await writeFile(join(cache, 'downloads', 'kube-apiserver-v1.36.3-linux-amd64.part'), content);
}

describe('kubeconform', () => {
  test('comes out of an archive without a folder', async () => {
    await using home = await temporaryFolder();
    await using host = await startFakeReleaseHost();
    const { options } = bareMachine(home.path, { hosts: host.hosts });
    const cache = cacheFolder(KUBECONFORM, options.environment, LINUX);

    expect(await ensureKubeconform(options)).toEqual({ kubeconform: join(cache, 'kubeconform') });
    expect((await readdir(cache)).filter((name) => !name.startsWith('setup.lock')).sort()).toEqual([
      'downloads',
      'kubeconform',
    ]);
  });
});
