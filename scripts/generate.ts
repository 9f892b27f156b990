import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type GeneratedFile, generatedFiles } from './generated-files.ts';

/**
 * `npm run generate` writes every generated file; `npm run generate -- --check` writes nothing and exits 1 when
 * one is not what it should be. A folder as an argument takes the place of the repository.
 */
async function main(root: string, check: boolean): Promise<number> {
  const stale = await staleFiles(root);
  for (const { path, render } of stale) {
    console.log(check ? `${path} is out of date` : `wrote ${path}`);
    if (check) continue;
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), render());
  }
  if (!check || stale.length === 0) return 0;
  console.error('Generated files differ from their sources: run `npm run generate` and commit the result.');
  return 1;
}

/** The files that are absent or not what the sources say. */
async function staleFiles(root: string): Promise<GeneratedFile[]> {
  const stale: GeneratedFile[] = [];
  for (const file of generatedFiles) {
    if ((await contentOf(join(root, file.path))) !== file.render()) stale.push(file);
  }
  return stale;
}

async function contentOf(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

const [root = join(import.meta.dirname, '..')] = process.argv
  .slice(2)
  .filter((word) => !word.startsWith('-'));
process.exitCode = await main(root, process.argv.includes('--check'));
