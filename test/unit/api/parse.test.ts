import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseClassroom, parseStudentQuota } from '../../../src/api/parse.ts';
import { classroom, merged, studentQuota } from '../../support/builders.ts';

const written = {
  apiVersion: 'gpu-classroom.io/v1alpha1',
  kind: 'Classroom',
  metadata: { name: 'python-101', namespace: 'python-101' },
  spec: { model: { id: 'Qwen/Qwen2.5-7B-Instruct' } },
};

function issuesOf(difference: object) {
  const parsed = parseClassroom(merged(written, difference));
  return parsed.ok ? [] : parsed.issues.map(({ path, message }) => `${path} ${message}`);
}

describe('a good object', () => {
  test('gets its defaults', () => {
    const parsed = parseClassroom(written);
    expect(parsed).toMatchObject({ ok: true, ignored: [], classroom: { spec: classroom().spec } });
  });

  test('keeps what Kubernetes says about it', () => {
    const metadata = {
      name: 'python-101',
      namespace: 'python-101',
      uid: 'u',
      resourceVersion: '7',
      generation: 3,
      creationTimestamp: '2026-12-01T10:30:00Z',
      deletionTimestamp: '2026-12-02T10:30:00Z',
      labels: { course: 'python' },
      annotations: { note: 'x' },
      ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: 'o', controller: true }],
      finalizers: ['example.com/keep'],
    };
    expect(parseClassroom({ ...written, metadata })).toMatchObject({ ok: true, classroom: { metadata } });
  });

  test('is the same when it is read again', () => {
    for (const object of [classroom(), classroom({ spec: { access: 'Closed' } })]) {
      expect(parseClassroom(object)).toEqual({ ok: true, classroom: object, ignored: [] });
    }
    expect(parseStudentQuota(studentQuota())).toEqual({
      ok: true,
      studentQuota: studentQuota(),
      ignored: [],
    });
  });

  test('may have nulls, which are the same as nothing', () => {
    const spec = { ...written.spec, engine: { maxNumSeqs: null }, schedule: null, access: null };
    const parsed = parseClassroom({ ...written, spec });
    expect(parsed).toMatchObject({ ok: true, classroom: { spec: classroom().spec } });
  });

  test('loses fields that nobody knows', () => {
    const parsed = parseClassroom({ ...written, spec: { ...written.spec, modle: 'typo' } });
    expect(parsed).toMatchObject({
      ok: true,
      classroom: { spec: expect.not.objectContaining({ modle: 'typo' }) },
    });
  });
});

describe('a bad object is told in the words of the CRD', () => {
  test.each<[name: string, difference: object, want: string[]]>([
    ['another kind', { kind: 'Pod' }, ["kind must be 'Classroom'"]],
    ['another version', { apiVersion: 'v1' }, ["apiVersion must be 'gpu-classroom.io/v1alpha1'"]],
    ['no model', { spec: { model: null } }, ['spec.model must be set']],
    ['an empty id', { spec: { model: { id: '' } } }, ['spec.model.id must not be empty']],
    [
      'text for a number',
      { spec: { engine: { maxNumSeqs: '8' } } },
      ['spec.engine.maxNumSeqs must be a whole number'],
    ],
    [
      'a fraction',
      { spec: { engine: { maxNumSeqs: 1.5 } } },
      ['spec.engine.maxNumSeqs must be a whole number'],
    ],
    [
      'too little',
      { spec: { engine: { maxNumSeqs: 0 } } },
      ['spec.engine.maxNumSeqs must not be less than 1'],
    ],
    [
      'too much',
      { spec: { engine: { maxNumSeqs: 5000 } } },
      ['spec.engine.maxNumSeqs must not be greater than 4096'],
    ],
    [
      'an unknown choice',
      { spec: { gpu: { sharing: 'MPS' } } },
      ["spec.gpu.sharing must be 'None' or 'MIG' or 'TimeSliced'"],
    ],
    [
      'too long a text',
      { spec: { contact: 'x'.repeat(257) } },
      ['spec.contact must not have more than 256 characters'],
    ],
    [
      'no date',
      { spec: { boost: { factor: 2, until: 'soon' } } },
      ["spec.boost.until must be a time with an offset, such as '2026-12-01T10:30:00Z'"],
    ],
    ['no map', { spec: { gpu: { nodeSelector: 'pool' } } }, ['spec.gpu.nodeSelector must be a record']],
    [
      'a bad label name',
      { spec: { gpu: { nodeSelector: { 'gpu pool': 'a' } } } },
      ['spec.gpu.nodeSelector.gpu pool must not have such a key'],
    ],
    [
      'a name that no Service can have',
      { metadata: { name: '101-python' } },
      ['metadata.name must match ^[a-z]([-a-z0-9]*[a-z0-9])?$'],
    ],
    [
      'an hour that does not exist, told once',
      { spec: { schedule: { sessions: [{ days: [], start: '9', end: '25:00' }] } } },
      [
        'spec.schedule.sessions[0].days must not be empty',
        'spec.schedule.sessions[0].start must have at least 5 characters',
        'spec.schedule.sessions[0].end must match ^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$',
      ],
    ],
  ])('%s', (_name, difference, want) => {
    expect(issuesOf(difference)).toEqual(want);
  });

  test('with everything that is wrong, outside the spec and in it', () => {
    expect(issuesOf({ kind: 'Pod', spec: { model: { id: 7 } } })).toEqual([
      "kind must be 'Classroom'",
      'spec.model.id must be a string',
    ]);
  });
});

test('whatever comes is read without a throw, and a refusal says why', () => {
  fc.assert(
    fc.property(fc.anything(), (anything) => {
      for (const parse of [parseClassroom, parseStudentQuota]) {
        const parsed = parse(anything);
        expect(parsed.ok || parsed.issues.length > 0).toBe(true);
      }
    }),
  );
});

test('whatever stands in the spec is read without a throw', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom('model', 'gpu', 'engine', 'schedule'), fc.anything()),
      (spec) => {
        const parsed = parseClassroom({ ...written, spec });
        expect(parsed.ok || parsed.issues.length > 0).toBe(true);
      },
    ),
  );
});

describe('a status that another version wrote', () => {
  const keys = [{ generation: 1, sha256: 'a'.repeat(64), createdTime: '2026-12-01T10:30:00Z' }];
  const seat = studentQuota();

  test('loses only the fields that cannot be read, and says which', () => {
    const parsed = parseStudentQuota({
      ...seat,
      status: { keys, usage: 'plenty', secretName: 'alice-api-key' },
    });
    expect(parsed).toMatchObject({
      ok: true,
      studentQuota: { status: { keys, secretName: 'alice-api-key' } },
    });
    expect(parsed).toMatchObject({ ignored: [{ path: 'status.usage', message: 'must be an object' }] });
    expect(parsed).not.toHaveProperty('studentQuota.status.usage');
  });

  test('is left out when it is no object at all', () => {
    const parsed = parseStudentQuota({ ...seat, status: 'fine' });
    expect(parsed).toEqual({
      ok: true,
      studentQuota: seat,
      ignored: [{ path: 'status', message: 'must be an object' }],
    });
  });
});
