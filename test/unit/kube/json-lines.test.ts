import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { jsonLines } from '../../../src/kube/json-lines.ts';

async function* from(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

async function read(chunks: readonly Uint8Array[], maxLineBytes = 1000): Promise<unknown[]> {
  const values: unknown[] = [];
  for await (const value of jsonLines(from(chunks), maxLineBytes)) values.push(value);
  return values;
}

function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let start = 0;
  for (const size of sizes) {
    chunks.push(bytes.subarray(start, start + size));
    start += size;
  }
  return [...chunks, bytes.subarray(start)];
}

test('however the bytes are cut, the values are the same', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.jsonValue(), { maxLength: 5 }),
      fc.array(fc.nat(12), { maxLength: 30 }),
      async (values, sizes) => {
        const lines = values.map((value) => `${JSON.stringify(value)}\n`);
        const found = await read(cut(Buffer.from(lines.join('')), sizes), 100_000);

        expect(found).toEqual(values.map((value) => JSON.parse(JSON.stringify(value))));
      },
    ),
  );
});

test('empty lines are skipped', async () => {
  expect(await read([Buffer.from('\n1\r\n\n2\n')])).toEqual([1, 2]);
});

describe('a line that is too long', () => {
  const line = Buffer.from(`"${'x'.repeat(20)}"\n`);

  test('may have exactly the allowed length', async () => {
    expect(await read([line], 22)).toHaveLength(1);
  });

  test.each([
    ['in one chunk', [line]],
    ['in many', cut(line, [5, 5, 5])],
    ['without an end in sight', [Buffer.alloc(30, 0x78)]],
  ])('is refused %s', async (_how, chunks) => {
    await expect(read(chunks, 21)).rejects.toThrow(/longer than 21 bytes/);
  });
});

test('a stream that ends inside a line was cut', async () => {
  await expect(read([Buffer.from('{"a":1}\n{"b"')])).rejects.toThrow(/middle of an event/);
});
