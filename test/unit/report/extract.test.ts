import { describe, expect, test } from '@jest/globals';
import { EXTRACT_VERSION, ExtractError, extractOf } from '../../../src/report/extract.ts';
import { aUsageRow } from './builders.ts';

const HEAD = {
  kind: 'class',
  version: EXTRACT_VERSION,
  namespace: 'school',
  classroom: 'python-101',
  timeZone: 'Europe/Berlin',
  from: null,
  to: '2026-09-01',
  asOf: '2026-09-01T12:00:00Z',
};
const ALICE = { kind: 'student', student: 'alice', usage: [aUsageRow()], active: [] };
const END = { kind: 'end', students: 1 };

describe('the lines that a gateway answers', () => {
  test('are put together', () => {
    expect(extractOf([HEAD, ALICE, { kind: 'engines', hours: [] }, END])).toMatchObject({
      classroom: 'python-101',
      from: null,
      keptFrom: null,
      students: [{ student: 'alice' }],
      engines: [],
    });
  });

  test.each([
    ['nothing', []],
    ['those of which the end is missing', [HEAD, ALICE]],
    ['those of a later version', [{ ...HEAD, version: EXTRACT_VERSION + 1 }, ALICE, END]],
    ['those of something else', [{ object: 'list' }]],
    ['those without a class', [ALICE, END]],
    ['a line that is no JSON', [HEAD, undefined, END]],
  ])('are no report when they are %s', (_, lines) => {
    expect(() => extractOf(lines)).toThrow(ExtractError);
  });
});
