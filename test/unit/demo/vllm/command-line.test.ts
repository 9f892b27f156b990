import { describe, expect, test } from '@jest/globals';
import { SERVE_FLAGS } from '../../../../src/demo/vllm/command-line/flags.ts';
import { asksForHelp, serveHelp } from '../../../../src/demo/vllm/command-line/help.ts';
import { type EngineOptions, readEngineOptions } from '../../../../src/demo/vllm/command-line/options.ts';
import { CommandLineError, parseCommandLine } from '../../../../src/demo/vllm/command-line/parse.ts';
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
