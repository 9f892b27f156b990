import { describe, expect, test } from '@jest/globals';
import { type ParsedRoster, readRoster } from '../../../../src/student/roster/read.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

const SETTING = { timeZone: 'Asia/Shanghai' };
const read = (text: string, ...ignoreColumns: string[]): ParsedRoster =>
  readRoster(utf8(text), { ...SETTING, ignoreColumns });

/** What was read, as plain objects. */
function students(roster: ParsedRoster): unknown {
  if (!roster.ok) return roster.faults;
  return roster.rows.map(({ id, values }) => ({ id, ...Object.fromEntries(values) }));
}

/** Faults as `line column: message`. */
function faults(roster: ParsedRoster): string[] {
  if (roster.ok) return [];
  return roster.faults.map(({ line, column, message }) => `${line ?? '-'} ${column ?? '-'}: ${message}`);
}

const ALICE_AND_BOB = [
  { id: 'alice', name: 'Alice Zhang', group: 'blue' },
  { id: 'bob', name: 'Bob "Bobby" Li, jr.', group: undefined },
];

describe('files as spreadsheets save them', () => {
  const rows = (separator: string): string =>
    ['id,name,group', 'alice,Alice Zhang,blue', 'bob,"Bob ""Bobby"" Li, jr.",', '']
      .join('\r\n')
      .replaceAll(/,(?! jr)/g, separator);

  test.each([
    ['with commas', rows(',')],
    ['with semicolons, as Excel does in German', rows(';')],
    ['with tabs', rows('\t')],
    ['with a byte order mark', `\uFEFF${rows(';')}`],
    ["with Excel's line that names the separator", `sep=;\r\n${rows(';')}`],
    ['with line breaks of Unix', rows(',').replaceAll('\r\n', '\n')],
    ['with line breaks of old Macs', rows(',').replaceAll('\r\n', '\r')],
    ['without a line break at the end', rows(',').trimEnd()],
    ['with rows and columns that nobody used', rows(';').replaceAll('\r\n', ';;\r\n').concat(';;;;\r\n\r\n')],
    ['with blanks around cells', rows(' ; ')],
  ])('%s', (_, text) => {
    expect(students(read(text))).toEqual(ALICE_AND_BOB);
  });

  test.each([
    ['UTF-16, little end first', [0xff, 0xfe], false],
    ['UTF-16, big end first', [0xfe, 0xff], true],
  ])('%s', (_, mark, swapped) => {
    const bytes = Buffer.from(rows('\t'), 'utf16le');
    const bytesInOrder = swapped ? bytes.swap16() : bytes;
    expect(students(readRoster(Buffer.from([...mark, ...bytesInOrder]), SETTING))).toEqual(ALICE_AND_BOB);
  });

  test('headers in the words of people, whatever their case, and in Chinese', () => {
    const roster = read('学号,姓名,小组,Tokens per day,limits.requestsPerMinute\ns1,张爱丽,一,500000,20\n');
    expect(students(roster)).toEqual([
      { id: 's1', name: '张爱丽', group: '一', tokensPerDay: 500_000, requestsPerMinute: 20 },
    ]);
  });

  test('a date is the end of that day where the class is, a time is itself', () => {
    const roster = read('id,expiresAt\na,2027-01-31\nb,2027-01-31T18:00:00+01:00\n');
    expect(students(roster)).toEqual([
      { id: 'a', expiresAt: '2027-01-31T16:00:00Z' },
      { id: 'b', expiresAt: '2027-01-31T18:00:00+01:00' },
    ]);
  });

  test('columns that are named are passed over', () => {
    const text = 'id,E-Mail,phone\nalice,a@example.com,1\n';
    expect(students(read(text, 'e-mail', 'phone'))).toEqual([{ id: 'alice' }]);
  });
});

