import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { EngineFailureReason } from '../../../../src/api/reasons.ts';
import { describeFailure } from '../../../../src/classroom/failures/describe.ts';
import { type Diagnosis, diagnose } from '../../../../src/classroom/failures/diagnose.ts';
import { messageOf, passedOn } from './kubelet.ts';

const FOLDER = join(import.meta.dirname, '../../../fixtures/vllm');

const recorded = (path: string) => readFileSync(join(FOLDER, path), 'utf8');

function diagnoseEnd(exitCode: number, message: string): Diagnosis {
  const end = { exitCode, reason: exitCode === 0 ? 'Completed' : 'Error', message };
  return diagnose({ kind: 'ended', end, startupSeconds: 1800 });
}

interface Recorded {
  log: string;
  exitCode: number;
  reason: EngineFailureReason;
  /** What the message must say. */
  says: string;
}

const H100: Recorded[] = [
  {
    log: 'badarg-unknown-flag',
    exitCode: 2,
    reason: 'ArgumentRefused',
    says: 'vLLM refuses the argument --no-such-flag 1',
  },
  {
    log: 'badarg-dtype',
    exitCode: 2,
    reason: 'ArgumentRefused',
    says: "vLLM refuses the argument --dtype (main.py serve: error: argument --dtype: invalid choice: 'int8'",
  },
  {
    log: 'badarg-util',
    exitCode: 1,
    reason: 'ArgumentRefused',
    says: 'vLLM refuses the argument gpu_memory_utilization (',
  },
  {
    log: 'badarg-max-len-too-big',
    exitCode: 1,
    reason: 'ContextAboveModel',
    says: 'Set `model.maxModelLen` to 32768 or less.',
  },
  {
    log: 'badarg-batched-lt-seqs',
    exitCode: 1,
    reason: 'BatchedTokensTooFew',
    says: 'Raise `engine.maxNumBatchedTokens` to at least 64',
  },
  {
    log: 'badarg-tp2',
    exitCode: 1,
    reason: 'TooFewGPUs',
    says: 'the engine wants 2 GPUs and its container has 1',
  },
  { log: 'badarg-no-gpu', exitCode: 1, reason: 'NoVisibleGPU', says: 'no GPU is visible in the container' },
  { log: 'badarg-model-missing', exitCode: 1, reason: 'ModelNotFound', says: 'Check `model.id`.' },
  { log: 'badarg-hub-name', exitCode: 1, reason: 'ModelNotFound', says: 'Check `model.id`.' },
  {
    log: 'e5b-hog70-util0.9',
    exitCode: 1,
    reason: 'GPUMemoryTaken',
    says: 'only 8.15 of 79.18 GiB of the GPU are free, and the engine wants 71.26',
  },
  {
    log: 'e5b-kv-too-small',
    exitCode: 1,
    reason: 'KVCacheTooSmall',
    says: 'vLLM estimates that 35472 tokens would fit',
  },
  { log: 'e5d-kill-engine', exitCode: 0, reason: 'EngineDied', says: "vLLM's engine process died" },
];

describe('recordings of vLLM 0.26.0 on an H100', () => {
  test.each(H100)('$log is $reason', ({ log, exitCode, reason, says }) => {
    const got = diagnoseEnd(exitCode, passedOn(recorded(`0.26.0-h100/${log}.log.txt`), exitCode));
    expect(got.reason).toBe(reason);
    expect(describeFailure(got)).toContain(says);
  });

  test.each(['e5b-hog70-util0.9', 'e5b-kv-too-small', 'badarg-no-gpu'])(
    '%s: the end of the log alone, which is all that Kubernetes passes on by itself, does not say why',
    (log) => {
      const tail = passedOn(recorded(`0.26.0-h100/${log}.log.txt`), 1, { terminationLog: false });
      expect(tail.trimEnd()).toMatch(/See root cause above\. Failed core proc\(s\): \{\}$/);
      expect(diagnoseEnd(1, tail).reason).toBe('StartFailed');
    },
  );

  test('a log of an engine that serves has no sign in it', () => {
    const text = recorded('0.26.0-h100/e1-qwen7b-seqs10.log.txt');
    expect(text).toContain('Application startup complete.');
    expect(diagnoseEnd(1, text).reason).toBe('StartFailed');
  });
});

