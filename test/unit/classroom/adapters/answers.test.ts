import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { type AdapterAnswer, readAdapterAnswer } from '../../../../src/classroom/adapters/answers.ts';
import type { EngineAnswer } from '../../../../src/classroom/engine-calls.ts';
import { readLoadedAdapters } from '../../../../src/vllm/loaded-adapters.ts';
import { isExchange, readRecording, recordedText, recordingNames } from '../../../support/vllm-recordings.ts';

type Expected = AdapterAnswer['kind'] | `refused: ${string}`;

/** vLLM 0.26 on an H100, by the name of the recording. */
const ON_H100: Record<string, Expected> = {
  'lora-load-b': 'done',
  'lora-load-bad-badjson': 'refused: ConfigBroken',
  'lora-load-bad-dora': 'refused: KindUnsupported',
  'lora-load-bad-empty': 'refused: FilesMissing',
  'lora-load-bad-no-r': 'refused: ConfigBroken',
  'lora-load-bad-no-weights': 'refused: WeightsBroken',
  'lora-load-bad-rank64': 'refused: RankTooHigh',
  // It does not compare an adapter with the model: that one has too many layers shows nowhere.
  'lora-load-bad-too-many-layers': 'done',
  'lora-load-bad-wrong-target': 'refused: ModulesUnknown',
  'lora-load-c': 'done',
  'lora-load-disabled': 'not-offered',
  'lora-load-duplicate': 'otherwise',
  'lora-load-empty-name': 'refused: Unknown',
  'lora-load-hub-name': 'refused: FilesMissing',
  'lora-load-inplace-new-name': 'done',
  'lora-load-k': 'done',
  // 0.32 refuses it.
  'lora-load-name-of-base': 'done',
  'lora-load-name-slash': 'done',
  'lora-load-ok': 'done',
  'lora-unload-again': 'otherwise',
  'lora-unload-base': 'done',
  'lora-unload-unknown': 'otherwise',
  'lora-unload-while-streaming': 'done',
};

/** vLLM 0.32 on a CPU. */
const ON_CPU: Record<string, Expected> = {
  lora_evict_1: 'done',
  lora_evict_2: 'done',
  lora_evict_4: 'done',
  lora_inplace_while_streaming: 'done',
  lora_load_bad_json: 'refused: ConfigBroken',
  lora_load_bad_path: 'refused: FilesMissing',
  lora_load_base_name: 'refused: NameTaken',
  lora_load_disabled: 'not-offered',
  lora_load_duplicate_other_path: 'otherwise',
  lora_load_duplicate_same: 'otherwise',
  lora_load_empty_name: 'refused: Unknown',
  lora_load_file_path: 'refused: NotAFolder',
  lora_load_inplace: 'done',
  lora_load_inplace_new_name: 'done',
  lora_load_many_1: 'done',
  lora_load_many_2: 'done',
  lora_load_missing_fields: 'refused: Unknown',
  lora_load_missing_name: 'refused: Unknown',
  lora_load_ok: 'done',
  lora_load_relative: 'done',
  lora_load_tmp: 'done',
  lora_load_while_busy: 'done',
  lora_load_wrong_shape: 'refused: ShapesDiffer',
  lora_unload_again: 'otherwise',
  lora_unload_midstream: 'done',
  lora_unload_static: 'done',
  lora_unload_while_streaming: 'done',
  lora_unload_with_int_id: 'done',
};

const H100 = '0.26.0-h100';
const FIXTURES = join(import.meta.dirname, `../../../fixtures/vllm/${H100}`);
const ABOUT_LOADING = /^lora[-_](load|unload|evict_\d|inplace)/;

const recordedOnH100 = readdirSync(FIXTURES)
  .filter((file) => file.endsWith('.response.txt'))
  .map((file) => file.slice(0, -'.response.txt'.length))
  .filter((name) => ABOUT_LOADING.test(name));
const recordedOnCpu = recordingNames('0.32.0-cpu').filter(
  (name) => ABOUT_LOADING.test(name) && isExchange(name),
);

function answered(statusLine: string, text: string): EngineAnswer {
  return { kind: 'answered', status: Number(statusLine.split(' ')[1]), text };
}

