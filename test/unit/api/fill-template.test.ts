import { expect, test } from '@jest/globals';
import { fillTemplate } from '../../../scripts/fill-template.ts';
import { gpuReference } from '../../../src/gpu/reference.ts';

const values = gpuReference();

test('a template has its values in the place of their names', () => {
  const text = fillTemplate('gpus.md', values);
  expect(text).toContain(values['students-table']);
  expect(text).not.toContain('{{');
});

test('a name without a value is a mistake', () => {
  const { context: _context, ...rest } = values;
  expect(() => fillTemplate('gpus.md', rest)).toThrow('gpus.md asks for {{context}}');
});

test('a value that nothing asks for is a mistake', () => {
  expect(() => fillTemplate('gpus.md', { ...values, contxt: '4096' })).toThrow(
    'gpus.md does not ask for contxt',
  );
});
