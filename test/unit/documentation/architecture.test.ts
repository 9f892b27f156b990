import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { ROOT, readDocument } from '../../support/documents.ts';

test('docs/architecture.md says of every folder of src which question it answers', () => {
  const { code } = readDocument('docs/architecture.md');
  const folders = readdirSync(join(ROOT, 'src'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => `src/${name}`);
  expect(folders.filter((folder) => !code.includes(folder))).toEqual([]);
});
