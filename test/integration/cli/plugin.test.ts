import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { parse } from 'yaml';
import { z } from 'zod';
import packageJson from '../../../package.json' with { type: 'json' };
import { classrooms } from '../../../src/api/classroom.ts';
import { classroom } from '../../support/builders.ts';
import { connectToControlPlane } from '../../support/connected-control-plane.ts';

// A busy machine is slow, not wrong.
jest.setTimeout(240_000);

const repository = join(import.meta.dirname, '../../..');
const { controlPlane, client } = await connectToControlPlane();
const namespace = await controlPlane.createNamespace('cli-plugin');
const folder = await mkdtemp(join(tmpdir(), 'plugin-'));
afterAll(() => rm(folder, { recursive: true }));
const outdir = join(folder, 'out');
/** What the PATH of somebody has who installed the archive: a link to the one file, as krew makes it. */
const path = join(folder, 'bin');
/** Without node_modules above it. */
const elsewhere = join(folder, 'elsewhere');

const BUILT = 'dist/plugin/kubectl-classroom.mjs';
const packedSchema = z.tuple([z.object({ files: z.array(z.object({ path: z.string() })) })]);

interface Ended {
  readonly code: number | string | null | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

function run(
  program: string,
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  return new Promise((resolve) => {
    const PATH = [path, dirname(process.execPath), '/usr/bin', '/bin'].join(':');
    execFile(program, argv, { cwd: elsewhere, env: { PATH, ...env } }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : error.code, stdout, stderr });
    });
  });
}

const kubectl = (...argv: string[]) =>
  run(controlPlane.binaries.kubectl, argv, { KUBECONFIG: controlPlane.kubeconfigPath });

beforeAll(async () => {
  const build = [join(repository, 'scripts/build-plugin.ts'), '--outdir', outdir];
  const release = ['--repository', 'https://example.com/gpu-classroom'];
  await promisify(execFile)(process.execPath, ['--no-warnings', ...build, ...release]);
  await mkdir(path);
  await mkdir(elsewhere);
  const unpacked = join(folder, 'unpacked');
  await mkdir(unpacked);
  await promisify(execFile)('tar', ['-xzf', join(outdir, 'kubectl-classroom.tar.gz'), '-C', unpacked]);
  await symlink(join(unpacked, 'kubectl-classroom.mjs'), join(path, 'kubectl-classroom'));
  await symlink(join(unpacked, 'kubectl_complete-classroom'), join(path, 'kubectl_complete-classroom'));
  const { status: _, ...object } = classroom({
    metadata: { namespace, uid: undefined, generation: undefined },
  });
  await client.create(classrooms, object);
});

describe('the plugin in one file', () => {
  test('runs where nothing else of us is', async () => {
    expect(await readdir(elsewhere)).toEqual([]);
    expect(await run('kubectl-classroom', ['--version'])).toEqual({
      code: 0,
      stdout: `${packageJson.version}\n`,
      stderr: '',
    });
    const plan = await run('kubectl-classroom', [
      'plan',
      '--model',
      'Qwen/Qwen2.5-7B-Instruct',
      '--gpu',
      'A10',
    ]);
    expect(plan).toMatchObject({ code: 0, stderr: '' });
  });

  test('loads of Node.js what a command needs, and for help nothing of HTTP', async () => {
    const program = pathToFileURL(join(outdir, 'kubectl-classroom.mjs')).href;
    const script = [
      "process.argv = ['node', 'kubectl-classroom', '--help'];",
      `await import('${program}');`,
      'console.error(process.moduleLoadList.filter((name) => /^NativeModule (http|tls)$/.test(name)).join());',
    ];
    const { code, stderr } = await run(process.execPath, ['--input-type=module', '-e', script.join('\n')]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '\n' });
  });

  test('is a command of kubectl', async () => {
    const { code, stdout, stderr } = await kubectl('classroom', 'get', '-n', namespace);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^NAME +READY .*\npython-101 /);
  });

  test('is completed by kubectl, with the classes of the cluster', async () => {
    const { stdout } = await kubectl('__complete', 'classroom', 'status', '-n', namespace, '');
    expect(stdout).toBe('python-101\n:4\n');
  });

  test('asks the program that a kubeconfig names for credentials', async () => {
    const credential = {
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      status: { token: controlPlane.adminToken },
    };
    await writeFile(join(folder, 'credential.json'), JSON.stringify(credential));
    const kubeconfig = {
      'current-context': 'lab',
      contexts: [{ name: 'lab', context: { cluster: 'lab', user: 'ada', namespace } }],
      clusters: [
        {
          name: 'lab',
          cluster: {
            server: controlPlane.url,
            'certificate-authority-data': Buffer.from(controlPlane.ca).toString('base64'),
          },
        },
      ],
      users: [
        {
          name: 'ada',
          user: {
            exec: {
              apiVersion: 'client.authentication.k8s.io/v1',
              command: 'cat',
              args: [join(folder, 'credential.json')],
              interactiveMode: 'Never',
            },
          },
        },
      ],
    };
    const file = join(folder, 'kubeconfig.json');
    await writeFile(file, JSON.stringify(kubeconfig));
    expect(await run('kubectl-classroom', ['get', '-o', 'name', '--kubeconfig', file])).toEqual({
      code: 0,
      stdout: 'classroom.gpu-classroom.io/python-101\n',
      stderr: '',
    });
  });

  test('makes one of several kubeconfigs, as kubectl does', async () => {
    const first = join(folder, 'first.yaml');
    await writeFile(first, 'apiVersion: v1\nkind: Config\nclusters: []\ncontexts: []\nusers: []\n');
    const ended = await run('kubectl-classroom', ['get', '-n', namespace, '-o', 'name'], {
      KUBECONFIG: `${first}:${controlPlane.kubeconfigPath}`,
    });
    expect(ended).toMatchObject({ code: 0, stdout: 'classroom.gpu-classroom.io/python-101\n' });
  });
});

