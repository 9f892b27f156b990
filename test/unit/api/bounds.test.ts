import { describe, expect, test } from '@jest/globals';
import { parseClassroom, parseStudentQuota } from '../../../src/api/parse.ts';
import { boundCases, type Kind } from '../../support/api/bound-cases.ts';

/** The operator and the gateway judge a field as the API server does: the cases are those of the integration test. */
const parsers = { Classroom: parseClassroom, StudentQuota: parseStudentQuota };

/** Paths of what the parser does not like, in the spec or in the status. */
function complaints(kind: Kind, object: unknown): string[] {
  const parsed = parsers[kind](object);
  return (parsed.ok ? parsed.ignored : parsed.issues).map(({ path }) => path);
}

describe.each<Kind>(['Classroom', 'StudentQuota'])('a %s is read with the bounds of its CRD', (kind) => {
  test.each(boundCases(kind))('$path: $bound', ({ refusedPath, accepted, refused }) => {
    for (const { object } of accepted) expect(complaints(kind, object)).toEqual([]);
    for (const { object, value } of refused)
      expect([value, complaints(kind, object)]).toEqual([value, [refusedPath]]);
  });
});
