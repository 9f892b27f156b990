import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { createPrivateFiles } from '../../../src/cli/private-files.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const files = createPrivateFiles('test');
const modeOf = async (path: string) => (await stat(path)).mode & 0o777;

test('a file and the folders that it needs are for their owner alone', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'a/b/alice.env');
  await files.write(path, 'OPENAI_API_KEY=x\n');
  expect(await readFile(path, 'utf8')).toBe('OPENAI_API_KEY=x\n');
  expect(await modeOf(path)).toBe(0o600);
  expect(await modeOf(join(folder.path, 'a/b'))).toBe(0o700);
  expect(await readdir(join(folder.path, 'a/b'))).toEqual(['alice.env']);
});

test('a file that others could read is replaced by one that they cannot', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'keys.csv');
  await writeFile(path, 'old');
  await chmod(path, 0o644);
  await files.write(path, 'new');
  expect({ text: await readFile(path, 'utf8'), mode: await modeOf(path) }).toEqual({
    text: 'new',
    mode: 0o600,
  });
});

test('a link is replaced, and what it leads to stays', async () => {
  await using folder = await temporaryFolder();
  const elsewhere = join(folder.path, 'elsewhere');
  await writeFile(elsewhere, 'public');
  await symlink(elsewhere, join(folder.path, 'keys.csv'));
  await files.write(join(folder.path, 'keys.csv'), 'secret');
  expect(await readFile(elsewhere, 'utf8')).toBe('public');
});

test('what cannot be written leaves nothing behind', async () => {
  await using folder = await temporaryFolder();
  await mkdir(join(folder.path, 'keys.csv/inside'), { recursive: true });
  await expect(files.write(join(folder.path, 'keys.csv'), 'secret')).rejects.toThrow();
  expect(await readdir(folder.path)).toEqual(['keys.csv']);
});

test('says what is there already, links to nothing included', async () => {
  await using folder = await temporaryFolder();
  const there = join(folder.path, 'there');
  const dangling = join(folder.path, 'dangling');
  await writeFile(there, '');
  await symlink(join(folder.path, 'nowhere'), dangling);
  const paths = [there, dangling, join(folder.path, 'not-there'), join(there, 'below-a-file')];
  expect(await files.existing(paths)).toEqual([there, dangling]);
});
