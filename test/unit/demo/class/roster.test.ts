import { describe, expect, test } from '@jest/globals';
import { parseClassroom, parseStudentQuota } from '../../../../src/api/parse.ts';
import { EXERCISE, taskFor } from '../../../../src/demo/class/exercise.ts';
import {
  demoClassroom,
  demoEngines,
  demoStudentQuotas,
  studentIds,
} from '../../../../src/demo/class/roster.ts';
import { readNodeFile } from '../../../../src/demo/node-agent/nodes/description.ts';

const REF = { namespace: 'python-101', name: 'python-101' };

describe('The roster of the demo', () => {
  test.each([1, 20, 21, 100])('%i students have different names', (count) => {
    const ids = studentIds(count);
    expect(ids).toHaveLength(count);
    expect(new Set(ids).size).toBe(count);
  });

  test.each([
    ['NVIDIA-A10, count: 4', 1, 1],
    ['NVIDIA-A10, count: 4', 20, 4],
    ['NVIDIA-A10, count: 4', 40, 4],
    ['NVIDIA-A10, count: 8', 40, 8],
    ['NVIDIA-A10, count: 2, sharing: {timeSlicing: {replicas: 4}}', 40, 1],
    ['NVIDIA-H100-80GB-HBM3, count: 2', 40, 1],
  ])('on GPUs of %s, %i students get %i engines', (gpu, students, engines) => {
    const nodes = readNodeFile(`nodes: [{name: a, gpu: {product: ${gpu}}}]`, 'nodes.yaml');
    expect(demoEngines(students, nodes)).toBe(engines);
  });

  test('the class and its seats are what the API accepts', () => {
    expect(parseClassroom(demoClassroom(REF, 4))).toMatchObject({ ok: true });
    for (const seat of demoStudentQuotas(REF, studentIds(45))) {
      expect(parseStudentQuota(seat)).toMatchObject({ ok: true });
    }
  });

  test.each([
    { modelId: undefined, id: 'Qwen/Qwen2.5-7B-Instruct', servedName: 'qwen2.5-7b-instruct' },
    { modelId: '/models/Tiny-Model', id: '/models/Tiny-Model', servedName: 'tiny-model' },
  ])('students of $id write $servedName', ({ modelId, id, servedName }) => {
    const classroom = demoClassroom(REF, 1, modelId);
    expect(classroom.spec.model).toMatchObject({ id, servedName });
    expect(parseClassroom(classroom)).toMatchObject({ ok: true });
  });

  test('neighbours work on different tasks, and every student gets to all of them', () => {
    expect(taskFor(0, 0)).not.toEqual(taskFor(1, 0));
    const tasks = EXERCISE.map((_, round) => taskFor(3, round).title);
    expect(new Set(tasks).size).toBe(EXERCISE.length);
  });
});
