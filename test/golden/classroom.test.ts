import { readdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parseAllDocuments, stringify } from 'yaml';
import { type Classroom, classroomSpecSchema } from '../../src/api/classroom.ts';
import type { StudentQuota } from '../../src/api/student-quota.ts';
import { plan } from '../../src/classroom/plan.ts';
import { observedClass, settings } from '../support/classroom.ts';

/**
 * Each folder is one behaviour: `in.yaml` is what a trainer applies, with the uid that the API server would give,
 * `out.yaml` is what the operator makes of it. `GOLDEN_UPDATE=1` writes `out.yaml` anew; read the difference.
 */
const FOLDER = join(import.meta.dirname, 'classroom');
const NOW_MS = Date.parse('2026-09-01T09:00:00Z');

describe('the objects of a class', () => {
  test.each(readdirSync(FOLDER))('%s', async (name) => {
    const outPath = join(FOLDER, name, 'out.yaml');
    const got = outputOf(await readFile(join(FOLDER, name, 'in.yaml'), 'utf8'));
    if (process.env.GOLDEN_UPDATE === '1') await writeFile(outPath, got);
    expect(got).toBe(await readFile(outPath, 'utf8'));
  });
});

function outputOf(input: string): string {
  const [first, ...seats] = parseAllDocuments(input).map((document) => document.toJS());
  const classroom: Classroom = { ...first, spec: classroomSpecSchema.parse(first.spec) };
  const result = plan(observedClass({ classroom, seats: seats as StudentQuota[] }), settings(), NOW_MS);
  if (result.kind === 'withheld') return stringify({ reason: result.reason, message: result.message });
  return [...result.foundations, result.deployment]
    .map(({ object }) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }))
    .join('---\n');
}
