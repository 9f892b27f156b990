import { describe, expect, test } from '@jest/globals';
import { DENIED_ENGINE_VARIABLES } from '../../../../src/api/engine-env.ts';
import { parseClassroom } from '../../../../src/api/parse.ts';
import { engineEnvironment } from '../../../../src/classroom/children/engine-environment.ts';
import { classroom } from '../../../support/builders.ts';

const everything = {
  model: { tokenSecretRef: { name: 'hf-token' }, storage: { claimName: 'models' } },
  adapters: [{ name: 'sql-tutor', path: 'adapters/sql-tutor' }],
};
const denied = DENIED_ENGINE_VARIABLES.flatMap(({ names }) => names);

describe('what the spec adds', () => {
  test('comes after what the operator sets, in its order: a value may refer to one before it', () => {
    const env = [
      { name: 'PASSWORD', secretKeyRef: { name: 'proxy', key: 'password' } },
      { name: 'HTTPS_PROXY', value: 'http://pupil:$(PASSWORD)@proxy.school.example:3128' },
    ];
    const own = engineEnvironment(classroom().spec);
    expect(engineEnvironment(classroom({ spec: { engine: { env } } }).spec)).toEqual([
      ...own,
      { name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'proxy', key: 'password' } } },
      { name: 'HTTPS_PROXY', value: 'http://pupil:$(PASSWORD)@proxy.school.example:3128' },
    ]);
  });

  test('may be empty, and is then written as the API server keeps it', () => {
    const spec = { engine: { env: [{ name: 'NO_PROXY', value: '' }] } };
    expect(engineEnvironment(classroom({ spec }).spec).at(-1)).toEqual({ name: 'NO_PROXY' });
  });

  test('is never what the operator sets itself', () => {
    const set = engineEnvironment(classroom({ spec: everything }).spec).map(({ name }) => name);
    expect(set.length).toBeGreaterThan(8);
    expect(set.filter((name) => !denied.includes(name))).toEqual([]);
  });

  test.each(denied)('is not %s, also in an object that no API server has checked', (name) => {
    const object = classroom();
    const engine = { ...object.spec.engine, env: [{ name, value: 'x' }] };
    const parsed = parseClassroom({ ...object, spec: { ...object.spec, engine } });
    expect(parsed).toMatchObject({
      ok: false,
      issues: [{ path: 'spec.engine.env[0].name', message: expect.stringMatching(/must not be/) }],
    });
  });

  test('is named once', () => {
    expect(new Set(denied).size).toBe(denied.length);
  });
});
