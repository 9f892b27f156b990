import { describe, expect, test } from '@jest/globals';
import { plan } from '../../../../src/cli/plan/command.ts';
import { recordedTerminal } from '../../../support/terminal.ts';

const run = (line: string) => {
  const terminal = recordedTerminal();
  return { code: plan(line.split(' '), terminal), ...terminal.written() };
};

const MODELS = 'Qwen/Qwen2.5-7B-Instruct,qwen2.5-1.5b';

describe('several models or GPUs are compared', () => {
  test('a row a model, a column a GPU', () => {
    const { code, stdout } = run(`--model ${MODELS} --gpu A10,T4 --students 30`);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^MODEL +A10 +T4$/m);
    expect(stdout).toMatch(/^Qwen\/Qwen2.5-7B-Instruct +8, 4 engines +no: WeightsTooLarge$/m);
    expect(stdout).toMatch(/^qwen2.5-1.5b +\d+, 1 engine +\d+, 1 engine$/m);
  });

  test('each cell is what the plan of the two alone says', () => {
    const { plans } = JSON.parse(run(`--model ${MODELS} --gpu A10,T4 -o json`).stdout);
    expect(plans).toHaveLength(4);
    for (const { model, gpu, fits, students, kvCacheTokens } of plans) {
      const alone = JSON.parse(run(`--model ${model} --gpu ${gpu} -o json`).stdout);
      expect(alone).toMatchObject({ fits, students, kvCacheTokens });
    }
  });

  test('what is estimated is marked', () => {
    expect(run('--model acme/tutor-7b --gpu A10,L4').stdout).toMatch(/~\d+ +~\d+\n[\s\S]*~ is an estimate/);
  });

  test('the exit code is 3 only where nothing fits', () => {
    expect(run('--model qwen2.5-7b --gpu T4,A10').code).toBe(0);
    expect(run('--model qwen2.5-7b --gpu T4,V100-16').code).toBe(3);
  });

  test('every name that nobody knows is told', () => {
    const { code, stderr } = run('--model qwen2.5-7b,nobody --gpu A10,A11');
    expect(code).toBe(2);
    expect(stderr).toMatch(/--model nobody/);
    expect(stderr).toMatch(/--gpu A11 \(did you mean A10\?\)/);
  });
});

test.each([
  ['a class in two places', 'python-101 --from class.yaml', /--from and the name of a class/],
  ['GPUs in two places', '--model qwen2.5-7b --nodes --gpu A10', /--gpu and --nodes/],
  [
    'one config.json for two models',
    '--model a,b --model-config config.json --gpu A10',
    /--model must name one model/,
  ],
])('%s cannot be', (_, line, want) => {
  const { code, stderr } = run(line);
  expect(code).toBe(2);
  expect(stderr).toMatch(want);
});