describe('the npm package', () => {
  test('has no more than it needs, and runs without a checkout', async () => {
    const pack = ['pack', '--dry-run', '--json', '--ignore-scripts'];
    const { stdout } = await promisify(execFile)('npm', pack, { cwd: repository });
    const [{ files }] = packedSchema.parse(JSON.parse(stdout));
    const paths = files.map((file) => file.path).filter((file) => !file.startsWith('dist/'));
    expect(paths.sort()).toEqual([
      'LICENSE',
      'README.md',
      'bin/kubectl-classroom',
      'bin/kubectl_complete-classroom',
      'package.json',
    ]);
    const installed = join(folder, 'installed');
    for (const file of paths) await cp(join(repository, file), join(installed, file));
    await cp(join(outdir, 'kubectl-classroom.mjs'), join(installed, BUILT));
    expect(packageJson.files).toContain(BUILT);
    expect(await run(join(installed, packageJson.bin['kubectl-classroom']), ['get', '--help'])).toMatchObject(
      {
        code: 0,
        stdout: expect.stringContaining('Usage: kubectl classroom get'),
      },
    );
    expect(await run(join(installed, packageJson.bin['kubectl_complete-classroom']), ['stat'])).toMatchObject(
      {
        code: 0,
        stdout: expect.stringMatching(/^status\t.*\n:4\n$/),
      },
    );
  });
});

test('the manifest for krew names the very archive', async () => {
  const manifest = parse(await readFile(join(outdir, 'classroom.yaml'), 'utf8'));
  const archive = await readFile(join(outdir, 'kubectl-classroom.tar.gz'));
  expect(manifest).toMatchObject({
    kind: 'Plugin',
    metadata: { name: 'classroom' },
    spec: { version: `v${packageJson.version}`, platforms: [{ bin: 'kubectl-classroom.mjs' }] },
  });
  // What krew refuses, and what its reviewers ask for: https://krew.sigs.k8s.io/docs/developer-guide/plugin-manifest/
  expect(manifest.spec.version).toMatch(/^v\d+\.\d+\.\d+$/);
  expect(manifest.spec.shortDescription).toMatch(/^.{1,50}$/);
  const { stdout } = await promisify(execFile)('tar', ['-tzf', join(outdir, 'kubectl-classroom.tar.gz')]);
  expect(stdout.trim().split('\n')).toEqual(expect.arrayContaining(['LICENSE', 'kubectl-classroom.mjs']));
  const [platform] = manifest.spec.platforms;
  expect(platform.sha256).toBe(createHash('sha256').update(archive).digest('hex'));
  expect(platform.uri).toBe(
    `https://example.com/gpu-classroom/releases/download/v${packageJson.version}/kubectl-classroom.tar.gz`,
  );
});
