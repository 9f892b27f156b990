import { describe, expect, test } from '@jest/globals';
import {
  CLASSROOM_CONDITIONS,
  CLASSROOM_REASONS,
  ENGINE_FAILURE_REASONS,
  STUDENT_QUOTA_CONDITIONS,
  STUDENT_QUOTA_REASONS,
} from '../../../src/api/reasons.ts';
import { ERROR_CODES } from '../../../src/gateway/errors.ts';
import { readDocument } from '../../support/documents.ts';

const page = readDocument('docs/troubleshooting.md').text;

/** From a heading of the second level to the next one. */
function section(heading: string): string {
  const start = page.indexOf(`\n## ${heading}\n`);
  if (start < 0) throw new Error(`there is no section '${heading}'`);
  const end = page.indexOf('\n## ', start + 1);
  return page.slice(start, end < 0 ? undefined : end);
}

/** Words with an entry: a row of a table that says what it means and what to do. */
function entries(heading: string): string[] {
  return [...section(heading).matchAll(/^\| `([^`|]+)` \| \S[^|]* \| \S[^|]* \|$/gm)].map(
    ([, word = '']) => word,
  );
}

/** Types of conditions with a heading of their own. */
function headings(heading: string): string[] {
  return [...section(heading).matchAll(/^### `(\w+)`/gm)].map(([, type = '']) => type);
}

const sorted = (words: Iterable<string>): string[] => [...new Set(words)].sort();

describe('docs/troubleshooting.md', () => {
  test.each([
    ['Conditions of a class', CLASSROOM_REASONS],
    ['Why an engine fails', ENGINE_FAILURE_REASONS],
    ['Conditions of a seat', STUDENT_QUOTA_REASONS],
  ])('%s: has an entry for every reason, and for no other', (heading, reasons) => {
    expect(sorted(entries(heading))).toEqual(sorted(Object.values(reasons)));
  });

  test.each([
    ['Conditions of a class', CLASSROOM_CONDITIONS],
    ['Conditions of a seat', STUDENT_QUOTA_CONDITIONS],
  ])('%s: has a heading for every type of condition, and for no other', (heading, conditions) => {
    expect(sorted(headings(heading))).toEqual(sorted(Object.values(conditions)));
  });

  test('has an entry for every refusal of the gateway, in the order of the gateway, and for no other', () => {
    expect(entries('Refusals of the gateway')).toEqual(ERROR_CODES.map(({ code }) => code));
  });
});
