import { describe, expect, test } from '@jest/globals';
import { newProgress } from '../../../src/demo/class/students.ts';
import { renderClass } from '../../../src/demo/live-table.ts';

const loading = { name: 'engine-a', state: 'Loading' as const, node: 'a10-1' };

describe('The live table', () => {
  test('before the lesson: the class and its engines', () => {
    const text = renderClass({
      name: 'python-101',
      readyMessage: '0 of 1 engine answers.',
      engines: [loading],
      students: [],
      elapsedMs: 0,
    });
    expect(text).toContain('Class python-101: 0 of 1 engine answers.');
    expect(text).toMatch(/engine-a +│ a10-1 +│ Loading +│ <none>/);
    expect(text).not.toContain('STUDENT');
  });

  test('in the lesson: means of what was measured, and the sums', () => {
    const alice = {
      ...newProgress('alice'),
      requests: 3,
      answered: 2,
      streamed: 1,
      promptTokens: 40,
      completionTokens: 300,
      firstTextMs: 250,
      answerMs: 5000,
      doing: 'asks: a question whose title is too long for the column',
    };
    const text = renderClass({
      name: 'python-101',
      readyMessage: '1 of 1 engine answers.',
      engines: [{ ...loading, state: 'Ready', running: 1, waiting: 0, generatedTokens: 310 }],
      students: [alice, newProgress('bo')],
      elapsedMs: 9000,
    });
    expect(text).toMatch(/alice +│ 3 +│ 2 +│ 40 +│ 300 +│ 0\.3 s +│ 2\.5 s +│ asks: a question .*…/);
    expect(text).toMatch(/bo +│ 0 +│ 0 +│ 0 +│ 0 +│ <none> +│ <none> +│ has a key/);
    expect(text).toContain(
      '2 students, 2 answers, 0 failed, 40 tokens in, 300 tokens out, first text after 0.3 s, answer after 2.5 s, 9.0 s in class',
    );
  });
});
