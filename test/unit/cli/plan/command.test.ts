import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { plan } from '../../../../src/cli/plan/command.ts';
import { EXAMPLES, MISTAKE } from '../../../../src/cli/plan/examples.ts';
import { flagsOf } from '../../../../src/cli/plan/suggestion-flags.ts';
import type { SuggestedChange } from '../../../../src/gpu/plan-types.ts';
import { recordedTerminal } from '../../../support/terminal.ts';

const CLASSROOM = `
apiVersion: gpu-classroom.io/v1alpha1
kind: Classroom
metadata: {name: python-101}
spec: {model: {id: Qwen/Qwen2.5-7B-Instruct}, gpu: {product: NVIDIA-A10}}
`;

const run = (line: string) => {
  const terminal = recordedTerminal({ 'manifests/samples/python-101.yaml': CLASSROOM });
  // Words in quotes belong together, as a shell has it.
  const argv = [...line.matchAll(/"([^"]*)"|\S+/g)].map(([word, quoted]) => quoted ?? word);
  return { code: plan(argv, terminal), ...terminal.written() };
};

const json = (line: string) => JSON.parse(run(`${line} -o json`).stdout);

describe('the exit code', () => {
  test.each([
    ['0 where it fits', '--model Qwen/Qwen2.5-7B-Instruct --gpu A10', 0],
    ['3 where it does not fit', '--model Qwen/Qwen2.5-7B-Instruct --gpu T4', 3],
    ['2 where the flags cannot be used', '--model Qwen/Qwen2.5-7B-Instruct --gpu A10 --max-model-len -1', 2],
    ['0 for help', '--help', 0],
  ])('is %s', (_name, line, want) => {
    expect(run(line).code).toBe(want);
  });
});

test.each(EXAMPLES)('the example of the help runs: $command', ({ command }) => {
  const { code, stderr } = run(command.replace('kubectl classroom plan ', ''));
  expect([0, 3]).toContain(code);
  expect(stderr).toBe('');
});

test('the mistake of the documentation is one', () => {
  expect(run(MISTAKE.replace('kubectl classroom plan ', ''))).toMatchObject({ code: 2, stdout: '' });
});

test('whatever its case or spelling, a model of the catalogue is the same', () => {
  const plans = ['Qwen/Qwen2.5-7B-Instruct', 'qwen/qwen2.5-7b-instruct', 'qwen2.5-7b', 'QWEN2.5-7B'].map(
    (model) => json(`--model ${model} --gpu A10`),
  );
  for (const { model, memory } of plans) {
    expect(model.source).toBe('catalogue');
    expect(memory).toEqual(plans[0].memory);
  }
});

test('a model that nobody knows is estimated, and the plan says so', () => {
  const { model, confidence, warnings } = json('--model acme/tutor-7b --gpu A10');
  expect({ source: model.source, confidence }).toEqual({ source: 'estimate', confidence: 'low' });
  expect(warnings).not.toEqual([]);
});

test('flags win over the class of the file', () => {
  const from = '--from manifests/samples/python-101.yaml';
  expect(json(from).settings.maxModelLen).toBe(4096);
  expect(json(`${from} --max-model-len 2048`).settings.maxModelLen).toBe(2048);
  expect(json(`${from} --gpu H100-80`).gpu.name).toBe('H100-80');
});

describe('what shall change the sum changes it', () => {
  const base = '--model Qwen/Qwen2.5-7B-Instruct --gpu A100-80';
  const kvCacheTokens = (flags: string): number => json(`${base} ${flags}`.trim()).kvCacheTokens;

  test.each([
    ['--kv-cache-dtype fp8', 'more'],
    ['--quantization AWQ', 'more'],
    ['--tensor-parallel 2', 'more'],
    ['--memory-mib 40000', 'less'],
    ['--slices-per-gpu 2', 'less'],
    ['--mig-profile 3g.40gb', 'less'],
    ['--gpu-memory-utilization 0.5', 'less'],
    ['--max-num-batched-tokens 32768', 'less'],
  ])('%s: %s tokens', (flags, want) => {
    const difference = kvCacheTokens(flags) - kvCacheTokens('');
    expect(want === 'more' ? difference : -difference).toBeGreaterThan(0);
  });
});

test('figures that are given are those the engine starts with', () => {
  const { engineArgs } = json(
    '--model Qwen/Qwen2.5-7B-Instruct --gpu A10 --max-num-seqs 8 --max-num-batched-tokens 1024 --max-model-len 2048 --gpu-memory-utilization 0.88 --enforce-eager --kv-cache-dtype fp8 --quantization AWQ --tensor-parallel 2',
  );
  const given: [string, string | undefined][] = [
    ['--max-num-seqs', '8'],
    ['--max-num-batched-tokens', '1024'],
    ['--max-model-len', '2048'],
    ['--kv-cache-dtype', 'fp8'],
    ['--quantization', 'awq'],
    ['--tensor-parallel-size', '2'],
  ];
  for (const [flag, value] of given) expect(engineArgs[engineArgs.indexOf(flag) + 1]).toBe(value);
  expect(Number(engineArgs[engineArgs.indexOf('--gpu-memory-utilization') + 1])).toBe(0.88);
  expect(engineArgs).toContain('--enforce-eager');
});

test.each([
  '--model qwen2.5-7b --gpu A10 --slices-per-gpu 4',
  '--model qwen2.5-14b --gpu A10 --slices-per-gpu 2 --max-model-len 16384',
  '--model qwen2.5-7b --gpu A10 --gpu-memory-utilization 0.99',
  '--model qwen2.5-14b --gpu A10 --gpu-memory-utilization 1',
  '--model qwen2.5-7b --gpu A10 --gpu-memory-utilization 0.3',
  '--model qwen2.5-7b --gpu T4 --students 20',
  '--model gemma-3-27b --gpu L4',
])('the flags that are suggested for %s make it fit', (line) => {
  const { suggestions } = json(line);
  const flags = suggestions.map(({ change }: { change: SuggestedChange }) =>
    flagsOf(change, json(line).gpu).join(' '),
  );
  expect(flags).not.toEqual([]);
  for (const more of flags)
    expect({ more, fits: json(`${line} ${more}`).fits }).toEqual({ more, fits: true });
});

describe('a sample of the repository', () => {
  const samples = join(import.meta.dirname, '../../../../manifests/samples');

  test.each(readdirSync(samples))('%s fits the GPU it asks for', (name) => {
    const terminal = recordedTerminal({ [name]: readFileSync(join(samples, name), 'utf8') });
    expect({ code: plan(['--from', name], terminal), stderr: terminal.written().stderr }).toEqual({
      code: 0,
      stderr: '',
    });
  });
});
