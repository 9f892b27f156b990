import { describe, expect, test } from '@jest/globals';
import { DENIED_ENGINE_FLAGS } from '../../../src/api/engine.ts';
import { deniedArguments } from '../../../src/classroom/extra-args.ts';

const isDenied = (...args: string[]) => deniedArguments(args).length > 0;

describe('arguments that belong to the operator', () => {
  test.each(DENIED_ENGINE_FLAGS)('--%s is not passed on, however it is spelled', (flag) => {
    for (const spelling of [flag, flag.replaceAll('-', '_'), flag.toString().slice(0, -1)]) {
      expect(isDenied(`--${spelling}`)).toBe(true);
      expect(isDenied(`--${spelling}=x`)).toBe(true);
      expect(isDenied(`--${spelling}.key`, 'x')).toBe(true);
    }
  });

  test.each([
    '-tp',
    '-q',
    '-h',
    '-tp2',
    '--',
    '-',
    '--no-disable-fastapi-docs',
    '--device-memory-utilization',
  ])('%s is not passed on', (argument) => {
    expect(isDenied('--seed', '1', argument)).toBe(true);
  });

  test('a value in the place of a flag would be taken for the model', () => {
    expect(deniedArguments(['another/model'])).toEqual([
      { argument: 'another/model', why: 'the first argument must be a flag: the model is set by `model.id`' },
    ]);
  });

  test('the reason names the flag that an abbreviation stands for', () => {
    expect(deniedArguments(['--max_model=1'])).toEqual([
      { argument: '--max_model=1', why: 'it stands for `--max-model-len`, which the operator sets' },
    ]);
  });
});

test.each([
  [['--enable-auto-tool-choice', '--tool-call-parser', 'hermes']],
  [['--seed', '-1']],
  [['--kv-cache-dtype=fp8']],
  [['--chat-template', '/models/--odd/template.jinja']],
  [['--no-enable-prefix-caching']],
  [['--model-impl', 'vllm']],
])('%p are passed on', (args) => {
  expect(deniedArguments(args)).toEqual([]);
});
