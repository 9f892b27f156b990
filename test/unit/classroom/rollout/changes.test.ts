import { describe, expect, test } from '@jest/globals';
import { enginePodTemplate } from '../../../../src/classroom/children/engine-pod.ts';
import { planEngines } from '../../../../src/classroom/engine-settings.ts';
import { changesBetween, describeChanges } from '../../../../src/classroom/rollout/changes.ts';
import type { PodTemplate } from '../../../../src/classroom/rollout/rolled-out.ts';
import { type ClassroomDifference, classroom } from '../../../support/builders.ts';

function templateOf(spec: ClassroomDifference['spec'] = {}): PodTemplate {
  const { spec: full } = classroom({ spec });
  const planning = planEngines(full, { kind: 'unknown', why: 'this test' }, 'nvidia.com/gpu');
  if (planning.kind === 'unfit') throw new Error(planning.plan.reason);
  return enginePodTemplate('python-101', full, planning.settings);
}

describe('what changes about engines', () => {
  test.each([
    {
      name: 'the image',
      spec: { engine: { image: 'vllm/vllm-openai:v0.32.1' } },
      want: [{ kind: 'Image', text: 'image vllm/vllm-openai:v0.32.0 → vllm/vllm-openai:v0.32.1' }],
    },
    {
      name: 'the model, and with it the name that students write',
      spec: { model: { id: 'Qwen/Qwen2.5-3B-Instruct' } },
      want: [
        { kind: 'Model', text: 'model Qwen/Qwen2.5-7B-Instruct → Qwen/Qwen2.5-3B-Instruct' },
        {
          kind: 'Model',
          text: '--served-model-name Qwen/Qwen2.5-7B-Instruct → Qwen/Qwen2.5-3B-Instruct',
        },
      ],
    },
    {
      name: 'an alias',
      spec: { model: { aliases: ['gpt-4o'] } },
      want: [
        {
          kind: 'Model',
          text: '--served-model-name Qwen/Qwen2.5-7B-Instruct → Qwen/Qwen2.5-7B-Instruct gpt-4o',
        },
      ],
    },
    {
      name: 'the weights, by their revision',
      spec: { model: { revision: 'v2' } },
      want: [{ kind: 'Model', text: 'with --revision v2' }],
    },
    {
      name: 'figures',
      spec: { model: { maxModelLen: 8192 }, engine: { maxNumSeqs: 32 } },
      want: [
        { kind: 'Arguments', text: '--max-model-len 4096 → 8192' },
        { kind: 'Arguments', text: '--max-num-seqs 8 → 32' },
      ],
    },
    {
      name: 'an argument of their own, in either spelling',
      spec: { engine: { extraArgs: ['--enforce-eager', '--seed=1'] } },
      want: [
        { kind: 'Arguments', text: 'with --enforce-eager' },
        { kind: 'Arguments', text: 'with --seed 1' },
      ],
    },
    {
      name: 'where they run',
      spec: { gpu: { nodeSelector: { room: '214' } }, engine: { priorityClassName: 'classrooms' } },
      want: [{ kind: 'Pod', text: 'priorityClassName, nodeSelector of the pods' }],
    },
    {
      name: 'their environment',
      spec: { model: { tokenSecretRef: { name: 'hf-token' } } },
      want: [{ kind: 'Pod', text: 'env of the pods' }],
    },
    {
      name: 'what the spec adds to their pods',
      spec: {
        engine: {
          env: [{ name: 'HF_ENDPOINT', value: 'https://hf-mirror.com' }],
          resources: { requests: { cpu: '2' } },
          runtimeClassName: 'nvidia',
        },
      },
      want: [{ kind: 'Pod', text: 'runtimeClassName, env, resources of the pods' }],
    },
  ])('$name', ({ spec, want }) => {
    expect(changesBetween(templateOf(), templateOf(spec))).toEqual(want);
  });

  test('an argument that is taken away', () => {
    const before = templateOf({ engine: { extraArgs: ['--enforce-eager'] } });
    expect(describeChanges(changesBetween(before, templateOf()))).toBe('without --enforce-eager');
  });

  test('nothing, whatever the spelling of an amount', () => {
    const before = templateOf({ engine: { resources: { requests: { cpu: '1000m', memory: '1024Mi' } } } });
    const after = templateOf({ engine: { resources: { requests: { cpu: '1', memory: '1Gi' } } } });
    expect(changesBetween(before, after)).toEqual([]);
  });

  test('nothing, whatever the order of the fields', () => {
    const { metadata, spec } = templateOf();
    expect(changesBetween(templateOf(), { spec, metadata })).toEqual([]);
  });

  test('values are shown as far as a person reads them', () => {
    const after = templateOf({ engine: { extraArgs: ['--chat-template', 'x'.repeat(1000)] } });
    expect(describeChanges(changesBetween(templateOf(), after)).length).toBeLessThan(100);
  });
});
