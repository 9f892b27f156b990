import { describe, expect, test } from '@jest/globals';
import {
  adapterArgs,
  adapterEnvironment,
  loraSettings,
  startedForRank,
} from '../../../../src/classroom/adapters/engine-options.ts';
import { deniedArguments } from '../../../../src/classroom/extra-args.ts';

const adapters = (...ranks: number[]) => ({
  adapters: ranks.map((rank, index) => ({ name: `a${index}`, path: `adapters/a${index}`, rank })),
});

describe('an engine of a class', () => {
  test('without adapters is started without them', () => {
    expect([adapterArgs(adapters()), adapterEnvironment(adapters()), loraSettings(adapters())]).toEqual([
      [],
      [],
      undefined,
    ]);
  });

  test('with one may load them while it runs, and forgets none of them', () => {
    expect(adapterArgs(adapters(8)).join(' ')).toBe(
      '--enable-lora --max-loras 4 --max-lora-rank 16 --max-cpu-loras 64',
    );
    expect(adapterEnvironment(adapters(8))).toEqual([
      { name: 'VLLM_ALLOW_RUNTIME_LORA_UPDATING', value: 'True' },
    ]);
  });

  test('is not started anew for one more', () => {
    expect(adapterArgs(adapters(8, 16, 8, 8, 8))).toEqual(adapterArgs(adapters(16)));
  });

  test.each([
    [1, 16],
    [16, 16],
    [17, 32],
    [300, 320],
    [512, 512],
  ])('whose highest rank is %i is started for the step %i that vLLM knows', (rank, step) => {
    expect(loraSettings(adapters(1, rank))?.maxLoraRank).toBe(step);
    expect(startedForRank(['qwen', ...adapterArgs(adapters(rank))])).toBe(step);
  });

  test('that takes none says so by its arguments', () => {
    expect(startedForRank(['qwen', '--max-model-len', '4096'])).toBeUndefined();
  });
});

test.each(['--max-cpu-loras=1', '--max-loras', '--max-lora-rank', '--enable-lora', '--lora-modules'])(
  'a trainer does not set %s past the operator',
  (argument) => {
    expect(deniedArguments([argument, '1'])).toHaveLength(1);
  },
);
