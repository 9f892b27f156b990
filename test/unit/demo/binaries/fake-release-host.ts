import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ReleaseHosts } from '../../../../src/demo/binaries/releases.ts';
import type { ToolName } from '../../../../src/demo/binaries/versions.ts';
import { fakeProgram } from './fake-programs.ts';

export interface SeenRequest {
  readonly path: string;
  readonly host: string | undefined;
  readonly range: string | undefined;
}

/** All release hosts in one server on loopback, with programs that are shell scripts. */
export interface FakeReleaseHost extends AsyncDisposable {
  /** The address of the server, which also answers as a proxy would, whatever the host asked for. */
  readonly url: string;
  readonly hosts: ReleaseHosts;
  readonly requests: readonly SeenRequest[];
  /** The file at a path, to be changed by a test. */
  readonly files: Map<string, Buffer>;
  /** Breaks the connection of the next answers for this path after so many bytes, one entry an answer. */
  cut(path: string, ...afterBytes: number[]): void;
  /** From now on ranges are ignored and the whole file is sent. */
  refuseRanges(): void;
}

export async function startFakeReleaseHost(): Promise<FakeReleaseHost> {
  const files = releaseFiles();
  const requests: SeenRequest[] = [];
  const cuts = new Map<string, number[]>();
  let ranges = true;
  const server = createServer((request, response) => {
    // A proxy gets the whole address, a server only the path.
    const { pathname: path } = new URL(request.url ?? '', 'http://127.0.0.1');
    requests.push({ path, host: request.headers.host, range: request.headers.range });
    answer(request, response, files.get(path), ranges, cuts.get(path)?.shift());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const base = `http://127.0.0.1:${port}`;
  return {
    url: base,
    hosts: {
      kubernetes: `${base}/kubernetes`,
      etcd: `${base}/etcd`,
      helm: `${base}/helm`,
      prometheus: `${base}/prometheus`,
      kubeconform: `${base}/kubeconform`,
    },
    requests,
    files,
    cut: (path, ...afterBytes) => void cuts.set(path, afterBytes),
    refuseRanges: () => {
      ranges = false;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  file: Buffer | undefined,
  ranges: boolean,
  cutAfterBytes: number | undefined,
): void {
  if (file === undefined) {
    response.writeHead(404).end('not found');
    return;
  }
  const from = ranges ? Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0) : 0;
  if (from > 0 && from >= file.length) {
    response.writeHead(416).end();
    return;
  }
  const rest = file.subarray(from);
  response.writeHead(from > 0 ? 206 : 200, { 'content-length': rest.length });
  if (cutAfterBytes === undefined) {
    response.end(rest);
    return;
  }
  response.write(rest.subarray(0, cutAfterBytes), () => response.destroy());
}

function releaseFiles(): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  for (const tool of ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubectl'] as const) {
    const path = `/kubernetes/v1.36.3/bin/linux/amd64/${tool}`;
    // Long enough that a part of it arrives when the connection is cut.
    const program = Buffer.from(`${fakeProgram(tool)}exit\n${'#'.repeat(1_000_000)}`);
    files.set(path, program);
    files.set(`${path}.sha256`, Buffer.from(sha256(program)));
  }
  const etcd = archive('etcd-v3.6.16-linux-amd64', ['etcd']);
  files.set('/etcd/v3.6.16/etcd-v3.6.16-linux-amd64.tar.gz', etcd);
  files.set(
    '/etcd/v3.6.16/SHA256SUMS',
    Buffer.from(
      `${'0'.repeat(64)}  etcd-v3.6.16-linux-arm64.tar.gz\n${sha256(etcd)}  etcd-v3.6.16-linux-amd64.tar.gz\n`,
    ),
  );
  const helm = archive('linux-amd64', ['helm']);
  files.set('/helm/helm-v4.2.4-linux-amd64.tar.gz', helm);
  files.set(
    '/helm/helm-v4.2.4-linux-amd64.tar.gz.sha256sum',
    Buffer.from(`${sha256(helm)}  helm-v4.2.4-linux-amd64.tar.gz\n`),
  );
  const kubeconform = archive('.', ['kubeconform'], ['kubeconform', 'README.md']);
  files.set('/kubeconform/v0.8.0/kubeconform-linux-amd64.tar.gz', kubeconform);
  files.set(
    '/kubeconform/v0.8.0/CHECKSUMS',
    Buffer.from(`${sha256(kubeconform)}  kubeconform-linux-amd64.tar.gz\n`),
  );
  const prometheus = archive('prometheus-3.16.0.linux-amd64', ['prometheus', 'promtool']);
  files.set('/prometheus/v3.16.0/prometheus-3.16.0.linux-amd64.tar.gz', prometheus);
  files.set(
    '/prometheus/v3.16.0/sha256sums.txt',
    Buffer.from(`${sha256(prometheus)}  prometheus-3.16.0.linux-amd64.tar.gz\n`),
  );
  return files;
}

/** @param members of the archive, relative to the folder that `top` is in */
function archive(top: string, tools: readonly ToolName[], members: readonly string[] = [top]): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'gpu-classroom-release-'));
  try {
    mkdirSync(join(folder, top), { recursive: true });
    for (const tool of tools) writeFileSync(join(folder, top, tool), fakeProgram(tool), { mode: 0o755 });
    writeFileSync(join(folder, top, 'README.md'), 'comes with it, is not wanted');
    execFileSync('tar', ['-czf', join(folder, 'archive'), '-C', folder, ...members]);
    return readFileSync(join(folder, 'archive'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
