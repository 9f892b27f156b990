import { describe, expect, test } from '@jest/globals';
import { missingLine, stepsOf } from '../../support/transcript.ts';

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
    ['something in a line', 'took … s', 'took 4.2 s', undefined],
    ['but not for nothing', 'took … s', 'took  s', 'took … s'],
    ['nor for the next line', 'a … c', 'a b\nb c', 'a … c'],
    ['lines, where it is alone', 'a\n…\nd', 'a\nb\n\nc\nd', undefined],
    ['and at the end', 'a\n…', 'a\nb\nc', undefined],
    ['but not for no line', 'a\n…\nb', 'a\nb', 'b'],
  ])('%s', (_, written, output, wanted) => {
    expect(missingLine(written, output)).toBe(wanted);
  });

  test('and all else is what it is', () => {
    expect(missingLine('a.c [x]', 'a.c [x]  \n')).toBeUndefined();
    expect(missingLine('a.c', 'abc')).toBe('a.c');
    expect(missingLine('a\nb\nc', 'a\nB\nc')).toBe('b');
    expect(missingLine('a', 'a\nb')).toBe('nothing more');
    expect(missingLine('', 'a')).toBe('');
  });
});
