import { describe, expect, test } from '@jest/globals';
import { parsePlanArguments } from '../../../../src/cli/plan/arguments.ts';
import { recordedTerminal } from '../../../support/terminal.ts';

const CONFIG = {
  model_type: 'qwen2',
  hidden_size: 896,
  intermediate_size: 4864,
  num_hidden_layers: 24,
  num_attention_heads: 14,
  num_key_value_heads: 2,
  vocab_size: 151_936,
  tie_word_embeddings: true,
};

const FILES = {
  'class.yaml': `
apiVersion: gpu-classroom.io/v1alpha1
kind: Classroom
metadata: {name: python-101}
spec: {model: {id: a/b-7b}, gpu: {product: NVIDIA-A10}}
`,
  'class-anywhere.yaml': `
apiVersion: gpu-classroom.io/v1alpha1
kind: Classroom
metadata: {name: python-101}
spec: {model: {id: a/b-7b}}
`,
  'namespace.yaml': 'apiVersion: v1\nkind: Namespace\nmetadata: {name: school}\n',
  'config.json': JSON.stringify(CONFIG),
  'unknown-model.yaml': `
apiVersion: gpu-classroom.io/v1alpha1
kind: Classroom
metadata: {name: python-101}
spec: {model: {id: acme/tutor}, gpu: {product: NVIDIA-A11}}
`,
  'shapeless.json': '{"model_type": "qwen2"}',
  'broken.json': '{',
};

const parse = (...argv: string[]) => parsePlanArguments(argv, recordedTerminal(FILES).readText);

const optionsOf = (...argv: string[]) => {
  const parsed = parse(...argv);
  if (parsed.kind !== 'run') throw new Error(parsed.text);
  return parsed.options;
};

const faultsOf = (...argv: string[]) => {
  const parsed = parse(...argv);
  if (parsed.kind !== 'refused') throw new Error('it was not refused');
  return parsed.text
    .split('\n')
    .slice(1, -2)
    .map((line) => line.trim());
};

const ENOUGH = ['--model', 'a/b-7b', '--gpu', 'A10'];

test('model and GPU are enough', () => {
  expect(optionsOf(...ENOUGH).options).toEqual({
    model: 'a/b-7b',
    gpu: 'A10',
    nodes: false,
    enforceEager: false,
    output: 'table',
    requestTimeout: 30_000,
  });
});

test('every flag is read', () => {
  const argv =
    '--model a/b-7b --model-config config.json --from class.yaml --gpu A10 --memory-mib 22000 --slices-per-gpu 2 --tensor-parallel 2 --quantization awq --kv-cache-dtype fp8 --max-model-len 2048 --max-num-seqs 16 --max-num-batched-tokens 512 --gpu-memory-utilization .45 --enforce-eager --vllm-version v0.26.0 --students 20 -o yaml';
  expect(optionsOf(...argv.split(' '))).toMatchObject({
    options: {
      model: 'a/b-7b',
      modelConfig: 'config.json',
      from: 'class.yaml',
      gpu: 'A10',
      memoryMib: 22_000,
      slicesPerGpu: 2,
      tensorParallel: 2,
      quantization: 'AWQ',
      kvCacheDtype: 'fp8',
      maxModelLen: 2048,
      maxNumSeqs: 16,
      maxNumBatchedTokens: 512,
      gpuMemoryUtilization: 0.45,
      enforceEager: true,
      vllmVersion: '0.26.0',
      students: 20,
      output: 'yaml',
    },
    files: {
      modelConfig: CONFIG,
      classFile: { classroom: { metadata: { name: 'python-101' } } },
    },
  });
  expect(optionsOf(...ENOUGH, '--mig-profile', '1g.10gb', '--gpu', 'H100').options.migProfile).toBe(
    '1g.10gb',
  );
});

test.each([
  'A10',
  'NVIDIA-A10',
  'a10g',
  'A10G',
  'H100-80',
  'h100 80gb',
  'NVIDIA-H100-80GB-HBM3',
  'NVIDIA-A10-SHARED',
  'a100-40',
  'A100 80GB',
  'l40s',
  'NVIDIA H200',
  'Tesla-T4',
  't4',
  'rtx 4090',
])('%s is a GPU', (gpu) => {
  expect(optionsOf('--model', 'a/b-7b', '--gpu', gpu).options.gpu).toBe(gpu);
});

test.each([
  ['0.26.0', '0.26.0'],
  ['v0.26.0', '0.26.0'],
  ['0.19', '0.19'],
  ['0.15.x', '0.15.x'],
  ['0.33.0rc1', '0.33.0rc1'],
])('%s is a release of vLLM', (text, want) => {
  expect(optionsOf(...ENOUGH, '--vllm-version', text).options.vllmVersion).toBe(want);
});

test('memory says enough of a GPU that the table does not know', () => {
  expect(optionsOf('--model', 'a/b-7b', '--gpu', 'B999', '--memory-mib', '9000').options.memoryMib).toBe(
    9000,
  );
});

