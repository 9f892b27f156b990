import { expect, test } from '@jest/globals';
import { readLog } from '../../../../src/cli/logs/read.ts';
import { KubeApiError } from '../../../../src/kube/errors.ts';
import type { Pod } from '../../../../src/kube/resources.ts';

const engine: Pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'engine-1', namespace: 'school' } };

/** The lines of a log that comes in these pieces. */
async function linesOf(...pieces: string[]): Promise<string[]> {
  const bytes = pieces.map((piece) => new TextEncoder().encode(piece));
  const stream = { body: streamOf(bytes), close: () => {}, explain: broken };
  const client = { open: () => Promise.resolve(stream) };
  const lines: string[] = [];
  for await (const line of readLog(client, engine, { previous: false, follow: false })) lines.push(line);
  return lines;
}

const broken = () => new KubeApiError({ status: 0, reason: 'Aborted', message: 'the stream broke off' });

async function* streamOf(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, void> {
  yield* pieces;
}

test('lines come whole, however the log is cut, and the last one without its end', async () => {
  expect(await linesOf('one\ntw', 'o\n\nthr', 'ee')).toEqual(['one', 'two', '', 'three']);
});

test.each([
  ['colours', '\u001b[36m(EngineCore pid=7)\u001b[0;0m INFO ready', '(EngineCore pid=7) INFO ready'],
  ['a prompt of a student that clears the screen', 'prompt: \u001b[2Jhi', 'prompt: hi'],
  ['one that fills the clipboard', 'prompt: \u001b]52;c;cm0gLXJmIH4=\u0007hi', 'prompt: hi'],
  [
    'one that overwrites its line',
    'ERROR out of memory\rINFO all is well',
    'ERROR out of memoryINFO all is well',
  ],
  ['half a sequence', 'prompt: \u001b', 'prompt: '],
  ['the same in eight bits', 'prompt: \u009b2Jhi', 'prompt: hi'],
  ['indentation, which is harmless', '\tat line 3', '\tat line 3'],
])('of %s the terminal gets the letters alone', async (_, written, shown) => {
  expect(await linesOf(`${written}\n`)).toEqual([shown]);
});
