import { execFile } from 'node:child_process';
import { cp, mkdir, readdir, readFile, symlink } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { gpuClassroomValues } from '../../../src/chart/gpu-classroom-values.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

/**
 * The image, as far as it can be judged without a container runtime: the steps of its Dockerfile are done in folders that
 * have nothing but what the image would have.
 */

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../../..');
const ENTRY_POINTS = ['operator.js', 'gateway.js', 'kubectl-classroom.js'];
/** The client of Valkey and `debug` take them if they are there, and do without them otherwise. */
const OPTIONAL = ['@node-rs/xxhash', 'supports-color'];
const BUILD_TIMEOUT_MS = 180_000;

const metafileSchema = z.object({
  inputs: z.record(z.string(), z.unknown()),
  outputs: z.record(
    z.string(),
    z.object({ imports: z.array(z.object({ path: z.string(), external: z.boolean().optional() })) }),
  ),
});

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let app: string;
let metafile: z.infer<typeof metafileSchema>;

beforeAll(async () => {
  folder = await temporaryFolder();
  const source = join(folder.path, 'src');
  await mkdir(source);
  for (const path of await sentToTheBuild())
    await cp(join(ROOT, path), join(source, path), { recursive: true });
  await symlink(join(ROOT, 'node_modules'), join(source, 'node_modules'));
  const built = join(folder.path, 'dist');
  const account = join(folder.path, 'meta.json');
  await run(process.execPath, ['scripts/build.ts', `--outdir=${built}`, `--metafile=${account}`], {
    cwd: source,
  });
  metafile = metafileSchema.parse(JSON.parse(await readFile(account, 'utf8')));
  app = join(folder.path, 'app');
  // As in the image: without the maps.
  await cp(built, app, { recursive: true, filter: (path) => !path.endsWith('.map') });
}, BUILD_TIMEOUT_MS);

afterAll(async () => {
  await folder?.[Symbol.asyncDispose]();
});

/** What `.dockerignore` lets through. */
async function sentToTheBuild(): Promise<string[]> {
  const lines = (await readFile(join(ROOT, '.dockerignore'), 'utf8')).split('\n');
  return lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
}

/** Nothing of this machine's environment. */
const runInApp = (args: readonly string[]) => run(process.execPath, [...args], { cwd: app, env: {} });

describe('the bundle', () => {
  test('needs nothing but Node', () => {
    const external = Object.values(metafile.outputs).flatMap(({ imports }) =>
      imports.filter((one) => one.external === true).map(({ path }) => path),
    );
    const missing = new Set(external.filter((path) => !isBuiltin(path)));
    expect([...missing].sort()).toEqual(OPTIONAL);
  });

  test.each(ENTRY_POINTS)('%s runs in a folder that has nothing else', async (entryPoint) => {
    const { stdout } = await runInApp([entryPoint, '--help']);
    expect(stdout).toMatch(/--[a-z-]+/);
  });

  test('has everything that is loaded on demand', async () => {
    const chunks = (await readdir(app)).filter(
      (file) => file.endsWith('.js') && !ENTRY_POINTS.includes(file),
    );
    expect(chunks.length).toBeGreaterThan(0);
    const imports = chunks.map((chunk) => `await import('./${chunk}');`).join('\n');
    await runInApp(['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', imports]);
  });
});

test(
  'the bill of materials has every package that is in the bundle',
  async () => {
    const { stdout } = await run('npm', ['run', '--silent', 'sbom'], { cwd: ROOT, maxBuffer: 64 << 20 });
    const bill = z.object({ components: z.array(z.object({ purl: z.string() })) }).parse(JSON.parse(stdout));
    const listed = new Set(
      bill.components.map(({ purl }) => decodeURIComponent(purl).replace(/^pkg:npm\/(.+)@[^@]+$/, '$1')),
    );
    const bundled = Object.keys(metafile.inputs).flatMap((path) => {
      const [, name] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path) ?? [];
      return name === undefined ? [] : [name];
    });
    expect([...new Set(bundled)].filter((name) => !listed.has(name))).toEqual([]);
    expect(bundled.length).toBeGreaterThan(0);
    expect([...listed].filter((name) => ['jest', 'typescript', 'esbuild'].includes(name))).toEqual([]);
  },
  BUILD_TIMEOUT_MS,
);

describe('the Dockerfile', () => {
  /** The instructions of the last stage. */
  const finalStage = async () => {
    const lines = (await readFile(join(ROOT, 'Dockerfile'), 'utf8')).split('\n');
    return lines.slice(lines.findLastIndex((line) => line.startsWith('FROM ')));
  };

  test('ends in a distroless image with the Node that the tests run on', async () => {
    const major = process.versions.node.split('.')[0];
    expect((await finalStage())[0]).toMatch(
      new RegExp(`^FROM gcr\\.io/distroless/nodejs${major}-debian\\d+:nonroot$`),
    );
  });

  test('runs as the user that the chart says', async () => {
    const { podSecurityContext } = gpuClassroomValues.parse({});
    const { runAsUser, runAsGroup } = z
      .looseObject({ runAsUser: z.number(), runAsGroup: z.number() })
      .parse(podSecurityContext);
    expect(await finalStage()).toContain(`USER ${runAsUser}:${runAsGroup}`);
  });

  test('starts Node in the folder of the bundles, as the chart expects it', async () => {
    const stage = await finalStage();
    expect(stage).toEqual(
      expect.arrayContaining([
        'WORKDIR /app',
        'COPY --from=build /src/dist/ ./',
        'ENTRYPOINT ["/nodejs/bin/node"]',
      ]),
    );
  });
});
