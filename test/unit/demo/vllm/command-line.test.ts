import { describe, expect, test } from '@jest/globals';
import { SERVE_FLAGS } from '../../../../src/demo/vllm/command-line/flags.ts';
import { asksForHelp, serveHelp } from '../../../../src/demo/vllm/command-line/help.ts';
import { type EngineOptions, readEngineOptions } from '../../../../src/demo/vllm/command-line/options.ts';
import { CommandLineError, parseCommandLine } from '../../../../src/demo/vllm/command-line/parse.ts';
import { GPU_PROFILES } from '../../../../src/demo/vllm/engine/gpu-profiles.ts';
import { planEngine } from '../../../../src/demo/vllm/engine/memory.ts';
import { modelFacts } from '../../../../src/demo/vllm/engine/models.ts';
import { recordedText } from '../../../support/vllm-recordings.ts';

const read = (...argv: string[]): EngineOptions => readEngineOptions(parseCommandLine(argv));

function refusal(...argv: string[]): string {
  try {
    parseCommandLine(argv);
  } catch (error) {
    if (error instanceof CommandLineError && error.exitCode === 2)
      return error.message.split('\n').at(-2) ?? '';
    throw error;
  }
  return 'accepted';
}

describe('the command line of vllm serve', () => {
  test.each([
    [['serve', 'm', '--max-model-len', '4096'], { model: 'm', maxModelLen: 4096 }],
    [['m', '--max-model-len=8k'], { maxModelLen: 8000 }],
    [['m', '--max-model-len', '8K'], { maxModelLen: 8192 }],
    [['m', '--max-model-len', 'auto'], { maxModelLen: undefined }],
    [['m', '--max_num_seqs', '16'], { maxNumSeqs: 16 }],
    [['m', '--served-model-name', 'a', 'b', '--port', '1'], { servedModelNames: ['a', 'b'], port: 1 }],
    [['--model', 'm'], { model: 'm', servedModelNames: ['m'] }],
    [['m', '--no-enable-prefix-caching'], { enablePrefixCaching: false }],
    [['m', '-q', 'awq', '-tp', '2'], { quantization: 'awq', tensorParallelSize: 2 }],
    [['m', '--kv-cache-memory=22038820557'], { kvCacheMemoryBytes: 22_038_820_557 }],
    [['m', '--device-memory-utilization', '0.5'], { gpuMemoryUtilization: 0.5 }],
    [['m'], { port: 8000, gpuMemoryUtilization: 0.92, shutdownTimeoutSeconds: 0, schedulingPolicy: 'fcfs' }],
  ])('%j is understood', (argv, expected) => {
    expect(read(...argv)).toMatchObject(expected);
  });

  test.each([
    [['m', '--swap-space', '4'], 'vllm: error: unrecognized arguments: --swap-space 4'],
    [['m', '--limit-tokens-per-min', '5'], 'vllm: error: unrecognized arguments: --limit-tokens-per-min 5'],
    [
      ['m', '--dtype', 'int8'],
      "vllm serve: error: argument --dtype: invalid choice: 'int8' (choose from 'auto', 'bfloat16', 'float', 'float16', 'float32', 'half')",
    ],
    [['m', '--port', 'x'], "vllm serve: error: argument --port: invalid int value: 'x'"],
    [['m', '--port'], 'vllm serve: error: argument --port: expected one argument'],
  ])('%j is refused in vLLM’s words', (argv, message) => {
    expect(refusal(...argv)).toBe(message);
  });

  test('the recorded refusals of unknown flags are met', () => {
    const [first = ''] = recordedText('0.32.0-cpu/start_failures.txt').split('\n');
    expect(first).toContain(refusal('m', '--swap-space', '4'));
  });

  test('VLLM_API_KEY counts only without --api-key', () => {
    const parse = (...argv: string[]): EngineOptions => readEngineOptions(parseCommandLine(argv), 'env');
    expect(parse('m').apiKeys).toEqual(['env']);
    expect(parse('m', '--api-key', 'a', 'b').apiKeys).toEqual(['a', 'b']);
  });
});