describe('a row that cannot be used is named with line and column, and all of them at once', () => {
  test('values out of their bounds', () => {
    const roster = read(
      [
        'id;name;tokensPerDay;weight;access;expiresAt',
        'alice;Alice;500000;1;active;',
        'al ice;Alice;0;101;yes;31.01.2027',
        ';Nobody;1.000;2;Suspended;2027-02-30',
        '2.02E+11;Shortened;1;1;Active;',
      ].join('\n'),
    );
    expect(faults(roster)).toEqual([
      "3 E (access): must be 'Active' or 'Suspended', not 'yes'",
      expect.stringMatching(/^3 A \(id\): must have only letters .* not 'al ice'$/),
      "3 C (tokensPerDay): must not be less than 1, not '0'",
      "3 D (weight): must not be greater than 100, not '101'",
      expect.stringMatching(/^3 F \(expiresAt\): must be a date, such as .* not '31\.01\.2027'$/),
      "4 C (tokensPerDay): must be a whole number in plain digits, such as 500000, not '1.000'",
      "4 F (expiresAt): is no date of the calendar, not '2027-02-30'",
      '4 A (id): must be set',
      expect.stringMatching(/^5 A \(id\): is a long number that the spreadsheet has shortened/),
    ]);
  });

  test('lines are counted as an editor does, also after cells with line breaks and empty rows', () => {
    const roster = read('id,name\r\n\r\nalice,"Alice\r\nZhang"\r\n-bob-,Bob\r\n');
    expect(faults(roster)).toEqual([expect.stringMatching(/^5 A \(id\)/)]);
  });

  test('a student who is listed twice', () => {
    expect(faults(read('id\nalice\nbob\nalice\n'))).toEqual([
      "4 A (id): 'alice' is in line 2 already: a student has one seat in a class",
    ]);
  });

  test('ids that differ by case are two students', () => {
    expect(students(read('id\nalice\nAlice\n'))).toEqual([{ id: 'alice' }, { id: 'Alice' }]);
  });

  test('a name with a separator in it that lacks its quotation marks', () => {
    expect(faults(read('id,name\nalice,Zhang, Alice\n'))).toEqual([
      "2 C: the header names no such column, and here is 'Alice': a cell with a separator in it must be in quotation marks",
    ]);
  });
});

describe('a file that cannot be used', () => {
  test.each([
    ['nothing', '', '- -: is empty'],
    ['a header alone', 'id,name\n', '- -: has a header and no student'],
    ['no header', 'alice,Alice\nbob,Bob\n', /column 'id': the first line must name the columns/],
    [
      'a misspelled column',
      'id,tokensPerDya\na,1\n',
      /^1 B \(tokensPerDya\): .* did you mean tokensPerDay\?/,
    ],
    ['a column of something else', 'id,phone\na,1\n', /to pass over it: --ignore-columns 'phone'/],
    ['a column that is there twice', 'id,name,姓名\na,A,B\n', '1 C (姓名): is the same as column B (name)'],
    ['an open quotation mark', 'id,name\n\nalice,"Alice\nbob,Bob\n', /^3 -: a cell of this row begins with/],
    ['one in the header', 'sep=,\nid,"name\nalice,Alice\n', /^2 -: a cell of this row begins with/],
    ['text after a quotation mark', 'id,name\nalice,"Ali"ce\n', /^2 -: something follows the quotation mark/],
    ['a quotation mark within a cell', 'id,name\nalice,Ali"ce\n', /^2 -: a quotation mark .* is in a cell/],
  ])('%s', (_, text, wantFault) => {
    const wanted = typeof wantFault === 'string' ? wantFault : expect.stringMatching(wantFault);
    expect(faults(read(text))).toContainEqual(wanted);
  });

  test('letters of another encoding, with the line of the first', () => {
    const latin1 = Buffer.from('id,name\nalice,Alice\nbj,Bj\xf6rn\n', 'latin1');
    expect(faults(readRoster(latin1, SETTING))).toEqual([
      "3 -: has letters that are not UTF-8: save it as 'CSV UTF-8 (Comma delimited)'",
    ]);
  });

  test('a workbook', () => {
    const xlsx = Buffer.from([0x50, 0x4b, 0x03, 0x04, 0x14]);
    expect(faults(readRoster(xlsx, SETTING))).toEqual([
      "- -: is a workbook, not a CSV file: save it as 'CSV UTF-8 (Comma delimited)'",
    ]);
  });
});
