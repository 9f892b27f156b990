import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { generatedFiles } from './generated-files.ts';

/**
 * `npm run generate` writes every generated file; `npm run generate -- --check` writes nothing and exits 1 when
 * one is not what it should be.
 */
async function main(root: string, check: boolean): Promise<number> {
  let stale = 0;
  for (const { path, render } of generatedFiles) {
    const wanted = render();
    const present = await readFile(join(root, path), 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (present === wanted) continue;
    stale += 1;
    console.log(check ? `${path} is out of date` : `wrote ${path}`);
    if (check) continue;
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), wanted);
  }
  if (!check || stale === 0) return 0;
  console.error('Generated files differ from their sources: run `npm run generate` and commit the result.');
  return 1;
}

process.exitCode = await main(join(import.meta.dirname, '..'), process.argv.includes('--check'));
