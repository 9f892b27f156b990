import { describe, expect, test } from '@jest/globals';
import { everyoneAnswered } from '../../../../src/demo/class/at-work.ts';
import { newProgress, type StudentProgress } from '../../../../src/demo/class/students.ts';

const student = (progress: Partial<StudentProgress>): StudentProgress => ({
  ...newProgress('alice'),
  ...progress,
});
const answered = student({ requests: 2, answered: 2 });

describe('Whether every student was answered', () => {
  test.each([
    ['all questions of all students were answered', [answered, answered], true],
    ['one question failed', [answered, student({ requests: 2, answered: 1, failed: 1 })], false],
    ['one question is still open', [answered, student({ requests: 2, answered: 1 })], false],
    ['one student never asked', [answered, student({})], false],
  ])('%s: %#', (_, students, want) => {
    expect(everyoneAnswered(students)).toBe(want);
  });
});
