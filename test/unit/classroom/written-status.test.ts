import { expect, test } from '@jest/globals';
import { createWrittenStatus } from '../../../src/classroom/written-status.ts';
import { classroom } from '../../support/builders.ts';

const old = classroom({ metadata: { resourceVersion: '1' } });
const shown = classroom({ metadata: { resourceVersion: '2' }, status: { students: 2 } });

test('what was written counts until the watch shows it', () => {
  const written = createWrittenStatus();
  expect(written.current(old)).toBe(old);
  written.remember(old, { students: 1 });
  expect(written.current(old).status).toEqual({ students: 1 });
  expect(written.current(shown)).toBe(shown);
});

test('what was written twice on the same view counts as written last', () => {
  const written = createWrittenStatus();
  written.remember(old, { students: 1 });
  written.remember(old, { students: 2 });
  expect(written.current(old).status).toEqual({ students: 2 });
});

test('a class that is made again begins anew', () => {
  const written = createWrittenStatus();
  written.remember(old, { students: 1 });
  written.forget('python-101/python-101');
  expect(written.current(old)).toBe(old);
});
