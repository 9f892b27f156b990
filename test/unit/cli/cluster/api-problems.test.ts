import { describe, expect, test } from '@jest/globals';
import { problemOfCall } from '../../../../src/cli/cluster/api-problems.ts';
import { problems } from '../../../../src/cli/problems.ts';
import { KubeApiError, type KubeApiErrorInit } from '../../../../src/kube/errors.ts';

const SERVER = 'https://10.0.0.1:6443';

const problemOf = (init: Partial<KubeApiErrorInit>) => {
  const error = new KubeApiError({
    status: 0,
    reason: 'Unknown',
    message: 'the words of the cluster',
    ...init,
  });
  return problemOfCall(error, SERVER)?.problem;
};

test.each<[string, Partial<KubeApiErrorInit>, RegExp]>([
  ['no connection', { reason: 'Unreachable' }, /^The cluster at https:\/\/10\.0\.0\.1:6443 does not answer/],
  ['no answer in time', { reason: 'DeadlineExceeded' }, /did not answer in time/],
  ['a login that ran out', { reason: 'CredentialsUnavailable' }, /^There are no credentials/],
  ['Ctrl-C', { reason: 'Aborted' }, /^Interrupted/],
  ['credentials that are not valid', { status: 401, reason: 'Unauthorized' }, /does not know you/],
  ['no rights', { status: 403, reason: 'Forbidden' }, /^You may not do that/],
  [
    'an API that is not there',
    { status: 404, message: '404 page not found' },
    /^GPU Classroom is not installed/,
  ],
  ['an object that is not there', { status: 404, reason: 'NotFound' }, /^There is no such object/],
  ['a namesake', { status: 409, reason: 'AlreadyExists' }, /There is such an object already/],
  ['somebody else at work', { status: 409, reason: 'Conflict' }, /^Somebody else changed/],
  ['a fault of the cluster', { status: 500, reason: 'InternalError' }, /failed to answer \(HTTP 500\)/],
])('%s', (_, init, want) => {
  expect(problemOf(init)?.what).toMatch(want);
});

describe('an object that the cluster refuses', () => {
  test('is named, with each field that is wrong', () => {
    const problem = problemOf({
      status: 422,
      reason: 'Invalid',
      details: {
        kind: 'Classroom',
        name: 'python-101',
        causes: [
          { field: 'spec.gpu.migProfile', message: 'Required value: must be set' },
          { field: 'spec.engine.image', message: 'Invalid value: ""' },
        ],
      },
    });
    expect(problem).toMatchObject({
      what: 'The cluster refuses the Classroom "python-101".',
      why: 'spec.gpu.migProfile: Required value: must be set\nspec.engine.image: Invalid value: ""',
    });
  });

  test('is told in the words of the cluster where it names no field', () => {
    expect(problemOf({ status: 400, reason: 'BadRequest' })).toMatchObject({
      what: 'The cluster refuses what was asked.',
      why: 'the words of the cluster',
    });
  });
});

test('a problem of the catalogue stays what it is', () => {
  const problem = problems.noClass({ namespace: 'school' });
  expect(problemOfCall(problem, SERVER)).toBe(problem);
});

test('a fault of the program is no problem of a person', () => {
  expect(problemOfCall(new TypeError('x is not a function'), SERVER)).toBeUndefined();
});
