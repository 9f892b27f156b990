import { describe, expect, test } from '@jest/globals';
import { type Classroom, classrooms } from '../../../../src/api/classroom.ts';
import { changeObject, type Patch } from '../../../../src/cli/change/change-object.ts';
import { classroom, merged } from '../../../support/builders.ts';
import { apiServer, conflict } from './api-server.ts';

const found = classroom({ metadata: { resourceVersion: '1' } });
const CLOSE: Patch = { spec: { access: 'Closed' } };

test('is written on condition that nobody else has changed it', async () => {
  const { client, sent } = apiServer(found);
  const { object, change } = await changeObject(client, classrooms, found, () => CLOSE, { dryRun: true });
  expect({ change, access: object.spec.access }).toEqual({ change: 'configured', access: 'Closed' });
  expect(sent).toEqual([
    { ...CLOSE, metadata: { uid: 'uid-of-python-101', resourceVersion: '1' } },
    { dryRun: true },
  ]);
});

test('nothing is sent where nothing is to be changed', async () => {
  const { client, sent } = apiServer(found);
  expect(await changeObject(client, classrooms, found, () => undefined)).toEqual({
    object: found,
    change: 'unchanged',
  });
  expect(sent).toEqual([]);
});

describe('somebody else changes it meanwhile', () => {
  test('what they wrote is decided upon again', async () => {
    let raced = false;
    const { client } = apiServer(found, (there) => {
      if (raced) return there;
      raced = true;
      return merged(there, { metadata: { resourceVersion: '2' }, spec: { access: 'Exam', exam: {} } });
    });
    const seen: string[] = [];
    const decide = ({ spec }: Classroom): Patch => {
      seen.push(spec.access);
      return CLOSE;
    };
    await changeObject(client, classrooms, found, decide);
    expect(seen).toEqual(['Open', 'Exam']);
  });

  test('a decision that becomes impossible ends it', async () => {
    const { client, sent } = apiServer(found, (there) =>
      merged(there, { metadata: { resourceVersion: '2' }, spec: { access: 'Exam' } }),
    );
    const why = new Error('there is an exam');
    const decide = ({ spec }: Classroom): Patch => {
      if (spec.access === 'Exam') throw why;
      return CLOSE;
    };
    await expect(changeObject(client, classrooms, found, decide)).rejects.toBe(why);
    expect(sent).toEqual([]);
  });

  test('again and again: it is given up', async () => {
    let version = 1;
    const { client } = apiServer(found, (there) =>
      merged(there, { metadata: { resourceVersion: String(++version) } }),
    );
    await expect(changeObject(client, classrooms, found, () => CLOSE)).rejects.toBe(conflict);
  });

  test('another one that took its name is left alone', async () => {
    const { client, sent } = apiServer(found, (there) =>
      merged(there, { metadata: { uid: 'another', resourceVersion: '2' } }),
    );
    await expect(changeObject(client, classrooms, found, () => CLOSE)).rejects.toBe(conflict);
    expect(sent).toEqual([]);
  });
});