describe('the help of vllm serve', () => {
  test.each([
    [['--help'], true],
    [['serve', '-h'], true],
    [['serve', 'm', '--port', '1', '--help=all'], true],
    [['serve', 'm', '--port', '1'], false],
    [['serve', 'help'], false],
  ])('%j asks for it: %s', (argv, expected) => {
    expect(asksForHelp(argv)).toBe(expected);
  });

  test('has a line for every spelling of every flag', () => {
    const help = serveHelp();
    for (const name of SERVE_FLAGS.flatMap(({ names }) => names)) expect(help).toContain(name);
  });

  test.each([
    '  --shutdown-timeout SHUTDOWN_TIMEOUT\n                        (default: 0)\n',
    '  -h, --help\n',
    '  --headless            (default: False)\n',
    '  --enable-log-requests, --no-enable-log-requests\n',
    '  --api-key API_KEY [API_KEY ...]\n',
  ])('reads %j', (line) => {
    expect(serveHelp()).toContain(line);
  });
});

describe('memory at start', () => {
  const plan = (model: string, ...flags: string[]) =>
    planEngine(read(model, ...flags), modelFacts(model), { profile: GPU_PROFILES.H100, usedByOthersGiB: 0 });
  const QWEN = 'Qwen/Qwen2.5-7B-Instruct';

  test('comes within 2 % of what vLLM measured on an H100', () => {
    const { kvCacheTokens } = plan(
      QWEN,
      ...[
        '--gpu-memory-utilization',
        '0.2728',
        '--max-model-len',
        '4096',
        '--max-num-batched-tokens',
        '2048',
      ],
    );
    expect(Math.abs(kvCacheTokens / 113_136 - 1)).toBeLessThan(0.02);
  });

  test('a pinned KV cache gives the tokens that vLLM had in six of six starts', () => {
    expect(
      plan('Qwen/Qwen2.5-1.5B', '--kv-cache-memory-bytes', '2G', '--max-model-len', '4096').kvBlocks * 16,
    ).toBe(74_896);
  });

  test.each([
    [
      'a neighbour holds the memory',
      () =>
        planEngine(read(QWEN, '--gpu-memory-utilization', '0.9'), modelFacts(QWEN), {
          profile: GPU_PROFILES.H100,
          usedByOthersGiB: 70.51,
        }),
      'e5b-hog70-util0.9',
      /Free memory on device cuda:0 \(8\.15\/79\.18 GiB\) on startup is less than desired GPU memory utilization \(0\.9, 71\.26 GiB\)\. [^\n]*/,
    ],
    [
      'the batch is smaller than the sequences',
      () => plan(QWEN, '--max-num-batched-tokens', '8', '--max-num-seqs', '64'),
      'badarg-batched-lt-seqs',
      /Value error, max_num_batched_tokens \(8\) must be greater than or equal to max_num_seqs \(64\)\./,
    ],
    [
      'the utilisation is above 1',
      () => plan(QWEN, '--gpu-memory-utilization', '1.5'),
      'badarg-util',
      /Input should be less than or equal to 1 \[type=less_than_equal, input_value=1\.5/,
    ],
    [
      'there are two GPUs too few',
      () => plan(QWEN, '--tensor-parallel-size', '2'),
      'badarg-tp2',
      /World size \(2\) is larger than the number of available GPUs \(1\) in this node\./,
    ],
  ])('%s: refused with the logged text', (_, start, log, pattern) => {
    const [logged] = pattern.exec(recordedText(`0.26.0-h100/${log}.log.txt`)) ?? [];
    expect(logged).toBeDefined();
    expect(start).toThrow(logged);
  });

  test('a context that does not fit is refused with the numbers an operator can read', () => {
    const tooLong = (): unknown =>
      plan(
        'meta-llama/Llama-3.1-8B',
        '--gpu-memory-utilization',
        '0.25',
        '--max-model-len',
        '131072',
        '--enforce-eager',
      );
    const pattern =
      /max seq len \(131072\), \(16\.0 GiB KV cache is needed, which is larger than the available KV cache memory \([\d.]+ GiB\)\. Based on the available memory, the estimated maximum model length is \d+\./;
    expect(pattern.test(recordedText('0.26.0-h100/e5b-kv-too-small.log.txt'))).toBe(true);
    expect(tooLong).toThrow(pattern);
  });

  test('weights that fill the budget leave no cache blocks', () => {
    expect(() => plan(QWEN, '--gpu-memory-utilization', '0.18')).toThrow(
      'No available memory for the cache blocks',
    );
  });
});
