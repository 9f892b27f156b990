import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { lastLines, readTail } from '../../../../src/demo/node-agent/process/log-tail.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

async function tailOf(text: string, maxBytes: number, maxLines: number): Promise<string> {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'log');
  await writeFile(file, text);
  return await readTail(file, maxBytes, maxLines);
}

test.each([
  { name: 'a short log is taken whole', text: 'a\nb\n', bytes: 100, lines: 80, want: 'a\nb\n' },
  { name: 'the last bytes of a long one', text: '0123456789', bytes: 4, lines: 80, want: '6789' },
  { name: 'the last lines of a long one', text: 'a\nb\nc\n', bytes: 100, lines: 2, want: 'b\nc\n' },
  { name: 'never half a character', text: 'ab€', bytes: 2, lines: 80, want: '' },
  { name: 'an empty log', text: '', bytes: 100, lines: 80, want: '' },
])('$name', async ({ text, bytes, lines, want }) => {
  expect(await tailOf(text, bytes, lines)).toBe(want);
});

test('a log that was never written is empty', async () => {
  expect(await readTail('/nonexistent/log', 100, 80)).toBe('');
});

test('a last line without an end counts as a line', () => {
  expect(lastLines('a\nb\nc', 2)).toBe('b\nc');
});
