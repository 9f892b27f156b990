import { join } from 'node:path';
import { expect, jest, test } from '@jest/globals';
import { build } from 'esbuild';
import { COMMANDS } from '../../../src/cli/commands.ts';

// A busy machine is slow, not wrong.
jest.setTimeout(120_000);

const root = join(import.meta.dirname, '../../..');

/** What is loaded before the first line of a program runs: packages, and files of ours. */
async function loadedBy(entry: string): Promise<{ packages: string[]; files: string[] }> {
  const { metafile } = await build({
    entryPoints: [join(root, entry)],
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    metafile: true,
    write: false,
    absWorkingDir: root,
  });
  const packages = new Set<string>();
  const files = new Set<string>();
  const visit = (path: string): void => {
    if (files.has(path)) return;
    files.add(path);
    for (const { path: imported, kind, external } of metafile.inputs[path]?.imports ?? []) {
      if (kind === 'dynamic-import') continue;
      if (!external) visit(imported);
      else if (!imported.startsWith('node:')) packages.add(imported);
    }
  };
  visit(entry);
  return { packages: [...packages], files: [...files] };
}

test('help and the version come without any package, and without the code of any command', async () => {
  const { packages, files } = await loadedBy('src/cli/main.ts');
  expect(packages).toEqual([]);
  expect(files.filter((file) => /^src\/cli\/[^/]+\/command\.ts$/.test(file))).toEqual([]);
});

test.each(COMMANDS.map(({ name }) => name))('help of %s comes without HTTP', async (name) => {
  const { packages } = await loadedBy(`src/cli/${name}/command.ts`);
  expect(packages).not.toContain('undici');
  expect(packages).not.toContain('@kubernetes/client-node');
});
