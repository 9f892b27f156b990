import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';

const WRITER = fileURLToPath(new URL('../../support/log-writer.ts', import.meta.url));

const lineSchema = z.object({ msg: z.string(), level: z.string(), lost: z.number().optional() });

/** What a process that logs so many lines has written, when they are read only after it has logged them all. */
async function readLate(lines: number): Promise<z.infer<typeof lineSchema>[]> {
  const writer = spawn(process.execPath, ['--no-warnings', WRITER, String(lines)]);
  const said = await once(writer.stderr, 'data');
  expect(String(said)).toBe('went on');
  writer.stdin.end();
  const written = await text(writer.stdout);
  return written
    .trimEnd()
    .split('\n')
    .map((line) => lineSchema.parse(JSON.parse(line)));
}

describe('a process whose log nobody reads', () => {
  test('goes on, and every line is there when somebody does', async () => {
    const lines = await readLate(2_000);
    expect(lines.filter(({ msg }) => msg === 'one of many')).toHaveLength(2_000);
    expect(lines.at(-1)?.msg).toBe('the last one');
  });

  test('goes on also when that is more than it can hold, and says that lines were lost', async () => {
    const lines = await readLate(40_000);
    const kept = lines.filter(({ msg }) => msg === 'one of many');
    expect(kept.length).toBeGreaterThan(10_000);
    expect(kept.length).toBeLessThan(40_000);
    expect(lines.find(({ lost }) => lost !== undefined)).toMatchObject({ level: 'warn' });
  });
});