describe('what cannot be used is told', () => {
  test('all at once: flags, values, files and names', () => {
    const faults = faultsOf(
      ...[
        '--modle',
        'a/b-7b',
        '--gpu',
        'A11',
        '--max-model-len',
        '4k',
        '--students',
        '--quantization',
        'int3',
      ],
      ...['--gpu-memory-utilization', '90', '--from', 'nowhere.yaml', '--model-config', 'broken.json'],
      ...['--kv-cache-dtype', 'fp4', '--vllm-version', 'latest', '-o', 'xml', '--mig-profile', ''],
    );
    expect(faults).toEqual([
      "unknown option '--modle': did you mean --model?",
      '--students must be followed by a value',
      "--from nowhere.yaml cannot be read: ENOENT: no such file or directory, open 'nowhere.yaml'",
      expect.stringMatching(/^--model-config broken\.json cannot be read: .*JSON/),
      expect.stringMatching(/^--gpu A11 \(did you mean A1\w+\?\): .*H100-80/),
      '--mig-profile must not be empty',
      '--quantization must be one of None, AWQ, GPTQ, FP8, BitsAndBytes',
      expect.stringMatching(/^--kv-cache-dtype must be one of auto, .*fp8/),
      '--max-model-len must be a whole number',
      '--gpu-memory-utilization must be a share of the GPU between 0 and 1, such as 0.9',
      '--vllm-version must be a release of vLLM, such as 0.32.0',
      '--output must be one of table, json, yaml',
    ]);
  });

  test.each([
    {
      name: 'nothing at all',
      argv: [],
      want: [
        '--model, --model-config, --from or the name of a class must say which model the engine loads',
        '--gpu or --memory-mib must say where the engine runs, such as --gpu A10',
      ],
    },
    {
      name: 'a class that does not say which GPU',
      argv: ['--from', 'class-anywhere.yaml'],
      want: ['--gpu or --memory-mib must say where the engine runs, such as --gpu A10'],
    },
    {
      name: 'a file without a class, of which no GPU can be asked',
      argv: ['--from', 'namespace.yaml'],
      want: ['--from namespace.yaml: holds no Classroom'],
    },
    {
      name: 'a model of which nobody knows the size',
      argv: ['--gpu', 'A10', '--model', 'Qwen/Qwen2.5-Instruct'],
      want: [
        expect.stringMatching(
          /^--model Qwen\/Qwen2\.5-Instruct.*: Nothing is known of .* Give its config\.json with --model-config\.$/,
        ),
      ],
    },
    {
      name: 'model and GPU of a class that nobody knows',
      argv: ['--from', 'unknown-model.yaml'],
      want: [
        expect.stringMatching(
          /^--from unknown-model\.yaml: spec\.model: Nothing is known of acme\/tutor.* with --model-config, or state what is known of it in `model\.facts`\.$/,
        ),
        expect.stringMatching(/^--from unknown-model\.yaml: spec\.gpu\.product: .*NVIDIA-A11/),
      ],
    },
    {
      name: 'a config.json that lacks what is needed',
      argv: ['--gpu', 'A10', '--model-config', 'shapeless.json'],
      want: [
        expect.stringMatching(
          /^--model-config shapeless\.json: .* cannot be used: it does not say num_hidden_layers\.$/,
        ),
      ],
    },
    {
      name: 'MIG on a GPU that cannot',
      argv: [...ENOUGH, '--mig-profile', '1g.10gb'],
      want: [expect.stringMatching(/^--mig-profile 1g\.10gb: A10 cannot be cut by MIG/)],
    },
    {
      name: 'MIG on the GPU of the class, which cannot',
      argv: ['--from', 'class.yaml', '--mig-profile', '1g.10gb'],
      want: [expect.stringMatching(/^--mig-profile 1g\.10gb: A10 cannot be cut by MIG/)],
    },
    {
      name: 'MIG on the GPU of the class, which cannot, whatever memory it has',
      argv: ['--from', 'class.yaml', '--mig-profile', '1g.10gb', '--memory-mib', '9000'],
      want: [expect.stringMatching(/^--mig-profile 1g\.10gb: A10 cannot be cut by MIG/)],
    },
    {
      name: 'a profile that the GPU does not have',
      argv: ['--model', 'a/b-7b', '--gpu', 'H100', '--mig-profile', '1g.5gb'],
      want: [expect.stringMatching(/^--mig-profile 1g\.5gb: .*1g\.10gb/)],
    },
    {
      name: 'what is no profile, of a GPU that the table does not know',
      argv: ['--model', 'a/b-7b', '--memory-mib', '9000', '--mig-profile', '1g'],
      want: ['--mig-profile must be a MIG profile, such as 1g.10gb'],
    },
    {
      name: 'what is no profile, of one that it knows',
      argv: ['--model', 'a/b-7b', '--gpu', 'H100', '--mig-profile', 'small'],
      want: ['--mig-profile must be a MIG profile, such as 1g.10gb'],
    },
    {
      name: 'two ways of sharing',
      argv: ['--model', 'a/b-7b', '--gpu', 'H100', '--mig-profile', '1g.10gb', '--slices-per-gpu', '2'],
      want: ['--mig-profile and --slices-per-gpu must not be used together: a GPU is shared in one way'],
    },
    {
      name: 'one standard input for two files',
      argv: ['--gpu', 'A10', '--from', '-', '--model-config', '-'],
      want: [
        expect.stringMatching(/^--from - cannot be read/),
        "--from and --model-config must not both be '-': there is one standard input",
      ],
    },
    {
      name: 'a value without its flag',
      argv: ['python-101', ...ENOUGH, 'H100'],
      want: ["'H100' is not expected: values are written after their flag"],
    },
    { name: 'no students', argv: [...ENOUGH, '--students', '0'], want: ['--students must be at least 1'] },
    {
      name: 'nothing of the GPU',
      argv: [...ENOUGH, '--gpu-memory-utilization', '0.0'],
      want: ['--gpu-memory-utilization must be more than 0'],
    },
  ])('$name', ({ argv, want }) => {
    expect(faultsOf(...argv)).toEqual(want);
  });
});

test('help names every flag, the exit codes and examples', () => {
  const parsed = parse('--help');
  expect(parsed.kind).toBe('print');
  for (const word of ['--model-config <file>', '-o, --output <format>', 'Exit codes:', 'Examples:']) {
    expect(parsed).toHaveProperty('text', expect.stringContaining(word));
  }
});
