import { describe, expect, test } from '@jest/globals';
import { gpuSchema } from '../../../../src/api/gpu.ts';
import type { Taint } from '../../../../src/gpu/nodes/gpu-node.ts';
import { describeTaint, repellingTaint } from '../../../../src/gpu/nodes/tolerations.ts';

const research: Taint = { key: 'research', value: 'only', effect: 'NoSchedule' };
const tolerations = (...list: object[]) => gpuSchema.parse({ tolerations: list }).tolerations;

/** https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/ */
describe('a taint keeps pods away', () => {
  test.each([
    ['without a toleration', []],
    ['with one of another key', [{ key: 'other', operator: 'Exists' }]],
    ['with one of another value', [{ key: 'research', value: 'none' }]],
    ['with one of another effect', [{ key: 'research', operator: 'Exists', effect: 'NoExecute' }]],
    ['with one of the key alone, which means the empty value', [{ key: 'research' }]],
  ])('%s', (_, list) => {
    expect(repellingTaint([research], tolerations(...list))).toBe(research);
  });
});

describe('a taint keeps no pod away', () => {
  test.each([
    ['that tolerates its key and value', [{ key: 'research', value: 'only', effect: 'NoSchedule' }]],
    ['that tolerates its key', [{ key: 'research', operator: 'Exists' }]],
    ['that tolerates everything', [{ operator: 'Exists' }]],
  ])('%s', (_, list) => {
    expect(repellingTaint([research], tolerations(...list))).toBeUndefined();
  });

  test('that it only asks to go elsewhere', () => {
    expect(repellingTaint([{ ...research, effect: 'PreferNoSchedule' }], [])).toBeUndefined();
  });
});

test('a taint is written as kubectl takes it', () => {
  expect(describeTaint(research)).toBe('research=only:NoSchedule');
  expect(describeTaint({ ...research, value: '' })).toBe('research:NoSchedule');
});
