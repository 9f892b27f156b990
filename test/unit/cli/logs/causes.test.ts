import { expect, test } from '@jest/globals';
import { createCauseFinder } from '../../../../src/cli/logs/causes.ts';

/** The reasons found, each with the number of the line. */
const found = (...lines: string[]): [number, string][] => {
  const causes = createCauseFinder();
  return lines.flatMap((line, place): [number, string][] => {
    const cause = causes.read(line);
    return cause === undefined ? [] : [[place, cause.reason]];
  });
};

const OUT_OF_MEMORY =
  '(EngineCore pid=7) ERROR 11-23 06:33:25 [core.py:1330] torch.OutOfMemoryError: CUDA out of memory.';

test('a line by which a failure is known is marked, with what it means and what to do', () => {
  const cause = createCauseFinder().read(OUT_OF_MEMORY);
  expect(cause?.reason).toBe('OutOfGPUMemoryAtStart');
  expect(cause?.what).not.toMatch(/[{}]/);
  expect(cause?.next).toMatch(/^[A-Z].*\.$/);
});

test('figures of the log stand in the words', () => {
  const cause = createCauseFinder().read(
    'ValueError: User-specified max_model_len (65536) is greater than the derived max_model_len (max_position_embeddings=32768 or model_max_length=None in config.json).',
  );
  expect(cause).toMatchObject({ reason: 'ContextAboveModel' });
  expect(`${cause?.what} ${cause?.next}`).toMatch(/65536.*32768/);
});

test('a cause that goes over several lines is marked where it is complete', () => {
  expect(
    found(
      'pydantic_core._pydantic_core.ValidationError: 1 validation error for EngineArgs',
      'swap_space',
      '  Extra inputs are not permitted',
    ),
  ).toEqual([[2, 'ArgumentRefused']]);
});

test('the traceback that repeats a cause is not marked again', () => {
  expect(found(OUT_OF_MEMORY, 'Traceback (most recent call last):', OUT_OF_MEMORY)).toEqual([
    [0, 'OutOfGPUMemoryAtStart'],
  ]);
});

test('a second cause is', () => {
  expect(found(OUT_OF_MEMORY, 'a', 'b', 'OSError: [Errno 28] No space left on device')).toEqual([
    [0, 'OutOfGPUMemoryAtStart'],
    [3, 'NoSpaceLeft'],
  ]);
});

test.each([
  ['is informed of', 'INFO 11-23 06:33:25 [utils.py:12] retry after ReadTimeout'],
  [
    'is informed of by a process',
    '(APIServer pid=1) INFO 11-23 06:33:25 [utils.py:12] PermissionError was handled',
  ],
  ['says nothing', 'Loading safetensors checkpoint shards:  50% Completed | 2/4'],
])('a line that %s is no cause', (_, line) => {
  expect(found(line)).toEqual([]);
});