interface RecordedStart {
  name: string;
  exitCode: number;
  reason: EngineFailureReason;
  /** Whether the engine process left its cause in the termination log: then the log alone would not tell. */
  left?: true;
}

const CPU: RecordedStart[] = [
  { name: 'hub-missing', exitCode: 1, reason: 'ModelNotFound' },
  { name: 'hub-gated', exitCode: 1, reason: 'ModelGated' },
  { name: 'hub-needs-token', exitCode: 1, reason: 'ModelTokenMissing' },
  { name: 'hub-no-revision', exitCode: 1, reason: 'RevisionNotFound' },
  { name: 'hub-unreachable', exitCode: 1, reason: 'HubUnreachable' },
  { name: 'path-missing', exitCode: 1, reason: 'ModelNotFound' },
  { name: 'no-config', exitCode: 1, reason: 'ModelNotFound' },
  { name: 'architecture', exitCode: 1, reason: 'ModelUnsupported' },
  { name: 'model-type', exitCode: 1, reason: 'ModelUnsupported' },
  { name: 'quantization', exitCode: 1, reason: 'QuantizationMismatch' },
  { name: 'context', exitCode: 1, reason: 'ContextAboveModel' },
  { name: 'batched-lt-seqs', exitCode: 1, reason: 'BatchedTokensTooFew' },
  { name: 'flag', exitCode: 2, reason: 'ArgumentRefused' },
  { name: 'utilization', exitCode: 1, reason: 'ArgumentRefused' },
  { name: 'heads', exitCode: 1, reason: 'TensorParallelIndivisible' },
  { name: 'port-uri', exitCode: 1, reason: 'ServiceNameCollision', left: true },
  { name: 'broken-weights', exitCode: 1, reason: 'WeightsUnreadable', left: true },
  // The files of a loaded adapter were deleted; the next use of it ended the engine.
  { name: 'engine-death', exitCode: 0, reason: 'AdapterNotFound', left: true },
];

describe('recordings of vLLM 0.32.0 on a CPU, started with the logging configuration of our pods', () => {
  const file = (name: string, kind: string) => recorded(`0.32.0-cpu-failures/${name}.${kind}.txt`);

  test.each(CPU)('$name is $reason', ({ name, exitCode, reason, left }) => {
    const said = left === true ? file(name, 'termination') : '';
    expect(diagnoseEnd(exitCode, messageOf(file(name, 'log'), said, exitCode)).reason).toBe(reason);
  });

  test('an adapter that was refused is not why the engine ended when it was asked to', () => {
    const said = file('lora-refused', 'termination');
    expect(said).toContain('LoRA rank 64 is greater than max_lora_rank 16');
    expect(diagnoseEnd(0, messageOf(file('lora-refused', 'log'), said, 0)).cause).toBe('exit code 0');
  });

  test.each(CPU.filter(({ left }) => left))('$name: the log alone would not tell', ({ name, exitCode }) => {
    const { reason } = diagnoseEnd(exitCode, messageOf(file(name, 'log'), '', exitCode));
    expect(['StartFailed', 'EngineDied']).toContain(reason);
  });
});

/** `name [flags] rc=1 after 9.0s :: line|line|` */
const CPU_LINE = /^(?<name>\w+) \[.*?\] rc=(?<exitCode>\d+) after [\d.]+s :: (?<lines>.*)$/;

describe('recordings of vLLM 0.32.0 on a CPU: what was kept are the first and the last line', () => {
  const want: Record<string, EngineFailureReason> = {
    unknown_flag: 'ArgumentRefused',
    unknown_flag2: 'ArgumentRefused',
    bad_lora_module: 'AdapterNotFound',
    bad_template: 'ArgumentRefused',
  };
  const lines = recorded('0.32.0-cpu/start_failures.txt').trim().split('\n');

  test.each(Object.entries(want))('%s is %s', (name, reason) => {
    const line = lines.map((text) => CPU_LINE.exec(text)?.groups).find((groups) => groups?.name === name);
    if (line === undefined) throw new Error(`nothing is recorded of ${name}`);
    const got = diagnoseEnd(Number(line.exitCode), (line.lines ?? '').replaceAll('|', '\n'));
    expect(got.reason).toBe(reason);
  });
});
