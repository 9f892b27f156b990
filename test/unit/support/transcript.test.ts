import { describe, expect, test } from '@jest/globals';
import { standsFor, stepsOf } from '../../support/transcript.ts';

describe('a block of a transcript', () => {
  test('is commands, with what they wrote and how they ended', () => {
    const text = [
      '$ ls \\',
      '>   --all',
      'a',
      '',
      'b',
      '$ cat > file << END',
      '> one',
      '>',
      '> END',
      '$ cat file missing',
      'one',
      'cat: missing: No such file or directory',
      '[1]',
    ].join('\n');
    expect(stepsOf({ text, where: 'here' })).toEqual([
      { title: 'ls \\', script: 'ls \\\n  --all', written: 'a\n\nb', code: 0 },
      { title: 'cat > file << END', script: 'cat > file << END\none\n\nEND', written: '', code: 0 },
      {
        title: 'cat file missing',
        script: 'cat file missing',
        written: 'one\ncat: missing: No such file or directory',
        code: 1,
      },
    ]);
  });

  test('begins with a command', () => {
    expect(() => stepsOf({ text: 'a\n$ ls', where: 'trainer.md:7' })).toThrow(/trainer\.md:7/);
  });
});

describe('… stands for', () => {
  test.each([
    ['something in a line', 'took … s', 'took 4.2 s', true],
    ['but not for nothing', 'took … s', 'took  s', false],
    ['nor for the next line', 'a … c', 'a b\nb c', false],
    ['lines, where it is alone', 'a\n…\nd', 'a\nb\n\nc\nd', true],
    ['and at the end', 'a\n…', 'a\nb\nc', true],
    ['but not for no line', 'a\n…\nb', 'a\nb', false],
  ])('%s', (_, written, output, wanted) => {
    expect(standsFor(written, output)).toBe(wanted);
  });

  test('and all else is what it is', () => {
    expect(standsFor('a.c [x]', 'a.c [x]  \n')).toBe(true);
    expect(standsFor('a.c', 'abc')).toBe(false);
    expect(standsFor('a', 'a\nb')).toBe(false);
    expect(standsFor('', 'a')).toBe(false);
  });
});
