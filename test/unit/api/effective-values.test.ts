import { describe, expect, test } from '@jest/globals';
import { effectiveStudentLimits } from '../../../src/api/limits.ts';
import { servedNameOf } from '../../../src/api/model.ts';
import { classroom } from '../../support/builders.ts';

describe('the limits of a student', () => {
  const { perStudent } = classroom({ spec: { limits: { perStudent: { tokensPerDay: 500_000 } } } }).spec
    .limits;

  test('are those of the class when the seat has none of its own', () => {
    expect(effectiveStudentLimits(perStudent, undefined)).toEqual(perStudent);
    expect(effectiveStudentLimits(perStudent, {})).toEqual(perStudent);
  });

  test("are the seat's own where they differ, and only there", () => {
    expect(effectiveStudentLimits(perStudent, { tokensPerDay: 1_000_000, tokensTotal: 9 })).toEqual({
      ...perStudent,
      tokensPerDay: 1_000_000,
      tokensTotal: 9,
    });
  });

  test('are not lifted by a limit that is there but undefined', () => {
    expect(effectiveStudentLimits(perStudent, { tokensPerDay: undefined })).toEqual(perStudent);
  });
});

test.each([
  ['the served name', { id: 'Qwen/Qwen2.5-7B-Instruct', servedName: 'qwen' }, 'qwen'],
  ['the id where there is no served name', { id: 'Qwen/Qwen2.5-7B-Instruct' }, 'Qwen/Qwen2.5-7B-Instruct'],
])('students write %s', (_name, model, want) => {
  expect(servedNameOf(model)).toBe(want);
});
