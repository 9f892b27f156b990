import { expect, test } from '@jest/globals';
import { parsePlanArguments } from '../../../../src/cli/plan/arguments.ts';
import { flagsOf } from '../../../../src/cli/plan/suggestion-flags.ts';
import type { SuggestedChange } from '../../../../src/gpu/plan-types.ts';
import { recordedTerminal } from '../../../support/terminal.ts';

test('a GPU that is whole already stays so', () => {
  expect(flagsOf({ slot: { gpu: 'L40S' } }, { name: 'A10' })).toEqual(['--gpu', 'L40S']);
});

test.each<[SuggestedChange, string]>([
  [{ maxModelLen: 2048 }, '--max-model-len 2048'],
  [{ quantization: 'AWQ', kvCacheDtype: 'fp8' }, '--quantization AWQ --kv-cache-dtype fp8'],
  [{ model: { id: 'Qwen/Qwen2.5-7B-Instruct-AWQ' } }, '--model Qwen/Qwen2.5-7B-Instruct-AWQ'],
  [{ tensorParallel: 2 }, '--tensor-parallel 2'],
  [{ maxNumSeqs: 8, maxNumBatchedTokens: 512 }, '--max-num-seqs 8 --max-num-batched-tokens 512'],
  [{ gpuMemoryUtilization: 0.95 }, '--gpu-memory-utilization 0.95'],
  [{ enforceEager: true }, '--enforce-eager'],
  [{ slot: { gpu: 'H100-80', migProfile: '2g.20gb' } }, '--gpu H100-80 --mig-profile 2g.20gb'],
  [{ slot: { gpu: 'A10', slicesPerGPU: 2 } }, '--slices-per-gpu 2'],
  [{ slot: { gpu: 'L40S' } }, '--gpu L40S --slices-per-gpu 1'],
  [{ slot: { gpu: 'NVIDIA-A10' } }, '--slices-per-gpu 1'],
  [{ replicas: { max: 8 } }, ''],
])('%j is %j', (change, want) => {
  const flags = flagsOf(change, { name: 'A10 (1 of 4 time-slices)' });
  expect(flags.join(' ')).toBe(want);
  const argv = ['--model', 'a/b-7b', '--gpu', 'A10', ...flags];
  expect(parsePlanArguments(argv, recordedTerminal().readText).kind).toBe('run');
});
