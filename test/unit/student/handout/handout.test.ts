import { describe, expect, test } from '@jest/globals';
import { mergeConditions } from '../../../../src/api/condition.ts';
import type { StudentQuota } from '../../../../src/api/student-quota.ts';
import { envFile } from '../../../../src/student/handout/env-file.ts';
import { handoutsOf } from '../../../../src/student/handout/handout.ts';
import { keyTable } from '../../../../src/student/handout/table.ts';
import { seatSecret } from '../../../../src/student/secret.ts';
import { classroom } from '../../../support/builders.ts';
import { apiKey, BASE_URL, listed, NOW_MS, quota, record, classroom as someClass } from '../builders.ts';
import { handout } from './builders.ts';

const withKey = (n: number): StudentQuota =>
  quota({ status: { secretName: 'alice-api-key', keys: [listed(n)] } });
const secretWith = (n: number) =>
  seatSecret(quota(), { apiKey: apiKey(n), baseURL: BASE_URL, model: 'qwen' }, record(n), undefined);

describe('what is handed out', () => {
  test('is the key of the Secret with the settings, the limits in force and whom to ask', () => {
    const ofClass = classroom({
      spec: { contact: 'Ms Chen', limits: { perStudent: { tokensPerDay: 1000, maxOutputTokens: 64 } } },
    });
    const seat = quota({
      spec: { limits: { tokensPerDay: 2000 } },
      status: { secretName: 'alice-api-key', keys: [listed(1)] },
    });
    expect(handoutsOf(ofClass, [seat], [secretWith(1)], undefined)).toEqual({
      handouts: [
        {
          seat: 'alice',
          classroom: 'python-101',
          student: { id: 'alice' },
          settings: { apiKey: apiKey(1), baseURL: BASE_URL, model: 'qwen' },
          limits: expect.objectContaining({ tokensPerDay: 2000, maxOutputTokens: 64 }),
          contact: 'Ms Chen',
          expiresAt: undefined,
        },
      ],
      missing: [],
    });
  });

  test('names another address where students are elsewhere', () => {
    const outside = 'https://gpu.school.example/v1';
    const { handouts } = handoutsOf(someClass(), [withKey(1)], [secretWith(1)], outside);
    expect(handouts).toMatchObject([{ settings: { baseURL: outside } }]);
  });
});

describe('a key that would be refused is not handed out', () => {
  const issuing = mergeConditions(
    undefined,
    [{ type: 'KeyIssued', status: 'False', reason: 'Withheld', message: 'The class is missing.' }],
    1,
    NOW_MS,
  );
  test.each([
    ['nothing was made yet', quota(), [], 'the operator has not looked at the seat yet'],
    ['the operator says why', quota({ status: { conditions: issuing } }), [], 'The class is missing.'],
    ['the Secret holds another key than the status lists', withKey(2), [secretWith(1)], /not looked at/],
    [
      'the listed key has ended',
      quota({
        status: { secretName: 'alice-api-key', keys: [listed(1, { expiresTime: '2026-09-01T09:00:00Z' })] },
      }),
      [secretWith(1)],
      /not looked at/,
    ],
  ])('%s', (_, seat, secrets, wantWhy) => {
    expect(handoutsOf(someClass(), [seat], secrets, undefined)).toEqual({
      handouts: [],
      missing: [{ id: 'alice', why: wantWhy instanceof RegExp ? expect.stringMatching(wantWhy) : wantWhy }],
    });
  });
});

describe('a .env file', () => {
  test('has a line for each setting, as the OpenAI clients call them', () => {
    expect(envFile(handout().settings)).toBe(
      `OPENAI_API_KEY=${apiKey(1)}\nOPENAI_BASE_URL=https://gpu.school.example/v1\nOPENAI_MODEL=qwen2.5-7b-instruct\n`,
    );
  });

  test('quotes what a shell would change', () => {
    const settings = { ...handout().settings, baseURL: 'https://a.example/v1?x=1&y=$z' };
    expect(envFile(settings)).toContain("OPENAI_BASE_URL='https://a.example/v1?x=1&y=$z'\n");
  });
});

describe('the table of keys', () => {
  test('opens in spreadsheets: a byte order mark, quotes where they are needed, a row for each student', () => {
    const table = keyTable(
      [
        handout({ student: { id: 'alice', displayName: 'Zhang, Alice "Ali"' } }),
        handout({ student: { id: 'bob', group: 'blue' } }),
      ],
      { bom: true },
    );
    expect(table).toBe(
      [
        '\uFEFFid,name,group,key,base_url,model',
        `alice,"Zhang, Alice ""Ali""",,${apiKey(1)},https://gpu.school.example/v1,qwen2.5-7b-instruct`,
        `bob,,blue,${apiKey(1)},https://gpu.school.example/v1,qwen2.5-7b-instruct`,
        '',
      ].join('\r\n'),
    );
  });

  test('a name is never a formula', () => {
    const student = { id: 'alice', displayName: '=HYPERLINK("http://evil.example")' };
    expect(keyTable([handout({ student })], { bom: false })).toContain(
      `"'=HYPERLINK(""http://evil.example"")"`,
    );
  });
});
