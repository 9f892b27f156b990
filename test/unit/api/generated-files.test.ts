import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { generatedFiles } from '../../../scripts/generated-files.ts';

// A busy machine is slow, not wrong.
jest.setTimeout(60_000);

const repository = join(import.meta.dirname, '../../..');

test.each(generatedFiles)('$path is what `npm run generate` writes', async ({ path, render }) => {
  expect(await readFile(join(repository, path), 'utf8')).toBe(render());
});

describe('scripts/generate.ts', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'generate-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const generate = (...args: string[]) =>
    promisify(execFile)(process.execPath, [join(repository, 'scripts/generate.ts'), folder, ...args]);

  test('writes what is absent, is content with it, and exits 1 when it is edited by hand', async () => {
    const [first] = generatedFiles;
    if (first === undefined) throw new Error('nothing is generated');
    await expect(generate('--check')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('npm run generate'),
    });
    await generate();
    expect(await readFile(join(folder, first.path), 'utf8')).toBe(first.render());
    expect(await generate('--check')).toMatchObject({ stdout: '' });
    await writeFile(join(folder, first.path), `${first.render()}# edited\n`);
    await expect(generate('--check')).rejects.toMatchObject({
      code: 1,
      stdout: `${first.path} is out of date\n`,
    });
  });
});
