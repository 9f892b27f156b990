import { describe, expect, test } from '@jest/globals';
import picocolors from 'picocolors';
import { nameTable, textTable, wrapped } from '../../../src/cli/text-table.ts';

describe('a table', () => {
  test('looks like those of kubectl: titles, no lines, three blanks between columns, none at the end', () => {
    expect(
      textTable(
        ['NAME', 'STUDENTS', 'ACCESS'],
        [
          ['biology', 8, 'Open'],
          ['python-101', 12, 'Closed'],
        ],
      ),
    ).toBe(
      [
        'NAME         STUDENTS   ACCESS',
        'biology      8          Open',
        'python-101   12         Closed',
        '',
      ].join('\n'),
    );
  });

  test('is as wide as people see it: Chinese names are two wide, colours none', () => {
    const { green } = picocolors.createColors(true);
    const [title, chinese, coloured] = textTable(
      ['NAME', 'X'],
      [
        ['张伟', 1],
        [green('ada'), 2],
      ],
    ).split('\n');
    expect(title).toBe('NAME   X');
    expect(chinese).toBe('张伟   1');
    expect(coloured).toBe(`${green('ada')}    2`);
  });

  test('without rows is its titles', () => {
    expect(textTable(['NAME'], [])).toBe('NAME\n');
  });
});

test('names stand left of texts, which are wrapped', () => {
  expect(nameTable([['Model', 'one two three']], { nameWidth: 8, textWidth: 8 })).toBe(
    'Model   one two\n        three\n',
  );
});

test('what others wrote cannot command the terminal; colours may', () => {
  const clears = 'ada\u001b[2J\u001b]0;title\u0007';
  expect(textTable(['NAME', 'STATE'], [[clears, '\u001b[31mbad\u001b[39m']])).toBe(
    'NAME                  STATE\nada^[[2J^[]0;title�   \u001b[31mbad\u001b[39m\n',
  );
  expect(nameTable([['Name', 'a\rb']], { nameWidth: 6, textWidth: 20 })).toBe('Name  a�b\n');
  expect(wrapped('first\nsecond\u001b[1A', { indent: 0, columns: 40 })).toBe('first\nsecond^[[1A\n');
});