/** Kept as text: its lines end without carriage returns. */
function partsFromH100(name: string): { head: string; body: string } {
  const [head = '', body = ''] = recordedText(`${H100}/${name}.response.txt`)
    .replaceAll('\r', '')
    .split('\n\n');
  return { head, body: body.trimEnd() };
}

function fromH100(name: string): EngineAnswer {
  const { head, body } = partsFromH100(name);
  return answered(head, body);
}

function fromCpu(name: string): EngineAnswer {
  const { statusLine, body } = readRecording(name).response;
  return answered(statusLine, body);
}

const summary = (answer: AdapterAnswer): string =>
  answer.kind === 'refused' ? `refused: ${answer.fault}` : answer.kind;

describe('every recorded answer to loading and unloading is known', () => {
  test('none of the recordings is left out', () => {
    expect(Object.keys(ON_H100).sort()).toEqual([...recordedOnH100].sort());
    expect(Object.keys(ON_CPU).sort()).toEqual([...recordedOnCpu].sort());
  });

  test.each(Object.entries(ON_H100))('0.26: %s is %s', (name, expected) => {
    expect(summary(readAdapterAnswer(fromH100(name)))).toBe(expected);
  });

  test.each(Object.entries(ON_CPU))('0.32: %s is %s', (name, expected) => {
    expect(summary(readAdapterAnswer(fromCpu(name)))).toBe(expected);
  });
});

describe('what the engine said', () => {
  test.each([
    [
      'of 0.26, without what it puts around',
      fromH100('lora-load-bad-rank64'),
      'LoRA rank 64 is greater than max_lora_rank 16.',
    ],
    [
      'of 0.32, without the worker around it',
      fromCpu('lora_load_wrong_shape'),
      'The size of tensor a (64) must match the size of tensor b (128) at non-singleton dimension 1',
    ],
  ])('is kept %s', (_, answer, said) => {
    expect(readAdapterAnswer(answer)).toMatchObject({ said });
  });

  test('is cut where it lists every layer of the model', () => {
    const answer = readAdapterAnswer(fromH100('lora-load-bad-wrong-target'));
    expect(answer).toMatchObject({ said: expect.stringMatching(/^While loading .* …$/) });
    expect('said' in answer && answer.said.length).toBeLessThan(310);
  });
});

describe('an engine that cannot answer', () => {
  test.each([
    ['that has died', fromCpu('lora_chat_after_files_gone_and_evicted'), 'engine-dead'],
    [
      'that is stopping',
      answered(
        'HTTP/1.1 500 Internal Server Error',
        '{"error":{"message":"cannot schedule new futures after shutdown","type":"InternalServerError","code":500}}',
      ),
      'not-now',
    ],
    ['that is full', fromCpu('b_queue_full_503'), 'not-now'],
    ['that is not reachable', { kind: 'unanswered', cause: 'unreachable', why: 'refused' }, 'not-now'],
    ['that is slow', { kind: 'unanswered', cause: 'late', why: 'no answer within 30 s' }, 'not-now'],
    ['that breaks the connection', { kind: 'unanswered', cause: 'cut', why: 'other side closed' }, 'cut'],
    ['that says something new', answered('HTTP/1.1 500 x', 'Whatever'), 'refused'],
  ] satisfies [string, EngineAnswer, AdapterAnswer['kind']][])('%s', (_, answer, kind) => {
    expect(readAdapterAnswer(answer).kind).toBe(kind);
  });
});

describe('the adapters that an engine serves', () => {
  test('are the models with a parent, with the folders they are from', () => {
    const { body } = readRecording('lora_models_1').response;
    expect(readLoadedAdapters(body)).toEqual([
      { model: 'static', folder: '/srv/vllm/lora8c' },
      { model: 'a8', folder: '/srv/vllm/lora8' },
    ]);
  });

  test.each(['lora-models-before', 'lora-models-after', 'lora-models-many'])(
    'in %s, also of 0.26',
    (name) => {
      const models = readLoadedAdapters(partsFromH100(name).body)?.map(({ model }) => model);
      if (name === 'lora-models-before') expect(models).toEqual([]);
      else expect(models).toContain('student-a');
    },
  );

  test.each(['<html>', '{"object":"error"}', ''])('are unknown from %j', (text) => {
    expect(readLoadedAdapters(text)).toBeUndefined();
  });
});
